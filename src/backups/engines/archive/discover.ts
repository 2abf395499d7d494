/** What is known of artifacts from the files alone: recovery needs no catalogue. */
import { join } from "node:path";
import { z } from "zod";
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import type { ManifestFacts, StoredArtifact, UnreadableManifest } from "../../engine.ts";
import { isEncrypted } from "./opener.ts";
import { isManifestName, itemCount, Manifest, manifestPath, readManifest, skippedCount } from "./manifest.ts";

/** The manifests of a directory in order of their names; one whose artifact is gone counts as unreadable. */
export async function* discoverManifests(
  directory: string,
): AsyncGenerator<ManifestFacts | UnreadableManifest> {
  for (const name of await manifestNames(directory)) {
    const path = join(directory, name);
    if (await isOthers(path)) continue;
    try {
      const artifact = path.slice(0, -manifestPath("").length);
      const manifest = await readManifest(path);
      await Deno.lstat(artifact);
      yield factsOf(artifact, manifest);
    } catch (error) {
      const gone = error instanceof Deno.errors.NotFound;
      yield { path, problem: gone ? `Its artifact is not beside it: "${path}"` : messageOf(error) };
    }
  }
}

/** True for the manifest of another engine, whose artifacts may have the same endings. */
async function isOthers(path: string): Promise<boolean> {
  try {
    const { engine } = z.object({ engine: z.string() }).parse(JSON.parse(await Deno.readTextFile(path)));
    return engine !== Manifest.shape.engine.value;
  } catch {
    return false;
  }
}

async function manifestNames(directory: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(directory)) if (isManifestName(entry.name)) names.push(entry.name);
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound;
    const why = gone ? "it does not exist" : messageOf(error);
    throw new HoldfastError(gone ? "not_found" : "invalid", `Cannot read directory "${directory}": ${why}`);
  }
  return names.sort();
}

/** What a manifest says of the artifact at `path`. */
export function factsOf(path: string, manifest: Manifest): ManifestFacts {
  return {
    path,
    size_bytes: manifest.size_bytes,
    sha256: manifest.sha256,
    source_bytes: manifest.source_bytes,
    item_count: itemCount(manifest),
    skipped_count: skippedCount(manifest),
    incomplete: manifest.incomplete,
    created_at: manifest.created_at,
    labels: manifest.labels,
  };
}

/** What is known of a file, or undefined when it is no archive. Errors: `not_found`. */
export async function identifyArtifact(path: string): Promise<StoredArtifact | undefined> {
  const head = await headOf(path);
  if (!isArchive(head) || await isOthers(manifestPath(path))) return undefined;
  const manifest = await manifestOf(path);
  return { path, size_bytes: manifest?.size_bytes ?? null, sha256: manifest?.sha256 ?? null };
}

/** The manifest beside an artifact; null when there is none. Errors: `invalid` for one that cannot be read. */
export async function manifestOf(artifact: string): Promise<Manifest | null> {
  try {
    return await readManifest(manifestPath(artifact));
  } catch (error) {
    if (error instanceof HoldfastError && error.kind === "not_found") return null;
    throw error;
  }
}

async function headOf(path: string): Promise<Uint8Array> {
  try {
    using file = await Deno.open(path, { read: true });
    const head = new Uint8Array(512);
    return head.subarray(0, await file.read(head) ?? 0);
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound;
    const why = gone ? "it does not exist" : messageOf(error);
    throw new HoldfastError(gone ? "not_found" : "invalid", `Cannot read artifact "${path}": ${why}`, {
      cause: error,
    });
  }
}

/** By the first bytes: age, zstd, gzip, or the magic of a tar header. */
function isArchive(head: Uint8Array): boolean {
  if (isEncrypted(head)) return true;
  const [a, b, c, d] = head;
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return true;
  if (a === 0x1f && b === 0x8b) return true;
  return new TextDecoder().decode(head.subarray(257, 262)) === "ustar";
}
