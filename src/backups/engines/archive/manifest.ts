/**
 * The manifest beside each artifact: `NAME.tar.zst.manifest.json`.
 *
 * It holds all that is known of an artifact, so that a catalogue can be rebuilt from a directory of backups and a
 * backup restored on a machine that has nothing but the two files.
 */
import { dirname } from "node:path";
import { z } from "zod";
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import type { ArchiveOptions } from "./options.ts";
import { writeError } from "./system-errors.ts";

const MANIFEST_SUFFIX = ".manifest.json";
const COMPRESSED_SUFFIXES = { zstd: ".tar.zst", gzip: ".tar.gz" } as const;
const ENCRYPTED_SUFFIX = ".age";
const ARTIFACT_SUFFIXES = Object.values(COMPRESSED_SUFFIXES).flatMap((
  suffix,
) => [suffix, suffix + ENCRYPTED_SUFFIX]);

/** Ending of an artifact. */
export function suffixOf({ compression, encrypt_to }: ArchiveOptions): string {
  return COMPRESSED_SUFFIXES[compression ?? "zstd"] + (encrypt_to === undefined ? "" : ENCRYPTED_SUFFIX);
}

/** Version of the format below; a reader refuses a newer one. */
const VERSION = 1;

const Count = z.number().int().nonnegative();

const WITHOUT_MANIFEST = "Move it away to go on with what the archive says of itself";

/** The manifest's shape. */
export const Manifest = z.object({
  manifest_version: z.literal(VERSION),
  engine: z.literal("archive"),
  name: z.string().describe("Name of the artifact without its ending"),
  file: z.string().describe("Name of the artifact, beside the manifest"),
  created_at: z.iso.datetime(),
  labels: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
  compression: z.enum(["zstd", "gzip"]),
  encryption: z.object({
    format: z.literal("age-encryption.org/v1"),
    recipients: z.array(z.string()).describe("Whose identities open it"),
  }).optional().describe("Absent: it is not encrypted"),
  sha256: z.string().regex(/^[0-9a-f]{64}$/).describe("Of the artifact as stored"),
  size_bytes: Count,
  source_bytes: Count.describe("Content of the files before compression"),
  counts: z.object({ files: Count, directories: Count, symlinks: Count, hardlinks: Count }),
  roots: z.array(z.object({
    source: z.string().describe("What was backed up"),
    path: z.string().describe("Where it is in the archive, and below the target of a restore"),
  })),
  excludes: z.array(z.string()),
  skipped: z.array(z.object({
    path: z.string(),
    reason: z.enum(["unreadable", "vanished", "changed", "socket", "device", "fifo", "bad_name", "too_long"]),
    detail: z.string().optional(),
  })),
  skipped_counts: z.record(z.string(), Count).describe("All of them, should the list be too long"),
  incomplete: z.boolean(),
  not_kept: z.string(),
});
export type Manifest = z.output<typeof Manifest>;

/** Where the manifest of an artifact lies. */
export function manifestPath(artifact: string): string {
  return artifact + MANIFEST_SUFFIX;
}

/** True for names that an artifact can have. */
export function isArtifactName(name: string): boolean {
  return !name.includes("/") && ARTIFACT_SUFFIXES.some((suffix) => name.endsWith(suffix));
}

/** True for names that a manifest can have. */
export function isManifestName(name: string): boolean {
  return ARTIFACT_SUFFIXES.some((suffix) => name.endsWith(suffix + MANIFEST_SUFFIX));
}

/** Number of entries in the archive. */
export function itemCount({ counts }: Pick<Manifest, "counts">): number {
  return counts.files + counts.directories + counts.symlinks + counts.hardlinks;
}

/** Number of items that are not in the archive, or not as they were. */
export function skippedCount({ skipped_counts }: Pick<Manifest, "skipped_counts">): number {
  return Object.values(skipped_counts).reduce((sum, count) => sum + count, 0);
}

/** Reads and checks a manifest. Errors: `not_found`, and `invalid` for anything that is not one. */
export async function readManifest(path: string): Promise<Manifest> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound;
    const why = gone ? "it does not exist" : messageOf(error);
    throw new HoldfastError(gone ? "not_found" : "invalid", `Cannot read manifest "${path}": ${why}`, {
      cause: error,
    });
  }
  return parseManifest(text, path);
}

/** The manifest of a text that was read from `path`. Errors: `invalid` for anything that is not one. */
export function parseManifest(text: string, path: string): Manifest {
  const parsed = Manifest.safeParse(jsonOf(text, path));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const why = issue === undefined ? "unknown shape" : `${issue.path.join(".")}: ${issue.message}`;
  throw new HoldfastError("invalid", `Cannot read manifest "${path}": ${why}`, { hint: WITHOUT_MANIFEST });
}

function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HoldfastError("invalid", `Cannot read manifest "${path}": not JSON`, {
      cause: error,
      hint: WITHOUT_MANIFEST,
    });
  }
}

/** Writes the manifest of `artifact` so that it is there whole or not at all. */
export async function writeManifest(artifact: string, manifest: Manifest): Promise<void> {
  const path = manifestPath(artifact);
  const partial = path + ".partial";
  try {
    {
      using file = await Deno.open(partial, { write: true, create: true, truncate: true, mode: 0o600 });
      const bytes = new TextEncoder().encode(JSON.stringify(manifest, null, 2) + "\n");
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    }
    await Deno.rename(partial, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await Deno.remove(partial).catch(() => {});
    throw writeError(error, path);
  }
}

/** Makes renames in a directory last over a power cut, where the system can do that. */
export async function syncDirectory(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using directory = await Deno.open(path, { read: true });
  await directory.sync();
}
