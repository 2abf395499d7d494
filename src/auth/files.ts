/** Files of the data directory that nobody else may read: keys and the set-up code. */
import { dirname } from "node:path";
import { HoldfastError, messageOf } from "../lib/errors.ts";

/** The text of a file, or undefined when there is none. Errors: `unavailable`. */
export function readPrivate(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new HoldfastError("unavailable", `Cannot read "${path}": ${messageOf(error)}`, { cause: error });
  }
}

/** Writes a file that only its owner may read (0600); after a crash it is the old or the new one. Errors: `unavailable`. */
export function writePrivate(path: string, text: string): void {
  const partial = `${path}.partial`;
  try {
    Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // A file left by a crash would keep its own mode.
    removeIfThere(partial);
    const file = Deno.openSync(partial, { write: true, createNew: true, mode: 0o600 });
    try {
      const bytes = new TextEncoder().encode(text);
      for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
      file.syncSync();
    } finally {
      file.close();
    }
    Deno.renameSync(partial, path);
  } catch (error) {
    throw new HoldfastError("unavailable", `Cannot write "${path}": ${messageOf(error)}`, { cause: error });
  }
}

/** Removes a file; one that is not there is fine. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
