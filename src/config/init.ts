/** Writing a first configuration file. */
import { dirname } from "node:path";
import { HoldfastError } from "../lib/errors.ts";
import { reason } from "./files.ts";
import { exampleYaml } from "./show.ts";

/**
 * Writes the commented example to `path`, readable by its owner only, or by its group too (`group`).
 * Errors: `conflict` when the file exists and `force` is not given, `invalid` when it cannot be written.
 */
export function writeExample(path: string, { force = false, group = false } = {}): void {
  const mode = group ? 0o640 : 0o600;
  // Written beside and renamed, so that a crash leaves the old file or the new one.
  const target = force ? `${path}.partial` : path;
  try {
    Deno.mkdirSync(dirname(path), { recursive: true });
    if (force) Deno.removeSync(target);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw unwritable(path, error);
  }
  try {
    Deno.writeTextFileSync(target, exampleYaml(), { createNew: true, mode });
    if (force) Deno.renameSync(target, path);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      throw new HoldfastError("conflict", `Cannot write ${path}: the file exists`, {
        hint: "--force replaces it",
        cause: error,
      });
    }
    throw unwritable(path, error);
  }
}

function unwritable(path: string, error: unknown): HoldfastError {
  return new HoldfastError("invalid", `Cannot write ${path}: ${reason(error)}`, { cause: error });
}
