/** What the operating system says went wrong, for people. */
import { HoldfastError, messageOf } from "../../../lib/errors.ts";

/** The system's word for what went wrong (`ENOENT`), if the system it was. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

const WRITE_PROBLEMS: Record<string, string> = {
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "not permitted",
  ENOENT: "its directory is gone",
  ENOTDIR: "part of its path is a file",
};

/** The same error, in words when it says that `path` cannot be written: `exhausted`, `conflict` or `invalid`. */
export function writeError(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    const why = code === "ENOSPC" ? "no space left on the device" : "the disk quota is used up";
    return new HoldfastError("exhausted", `Cannot write "${path}": ${why}`, {
      code: "disk_full",
      cause: error,
    });
  }
  if (code === "EEXIST") {
    return new HoldfastError("conflict", `Cannot write "${path}": it exists already`, { cause: error });
  }
  const why = code === undefined ? refusedByRuntime(error) : WRITE_PROBLEMS[code];
  if (why === undefined) return error;
  return new HoldfastError("invalid", `Cannot write "${path}": ${why}`, { cause: error });
}

function refusedByRuntime(error: unknown): string | undefined {
  return error instanceof Deno.errors.NotCapable ? messageOf(error) : undefined;
}
