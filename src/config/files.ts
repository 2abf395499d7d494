/** Reading files that may be absent, and judging who else can read or change them. */
import { HoldfastError, messageOf } from "../lib/errors.ts";

/** A file's text and what its permissions allow. */
export interface TextFile {
  path: string;
  text: string;
  /** Others than owner and group may read it. */
  othersRead: boolean;
  warnings: string[];
}

/** The file's text, or undefined when there is none. Errors: those of the system, unchanged. */
export function readIfThere(path: string, uid: number | null): TextFile | undefined {
  try {
    const text = Deno.readTextFileSync(path);
    const info = Deno.statSync(path);
    const mode = Deno.build.os === "windows" ? 0 : info.mode ?? 0;
    const warnings: string[] = [];
    if ((mode & 0o002) !== 0) warnings.push(`${path}: anybody on this host may change it; run chmod o-w`);
    if (uid !== null && info.uid !== null && info.uid !== 0 && info.uid !== uid) {
      warnings.push(`${path}: belongs to another user, who may change what Holdfast does for you`);
    }
    return { path, text, othersRead: (mode & 0o004) !== 0, warnings };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}

/** The secret in a file, without the line end an editor leaves. Errors: `invalid` when unreadable or empty. */
export function readSecret(path: string): string {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    throw new HoldfastError("invalid", `cannot read the secret from ${path}: ${reason(error)}`, {
      cause: error,
    });
  }
  const secret = text.replace(/\r?\n$/, "");
  if (secret === "") {
    throw new HoldfastError("invalid", `cannot read the secret from ${path}: the file is empty`);
  }
  return secret;
}

/** Why a file cannot be read, in words. */
export function reason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  return messageOf(error);
}
