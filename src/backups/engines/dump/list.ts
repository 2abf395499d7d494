/** Entries of single-file artifacts. */
import { iso } from "../../../lib/clock.ts";
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import type { ArtifactEntry } from "../../engine.ts";

/** An entry with the times of its artifact; `other` for what is no file by itself. Errors: `not_found`. */
export async function entryOf(
  artifact: string,
  path: string,
  kind: "file" | "other",
  size_bytes = 0,
): Promise<ArtifactEntry> {
  try {
    const { size, mtime } = await Deno.stat(artifact);
    return {
      path,
      kind,
      size_bytes: kind === "file" && size_bytes === 0 ? size : size_bytes,
      mode: 0o600,
      mtime: iso(mtime?.getTime() ?? 0),
    };
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound;
    const why = gone ? "it does not exist" : messageOf(error);
    throw new HoldfastError(gone ? "not_found" : "invalid", `Cannot read artifact "${artifact}": ${why}`, {
      cause: error,
    });
  }
}
