/**
 * Words as systemd reads them: quoted where it splits at blanks, `%` doubled where it expands specifiers, `$` doubled
 * where it replaces variables (systemd.syntax(7), systemd.unit(5) "Specifiers", systemd.service(5) "Command lines").
 */
import { HoldfastError } from "../../../lib/errors.ts";

/** One path of a list setting such as `ReadWritePaths=`. Errors: `invalid` for a path with control characters. */
export function pathWord(path: string): string {
  // A bare colon would separate the two paths of a bind mount.
  return quoted(path.replaceAll("%", "%%"), /^[\w/.,=@%$+~-]+$/);
}

/** One argument of `ExecStart=`. Errors: `invalid` for an argument with control characters. */
export function commandWord(word: string): string {
  const escaped = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  // A lone semicolon would begin another command.
  return escaped === ";" ? "\\;" : quoted(escaped);
}

/** The program of `ExecStart=`: no variable is replaced there. Errors: `invalid` for a path with control characters. */
export function programWord(path: string): string {
  return quoted(path.replaceAll("%", "%%"));
}

function quoted(text: string, plain = /^[\w/.,:=@%$+~-]+$/): string {
  if (/\p{Cc}/u.test(text)) {
    throw new HoldfastError(
      "invalid",
      `Cannot write ${JSON.stringify(text)} into a unit: it has control characters`,
    );
  }
  if (plain.test(text)) return text;
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

/**
 * The words of a list setting, unquoted; `%%` is a percent sign again, other specifiers stay as they are. A `separator`
 * that stands unquoted inside a word becomes a zero character.
 */
export function readWords(text: string, separator?: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === "\\") word = (word ?? "") + (text[++i] ?? "");
    else if (quote !== "" && c === quote) quote = "";
    else if (quote === "" && (c === '"' || c === "'")) [quote, word] = [c, word ?? ""];
    else if (quote === "" && /\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + (quote === "" && c === separator ? "\0" : c);
  }
  if (word !== undefined) words.push(word);
  return words.map((item) => item.replaceAll("%%", "%"));
}
