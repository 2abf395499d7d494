/** The lines of the interactive shell, kept between two of them: its user's only, and none with a secret in it. */
import { dirname } from "node:path";
import { redactText } from "../../lib/redact.ts";

/** Lines that are kept. */
const KEPT = 1000;

/** True for a line that may be kept: one with a secret is not, nor one that begins with a blank. */
export function isKeepable(line: string): boolean {
  return line.trim() !== "" && !line.startsWith(" ") && redactText(line) === line && !NAMED.test(line);
}

/** A password as a word of its own: `--password x`, `PASSWORD x`. */
const NAMED = /pass(word|wd|phrase)\b(?!-(stdin|file))/i;

/** The kept lines, oldest first; none where there is no file. */
export function readHistory(path: string | undefined): string[] {
  if (path === undefined) return [];
  try {
    return Deno.readTextFileSync(path).split("\n").filter((line) => line !== "").slice(-KEPT);
  } catch {
    // A history that cannot be read is no reason to refuse the shell.
    return [];
  }
}

/** Adds a line. Appending keeps the lines of two shells at once; a file that has grown long is cut. */
export function addToHistory(path: string | undefined, line: string): void {
  if (path === undefined || !isKeepable(line)) return;
  try {
    Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    Deno.writeTextFileSync(path, `${line}\n`, { append: true, mode: 0o600 });
    Deno.chmodSync(path, 0o600);
    if (Deno.statSync(path).size > 256 * 1024) {
      const partial = `${path}.partial`;
      Deno.writeTextFileSync(partial, `${readHistory(path).join("\n")}\n`, { mode: 0o600 });
      Deno.renameSync(partial, path);
    }
  } catch {
    // A full disk keeps no lines; the command is what matters.
  }
}
