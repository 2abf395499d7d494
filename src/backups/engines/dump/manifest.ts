/**
 * The manifest beside each single-file artifact: `NAME.dump.manifest.json`.
 *
 * It holds all that is known of an artifact, so that a catalogue can be rebuilt from a directory of backups and a
 * backup restored on a machine that has nothing but the two files. How to reach the source is not in it, and no secret.
 */
import { dirname } from "node:path";
import { z } from "zod";
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import { syncDirectory } from "../archive/manifest.ts";
import { writeError } from "../archive/system-errors.ts";

const MANIFEST_SUFFIX = ".manifest.json";

/** Version of the format below; a reader refuses a newer one. */
const VERSION = 1;

const Count = z.number().int().nonnegative();

/** The manifest's shape. */
export const DumpManifest = z.object({
  manifest_version: z.literal(VERSION),
  engine: z.string(),
  name: z.string().describe("Name of the artifact without its ending"),
  file: z.string().describe("Name of the artifact, beside the manifest"),
  content: z.string().describe("Name of the file a restore makes of it"),
  created_at: z.iso.datetime(),
  labels: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
  compression: z.enum(["zstd", "none"]),
  sha256: z.string().regex(/^[0-9a-f]{64}$/).describe("Of the artifact as stored"),
  size_bytes: Count,
  content_bytes: Count.describe("Size of the content"),
  source_bytes: Count,
  item_count: Count,
  incomplete: z.boolean(),
  facts: z.record(z.string(), z.unknown()).describe(
    "What the engine knows: versions, databases, counts of rows",
  ),
});
export type DumpManifest = z.output<typeof DumpManifest>;

/** Where the manifest of an artifact lies. */
export function manifestPath(artifact: string): string {
  return artifact + MANIFEST_SUFFIX;
}

/** Where the artifact of a manifest lies; undefined for files that are none. */
export function artifactPath(manifest: string): string | undefined {
  return manifest.endsWith(MANIFEST_SUFFIX) ? manifest.slice(0, -MANIFEST_SUFFIX.length) : undefined;
}

/** The manifest of an artifact when it is one of `engine`; null when there is none. Errors: `invalid` for a damaged one. */
export async function manifestOf(artifact: string, engine: string): Promise<DumpManifest | null> {
  const path = manifestPath(artifact);
  const refuse = (why: string, cause?: unknown) => {
    throw new HoldfastError("invalid", `Cannot read manifest "${path}": ${why}`, { cause });
  };
  let value: unknown;
  try {
    value = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    return refuse(error instanceof SyntaxError ? "not JSON" : messageOf(error), error) ?? null;
  }
  const kind = z.object({ engine: z.string() }).safeParse(value);
  if (kind.success && kind.data.engine !== engine) return null;
  const parsed = DumpManifest.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  return refuse(issue === undefined ? "unknown shape" : `${issue.path.join(".")}: ${issue.message}`) ?? null;
}

/** Writes the manifest of `artifact` so that it is there whole or not at all. */
export async function writeManifest(artifact: string, manifest: DumpManifest): Promise<void> {
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
