/**
 * Uploads in parts: a file goes up piece by piece in constant memory, what the storage has already is not sent again,
 * and an upload that cannot be finished leaves nothing behind.
 */
import { createHash } from "node:crypto";
import { HoldfastError } from "../../../lib/errors.ts";
import type { EngineContext } from "../../engine.ts";
import { Meter } from "../tools/meter.ts";
import { pause, type S3Client } from "./client.ts";
import { loops } from "./objects.ts";
import { elements, escapeXml, textOf } from "./xml.ts";

/** Parts are at least so large; there may be 10,000 (the API's limits: 5 MiB, 10,000), on some storages 1,000. */
const MIN_PART_BYTES = 8 << 20;
const MAX_PARTS = 10_000;
const FEW_PARTS = 1000;
/** Parts on their way are in memory: never more at once, nor more bytes unless a single part is larger. */
const PARALLEL = 3;
const MEMORY_BYTES = 64 << 20;
/** Parts become larger so that there are few of them only as long as they are smaller than this. */
const LARGE_PART_BYTES = 64 << 20;
/** An upload that breaks is taken up again so often, after so long. */
const ROUNDS_MS = [2_000, 10_000, 30_000, 60_000];
/** Uploads that began longer ago and look like ours were left behind by a run that was cut off. */
const STALE_MS = 24 * 3_600_000;

/** A file on its way. */
export interface Upload {
  client: S3Client;
  key: string;
  path: string;
  context: Pick<EngineContext, "signal" | "progress" | "log">;
  /** Pauses between rounds; tests have shorter ones. */
  roundsMs?: readonly number[];
}

interface Part {
  number: number;
  offset: number;
  length: number;
}

/** Uploads a file as one object. Errors: `upstream`, and the signal's reason; nothing is left behind then. */
export async function uploadFile(upload: Upload): Promise<void> {
  const { client, key, path, context } = upload;
  const { size } = await Deno.stat(path);
  const xml = await client.text({ method: "POST", key, query: { uploads: "" } });
  const id = textOf(xml, "UploadId");
  if (id === undefined) {
    throw new HoldfastError("upstream", `Cannot upload "${key}": the storage gave it no id`);
  }
  try {
    const tags = await sendParts(upload, id, partsOf(size));
    const body = tags.map((tag, i) =>
      `<Part><PartNumber>${i + 1}</PartNumber><ETag>${escapeXml(tag)}</ETag></Part>`
    );
    const answer = await client.text({
      method: "POST",
      key,
      query: { uploadId: id },
      headers: { "content-type": "application/xml" },
      body: new TextEncoder().encode(`<CompleteMultipartUpload>${body.join("")}</CompleteMultipartUpload>`),
    });
    // It may begin with 200 before it knows.
    const code = textOf(answer, "Code");
    if (/<Error[\s>]/.test(answer)) {
      throw new HoldfastError("upstream", `Cannot upload "${key}": ${code ?? "the storage failed"}`);
    }
  } catch (error) {
    await abort(client, key, id, context);
    throw error;
  }
}

/** The parts of a file of this size; an empty one is one empty part. */
export function partsOf(size: number): Part[] {
  const mib = 1 << 20;
  const cut = (parts: number) => Math.ceil(size / parts / mib) * mib;
  const length = Math.max(MIN_PART_BYTES, Math.min(cut(FEW_PARTS), LARGE_PART_BYTES), cut(MAX_PARTS));
  const count = Math.max(1, Math.ceil(size / length));
  return Array.from({ length: count }, (_, i) => ({
    number: i + 1,
    offset: i * length,
    length: Math.min(length, size - i * length),
  }));
}

/** Tags of the parts in order. When it breaks, the storage is asked what it has, and the rest is sent. */
async function sendParts(upload: Upload, id: string, parts: readonly Part[]): Promise<string[]> {
  const { context, roundsMs = ROUNDS_MS } = upload;
  const tags = new Map<number, string>();
  for (const [round, ms] of [...roundsMs, null].entries()) {
    try {
      if (round > 0) { for (const [number, tag] of await arrived(upload, id, parts)) tags.set(number, tag); }
      await sendMissing(upload, id, parts, tags);
      return parts.map(({ number }) => tags.get(number) ?? "");
    } catch (error) {
      context.signal.throwIfAborted();
      const passes = error instanceof HoldfastError && ["connect", "busy"].includes(error.code) &&
        error.kind === "upstream";
      if (!passes || ms === null) throw error;
      context.log(
        "warning",
        `${error.message}; trying again in ${ms / 1000} s, ${tags.size} parts have arrived`,
      );
      await pause(ms, context.signal);
    }
  }
  throw new TypeError("the last round ends the loop");
}

async function sendMissing(
  { client, key, path, context }: Upload,
  id: string,
  parts: readonly Part[],
  tags: Map<number, string>,
): Promise<void> {
  const missing = parts.filter(({ number }) => !tags.has(number));
  const meter = new Meter(context);
  const total_bytes = parts.reduce((sum, { length }) => sum + length, 0);
  const report = (final: boolean) => {
    const done_bytes = parts.reduce((sum, part) => sum + (tags.has(part.number) ? part.length : 0), 0);
    meter.report({
      phase: "upload",
      done_bytes,
      total_bytes,
      done_items: tags.size,
      total_items: parts.length,
    }, final);
  };
  report(true);
  let failure: { error: unknown } | undefined;
  const work = async () => {
    using file = await Deno.open(path, { read: true });
    while (failure === undefined) {
      const part = missing.shift();
      if (part === undefined) return;
      try {
        const body = await readPart(file, part);
        const query = { partNumber: String(part.number), uploadId: id };
        const headers = await client.done({ method: "PUT", key, query, body });
        tags.set(part.number, headers.get("etag") ?? "");
        report(false);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  const atOnce = Math.max(1, Math.min(PARALLEL, Math.floor(MEMORY_BYTES / (parts[0]?.length || 1))));
  await Promise.all(Array.from({ length: Math.min(atOnce, missing.length) }, work));
  if (failure !== undefined) throw failure.error;
  report(true);
}

async function readPart(file: Deno.FsFile, { offset, length }: Part): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  await file.seek(offset, Deno.SeekMode.Start);
  for (let at = 0; at < length;) {
    const count = await file.read(bytes.subarray(at));
    if (count === null) throw new HoldfastError("unavailable", "Cannot upload: the file has become shorter");
    at += count;
  }
  return bytes;
}

/** Tags of the parts that the storage has as they are here. */
async function arrived(
  { client, key, path }: Upload,
  id: string,
  parts: readonly Part[],
): Promise<Map<number, string>> {
  const tags = new Map<number, string>();
  using file = await Deno.open(path, { read: true });
  for (let marker = "0";;) {
    const query = { uploadId: id, "part-number-marker": marker };
    const xml = await client.text({ method: "GET", key, query });
    for (const found of elements(xml, "Part")) {
      const part = parts[Number(textOf(found, "PartNumber")) - 1];
      const tag = textOf(found, "ETag");
      if (part === undefined || tag === undefined || Number(textOf(found, "Size")) !== part.length) continue;
      // A tag that is no MD5 comes from a storage that encrypts: such a part is sent again.
      const md5 = createHash("md5").update(await readPart(file, part)).digest("hex");
      if (tag.replaceAll('"', "") === md5) tags.set(part.number, tag);
    }
    if (textOf(xml, "IsTruncated") !== "true") return tags;
    const next = textOf(xml, "NextPartNumberMarker") ?? "";
    if (next === "") return tags;
    if (next === marker) throw loops("parts");
    marker = next;
  }
}

/** Longest time an abort may take. */
const ABORT_MS = 30_000;

/** Best effort, also after a cancel: what cannot be aborted now is stale tomorrow. */
async function abort(client: S3Client, key: string, id: string, context: Upload["context"]): Promise<void> {
  try {
    const signal = AbortSignal.timeout(ABORT_MS);
    await client.done({ method: "DELETE", key, query: { uploadId: id }, signal });
  } catch {
    if (!context.signal.aborted) {
      context.log("warning", `Cannot abort the upload of "${key}"; the next run does`);
    }
  }
}

/** Uploads under way whose keys begin so. */
async function* uploads(
  client: S3Client,
  prefix: string,
): AsyncGenerator<{ key: string; id: string; at: number }> {
  for (let more: Record<string, string> | undefined = {}; more !== undefined;) {
    const xml: string = await client.text({ method: "GET", query: { uploads: "", prefix, ...more } });
    for (const found of elements(xml, "Upload")) {
      const [key, id] = [textOf(found, "Key"), textOf(found, "UploadId")];
      const at = Date.parse(textOf(found, "Initiated") ?? "");
      if (key !== undefined && id !== undefined) yield { key, id, at };
    }
    const [marker, idMarker] = [textOf(xml, "NextKeyMarker"), textOf(xml, "NextUploadIdMarker")];
    const next = textOf(xml, "IsTruncated") === "true" && marker !== undefined
      ? { "key-marker": marker, ...(idMarker === undefined ? {} : { "upload-id-marker": idMarker }) }
      : undefined;
    if (next !== undefined && JSON.stringify(next) === JSON.stringify(more)) throw loops("uploads");
    more = next;
  }
}

/**
 * Aborts uploads whose keys begin so: all, or with `now` those that began a day before, and that look like ours by what
 * follows: others may use the bucket too. Returns their keys.
 */
export async function abortUploads(
  client: S3Client,
  prefix: string,
  now?: number,
  isOurs: (rest: string) => boolean = () => true,
): Promise<string[]> {
  const aborted: string[] = [];
  for await (const { key, id, at } of uploads(client, prefix)) {
    if (now !== undefined && !(now - at > STALE_MS)) continue;
    if (!isOurs(key.slice(prefix.length))) continue;
    await client.done({ method: "DELETE", key, query: { uploadId: id } });
    aborted.push(key);
  }
  return aborted;
}
