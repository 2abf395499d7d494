/** Finding out whether a directory can be written to. */
import { join } from "node:path";

/** One name for all, so that what a killed process left is taken away by the next one that looks. */
const PROBE = ".holdfast-probe";

/** Writes an empty file and removes it, as only that knows of read-only mounts, quotas and access lists. Errors: the system's. */
export async function tryWriting(directory: string): Promise<void> {
  const path = join(directory, PROBE);
  try {
    (await Deno.open(path, { write: true, createNew: true, mode: 0o600 })).close();
  } catch (error) {
    // Left over, or another run looks right now: removing it tells as much.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
