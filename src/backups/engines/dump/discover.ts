/** What is known of single-file artifacts from the files alone: recovery needs no catalogue. */
import { join } from "node:path";
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import type { ManifestFacts, StoredArtifact, UnreadableManifest } from "../../engine.ts";
import { artifactPath, type DumpManifest, manifestOf, manifestPath } from "./manifest.ts";

/**
 * The manifests of one engine in a directory, in order of their names; one whose artifact is gone counts as unreadable, and
 * so does a damaged one when the artifact's name fits `own`.
 */
export async function* discoverDumps(
  engine: string,
  directory: string,
  own?: RegExp,
): AsyncGenerator<ManifestFacts | UnreadableManifest> {
  for (const name of await namesIn(directory)) {
    const path = join(directory, name);
    const artifact = artifactPath(path);
    if (artifact === undefined) continue;
    const manifest = await readable(artifact, engine);
    if (typeof manifest === "string" && own?.test(artifact)) yield { path, problem: manifest };
    if (manifest === null || typeof manifest === "string") continue;
    if (!await isThere(artifact)) {
      yield { path, problem: `Its artifact is not beside it: "${artifact}"` };
      continue;
    }
    const { size_bytes, sha256, source_bytes, item_count, incomplete, created_at, labels } = manifest;
    yield {
      path: artifact,
      size_bytes,
      sha256,
      source_bytes,
      item_count,
      skipped_count: 0,
      incomplete,
      created_at,
      labels,
    };
  }
}

/** The manifest, null for one of another engine, or what is wrong with it: which engine's it is nobody knows then. */
async function readable(artifact: string, engine: string): Promise<DumpManifest | string | null> {
  try {
    return await manifestOf(artifact, engine);
  } catch (error) {
    if (error instanceof HoldfastError) return error.message;
    throw error;
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(directory));
    return entries.map((entry) => entry.name).sort();
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound;
    const why = gone ? "it does not exist" : messageOf(error);
    throw new HoldfastError(gone ? "not_found" : "invalid", `Cannot read directory "${directory}": ${why}`);
  }
}

/**
 * What is known of a file: from its manifest, else by `looksRight`, which is given its first bytes as Latin-1. Undefined
 * when it is not of this engine. Errors: `not_found`.
 */
export async function identifyDump(
  engine: string,
  path: string,
  looksRight: (head: string) => boolean = () => false,
): Promise<StoredArtifact | undefined> {
  const head = await headOf(path);
  const manifest = await manifestOf(path, engine);
  // What names another engine is that one's, whatever it looks like.
  if (manifest === null && await isThere(manifestPath(path))) return undefined;
  if (manifest !== null) return { path, size_bytes: manifest.size_bytes, sha256: manifest.sha256 };
  return looksRight(head) ? { path, size_bytes: null, sha256: null } : undefined;
}

async function headOf(path: string): Promise<string> {
  try {
    using file = await Deno.open(path, { read: true });
    const head = new Uint8Array(512);
    const count = await file.read(head) ?? 0;
    return Array.from(head.subarray(0, count), (byte) => String.fromCharCode(byte)).join("");
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound;
    const why = gone ? "it does not exist" : messageOf(error);
    throw new HoldfastError(gone ? "not_found" : "invalid", `Cannot read artifact "${path}": ${why}`, {
      cause: error,
    });
  }
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
