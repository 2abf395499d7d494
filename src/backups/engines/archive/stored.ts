/**
 * Archives in S3-compatible storage. Each is made and read back in a scratch directory first, then uploaded, then read
 * back from the storage whole; to be looked into it is fetched again. Its manifest is an object beside it.
 */
import { basename } from "node:path";
import { z } from "zod";
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import type {
  Artifact,
  EngineContext,
  MakeRequest,
  ManifestFacts,
  Reach,
  StoredArtifact,
  UnreadableManifest,
  Verification,
} from "../../engine.ts";
import { S3Client } from "../s3/client.ts";
import { listObjects, readObject, removeObject, sizeOf } from "../s3/objects.ts";
import { type Place, placeOf, S3Settings } from "../s3/options.ts";
import { Spool } from "../s3/spool.ts";
import { abortUploads, uploadFile } from "../s3/upload.ts";
import { Meter } from "../tools/meter.ts";
import { saysGone } from "../tools/secrets.ts";
import { factsOf } from "./discover.ts";
import { makeArtifact } from "./make-artifact.ts";
import { isArtifactName, isManifestName, manifestPath, parseManifest } from "./manifest.ts";
import type { ArchiveOptions } from "./options.ts";
import { verifyArtifact } from "./verify-artifact.ts";

/** Makes, uploads and reads back one artifact; whatever goes wrong, nothing of it stays. */
export async function makeStored(
  request: MakeRequest<ArchiveOptions>,
  context: EngineContext,
): Promise<Artifact> {
  const { options } = request;
  const { s3, ...local } = options;
  const prefix = placeOf(options.destination);
  await using client = await S3Client.open(settingsOf({ s3 }, options.destination), prefix.bucket, context);
  const stale = await abortUploads(client, below(prefix), context.now(), isArtifactName);
  for (const key of stale) context.log("info", `Aborted the upload of "${key}", which was left behind`);
  await using spool = await Spool.open(context);
  const made = await makeArtifact({ ...request, options: { ...local, destination: spool.path } }, context);
  const name = basename(made.path);
  const [path, key] = [`${options.destination}/${name}`, below(prefix) + name];
  try {
    // The manifest first: an artifact in its place always has one.
    const body = await Deno.readFile(manifestPath(made.path));
    const headers = { "content-type": "application/json" };
    await client.done({ method: "PUT", key: manifestPath(key), headers, body });
    await uploadFile({ client, key, path: made.path, context });
    await readBack(client, key, made, context);
  } catch (error) {
    await takeBack(request, context, key);
    throw error;
  }
  return { ...made, path };
}

/** What the storage has must be what was made: all of it is read again. */
async function readBack(
  client: S3Client,
  key: string,
  made: Pick<Artifact, "sha256" | "size_bytes">,
  context: EngineContext,
): Promise<void> {
  const meter = new Meter(context);
  let bytes = 0;
  const report = (final: boolean) =>
    meter.report({ phase: "check", done_bytes: bytes, total_bytes: made.size_bytes, done_items: 0 }, final);
  const found = await readObject(client, key, (piece) => {
    bytes += piece.length;
    report(false);
  }, context.signal);
  report(true);
  if (found.sha256 === made.sha256 && found.size_bytes === made.size_bytes) return;
  throw new HoldfastError(
    "unavailable",
    `Cannot trust "${key}": the storage gives back ${found.size_bytes} bytes with SHA-256 ${found.sha256}, written were ${made.size_bytes} with ${made.sha256}`,
  );
}

/** Also after a cancel, with a time of its own. */
async function takeBack(
  { options }: Pick<MakeRequest<ArchiveOptions>, "options">,
  context: EngineContext,
  key: string,
): Promise<void> {
  const signal = AbortSignal.timeout(TAKE_BACK_MS);
  try {
    const { bucket } = placeOf(options.destination);
    const open = { signal, secret: (name: string) => context.secret(name) };
    await using client = await S3Client.open(settingsOf(options, options.destination), bucket, open);
    await removeObject(client, key);
    await removeObject(client, manifestPath(key));
  } catch (error) {
    context.log("warning", `Cannot remove what was uploaded of "${key}": ${messageOf(error)}`);
  }
}

/** Longest time that taking an upload back may take. */
const TAKE_BACK_MS = 30_000;

/** Fetches an artifact and compares it with its manifest and with what the caller knows of it. */
export async function verifyStored(artifact: StoredArtifact, context: EngineContext): Promise<Verification> {
  try {
    return await fetched(artifact, context, (copy) => verifyArtifact(copy, context));
  } catch (error) {
    if (!saysGone(error)) throw error;
    return { ok: false, problems: [error.message], size_bytes: 0, sha256: null, item_count: 0 };
  }
}

/** Works on an artifact as if it were here: it is fetched, and the copy removed again. Errors: `not_found` when it is gone. */
export async function fetched<Result>(
  artifact: StoredArtifact,
  context: EngineContext,
  work: (local: StoredArtifact) => Promise<Result>,
): Promise<Result> {
  await using copy = await fetchCopy(artifact, context);
  try {
    return await work(copy.artifact);
  } catch (error) {
    throw renamed(error, copy.artifact.path, artifact.path);
  }
}

/** A copy of an artifact with its manifest, where there is one. */
export async function fetchCopy(
  artifact: StoredArtifact,
  context: EngineContext,
): Promise<{ artifact: StoredArtifact } & AsyncDisposable> {
  const { bucket, key } = placeOf(artifact.path);
  await using client = await S3Client.open(settingsOf(artifact.options, artifact.path), bucket, context);
  const size = await sizeOf(client, key);
  if (size === "missing") {
    throw new HoldfastError("not_found", `Cannot read artifact "${artifact.path}": it does not exist`);
  }
  const spool = await Spool.open(context, size);
  try {
    const path = spool.file(basename(key));
    await saveObject(client, key, path, size, context);
    const manifest = manifestPath(key);
    if (await sizeOf(client, manifest) !== "missing") {
      await Deno.writeTextFile(manifestPath(path), await client.text({ method: "GET", key: manifest }));
    }
    return { artifact: { ...artifact, path }, [Symbol.asyncDispose]: () => spool[Symbol.asyncDispose]() };
  } catch (error) {
    await spool[Symbol.asyncDispose]();
    throw error;
  }
}

async function saveObject(
  client: S3Client,
  key: string,
  path: string,
  size: number,
  context: EngineContext,
): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  const meter = new Meter(context);
  let bytes = 0;
  const report = (final: boolean) =>
    meter.report({ phase: "read", done_bytes: bytes, total_bytes: size, done_items: 0 }, final);
  await readObject(client, key, async (piece) => {
    for (let at = 0; at < piece.length;) at += await file.write(piece.subarray(at));
    bytes += piece.length;
    report(false);
  }, context.signal);
  report(true);
}

/** Messages name the artifact, not its copy. */
export function renamed(error: unknown, copy: string, path: string): unknown {
  if (!(error instanceof HoldfastError) || !error.message.includes(copy)) return error;
  const { kind, code, hint, errors, cause } = error;
  const details = { code, errors, cause, ...(hint === undefined ? {} : { hint }) };
  return new HoldfastError(kind, error.message.replaceAll(copy, path), details);
}

/** Size of an artifact, without reading it. */
export async function locateStored(
  { path, options }: StoredArtifact,
  context: EngineContext,
): Promise<{ size_bytes: number } | "missing"> {
  const { bucket, key } = placeOf(path);
  await using client = await S3Client.open(settingsOf(options, path), bucket, context);
  const size = await sizeOf(client, key);
  return size === "missing" ? size : { size_bytes: size };
}

/** Removes an artifact and its manifest. */
export async function removeStored({ path, options }: StoredArtifact, context: EngineContext): Promise<void> {
  const { bucket, key } = placeOf(path);
  await using client = await S3Client.open(settingsOf(options, path), bucket, context);
  await removeObject(client, key);
  await removeObject(client, manifestPath(key));
}

/** The manifests at a place, not below it; one whose artifact is gone counts as unreadable. */
export async function* discoverStored(
  place: string,
  { options, context }: Reach,
): AsyncGenerator<ManifestFacts | UnreadableManifest> {
  const prefix = placeOf(place);
  await using client = await S3Client.open(settingsOf(options, place), prefix.bucket, context);
  const keys: string[] = [];
  for await (const { key } of listObjects(client, below(prefix))) keys.push(key);
  const known = new Set(keys);
  for (const key of keys.filter(isManifestName)) {
    const path = `s3://${prefix.bucket}/${key}`;
    const artifact = key.slice(0, -manifestPath("").length);
    try {
      const text = await client.text({ method: "GET", key });
      if (known.has(artifact)) yield factsOf(`s3://${prefix.bucket}/${artifact}`, parseManifest(text, path));
      else yield { path, problem: `Its artifact is not beside it: "${path}"` };
    } catch (error) {
      context.signal.throwIfAborted();
      if (error instanceof HoldfastError && error.kind === "upstream") throw error;
      yield { path, problem: messageOf(error) };
    }
  }
}

/** Removes what a make left behind that never got its artifact: uploads under way, and a manifest alone. */
export async function sweepStored(
  place: string,
  name: string,
  { options, context }: Reach,
): Promise<string[]> {
  const prefix = placeOf(place);
  await using client = await S3Client.open(settingsOf(options, place), prefix.bucket, context);
  const begin = `${below(prefix)}${name}.`;
  const swept = await abortUploads(client, begin);
  const keys: string[] = [];
  for await (const { key } of listObjects(client, begin)) keys.push(key);
  for (const key of keys.filter(isManifestName)) {
    if (keys.includes(key.slice(0, -manifestPath("").length))) continue;
    await removeObject(client, key);
    swept.push(key);
  }
  return swept.map((key) => `s3://${prefix.bucket}/${key}`);
}

/** What keys at a place begin with. */
function below({ key }: Place): string {
  return key === "" ? "" : `${key}/`;
}

/** How a storage is reached, by the options an artifact was made with. Errors: `invalid` without them. */
function settingsOf(options: unknown, path: string): S3Settings {
  const { data } = z.object({ s3: S3Settings }).safeParse(options);
  if (data !== undefined) return data.s3;
  throw new HoldfastError("invalid", `Cannot reach "${path}": nobody knows how`, {
    code: "unknown_storage",
    hint: "import it again, and say how with --s3",
  });
}
