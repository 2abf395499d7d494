/** Restoring a single-file artifact into a directory: one file, there whole or not at all. */
import { basename, join, resolve } from "node:path";
import { HoldfastError } from "../../../lib/errors.ts";
import type { EngineContext, Restored, RestoreRequest, StoredArtifact } from "../../engine.ts";
import { globMatcher } from "../archive/glob.ts";
import { syncDirectory } from "../archive/manifest.ts";
import { writeError } from "../archive/system-errors.ts";
import { type DumpManifest, manifestOf } from "./manifest.ts";
import type { Compression } from "./protocol.ts";
import type { DumpKind } from "./verify.ts";
import { work } from "./work.ts";

/** A file that is to appear in a directory. */
export interface Place {
  /** Absolute path of the file. */
  file: string;
  /** Where it is made; in the same directory. */
  partial: string;
}

/** Writes the content of an artifact into the target. `beforeReplace` is called when the new file is whole. */
export async function restoreDump(
  kind: DumpKind,
  artifact: StoredArtifact,
  request: RestoreRequest,
  context: EngineContext,
  beforeReplace: (place: Place) => Promise<void> = () => Promise.resolve(),
): Promise<Restored> {
  const manifest = await manifestOf(artifact.path, kind.engine);
  const compression = manifest?.compression ?? kind.compressionOf(artifact.path);
  const name = contentName(artifact.path, manifest, compression);
  if (request.patterns.length > 0 && !globMatcher(request.patterns)(name)) {
    const names = request.patterns.map((pattern) => `"${pattern}"`).join(", ");
    throw new HoldfastError(
      "not_found",
      `Cannot restore from "${artifact.path}": nothing in it matches ${names}`,
      { hint: `it holds one file: ${name}` },
    );
  }
  const bytes = await placeFile(request, name, context, async ({ file, partial }) => {
    const content = await unpackTo(artifact, manifest, compression, partial, context);
    await beforeReplace({ file, partial });
    return content;
  });
  return { item_count: manifest?.item_count ?? 1, restored_bytes: bytes, warnings: [] };
}

/** Writes the content to a new file and returns its size. Errors: `conflict` when the artifact is not the recorded one. */
export async function unpackTo(
  artifact: StoredArtifact,
  manifest: DumpManifest | null,
  compression: Compression,
  to: string,
  context: EngineContext,
): Promise<number> {
  const total_bytes = manifest?.content_bytes ?? null;
  const content = await work<"unpack">(
    { task: "unpack", path: artifact.path, compression, to, total_bytes },
    context,
  );
  const expected = artifact.sha256 ?? manifest?.sha256 ?? content.sha256;
  const problem = content.problem ??
    (content.sha256 === expected ? null : "its SHA-256 is not the recorded one");
  if (problem === null) return content.content_bytes;
  throw new HoldfastError("conflict", `Cannot restore "${artifact.path}": ${problem}`, {
    code: "archive_damaged",
    hint: "Verify it, or restore another backup",
  });
}

/** Name of the file a restore makes. */
function contentName(path: string, manifest: DumpManifest | null, compression: Compression): string {
  const name = basename(manifest?.content ?? basename(path));
  return manifest === null && compression === "zstd" ? name.replace(/\.zst$/, "") : name;
}

/** Makes a file in the target directory, which is made when missing. `write` fills `partial` and returns its size. */
export async function placeFile(
  request: Pick<RestoreRequest, "target" | "force">,
  name: string,
  context: EngineContext,
  write: (place: Place) => Promise<number>,
): Promise<number> {
  const file = join(await targetOf(request.target), name);
  await requireRoom(file, request);
  const partial = `${file}.${crypto.randomUUID().slice(0, 8)}.partial`;
  try {
    const bytes = await write({ file, partial });
    context.signal.throwIfAborted();
    await Deno.rename(partial, file);
    await syncDirectory(join(file, ".."));
    return bytes;
  } catch (error) {
    await Deno.remove(partial).catch(() => {});
    throw writeError(error, file);
  }
}

async function targetOf(path: string): Promise<string> {
  const target = resolve(path);
  try {
    // Private, as what protected the data may have been a password.
    await Deno.mkdir(target, { recursive: true, mode: 0o700 });
    return await Deno.realPath(target);
  } catch (error) {
    throw writeError(error, target);
  }
}

/** A link in the file's place is replaced itself; nothing is written through it. */
async function requireRoom(
  file: string,
  { target, force }: Pick<RestoreRequest, "target" | "force">,
): Promise<void> {
  const there = await Deno.lstat(file).catch(() => null);
  if (there === null) return;
  if (there.isDirectory) {
    throw new HoldfastError("conflict", `Cannot restore into "${target}": "${file}" is a directory`);
  }
  if (force) return;
  throw new HoldfastError("conflict", `Cannot restore into "${target}": files exist already: "${file}"`, {
    hint: "Restore into an empty directory, or overwrite them with --force",
  });
}
