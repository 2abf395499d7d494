/** JSON as agents write it: with a byte order mark, with comments, and sometimes only its first half. */

/** A text that was read, or why it could not be. */
export type Parsed =
  | { ok: true; value: unknown }
  /** `truncated`: what is there could be the beginning of a whole text, so that it may be worth waiting for the rest. */
  | { ok: false; truncated: boolean; reason: string };

/** Deeper than any report, and far from what a reader could choke on. */
const MAX_DEPTH = 32;

/** Reads JSON with comments. Takes one pass before the parser's own. */
export function parseJson(bytes: Uint8Array): Parsed {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { ok: false, truncated: false, reason: "it is not UTF-8 text" };
  }
  const plain = withoutComments(text);
  if (plain.depth > MAX_DEPTH) {
    return { ok: false, truncated: false, reason: `it is nested more than ${MAX_DEPTH} deep` };
  }
  if (plain.text.trim() === "") return { ok: false, truncated: true, reason: "it is empty" };
  try {
    return { ok: true, value: JSON.parse(plain.text) };
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : "";
    return plain.open
      ? { ok: false, truncated: true, reason: "it ends in the middle" }
      : { ok: false, truncated: false, reason: `it is not JSON: ${reason}` };
  }
}

interface Plain {
  text: string;
  /** Deepest nesting. */
  depth: number;
  /** The text ends inside something. */
  open: boolean;
}

/** Comments become spaces, so that a parser's position still means something. */
function withoutComments(text: string): Plain {
  const parts: string[] = [];
  let [kept, at, level, depth] = [0, 0, 0, 0];
  let open = false;
  const skip = (end: number) => {
    parts.push(text.slice(kept, at), text.slice(at, end).replace(/[^\n]/g, " "));
    at = kept = end;
  };
  while (at < text.length) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      open = end < 0;
      at = open ? text.length : end;
    } else if (character === "/" && text[at + 1] === "/") {
      const end = text.indexOf("\n", at);
      skip(end < 0 ? text.length : end);
    } else if (character === "/" && text[at + 1] === "*") {
      const end = text.indexOf("*/", at + 2);
      open = end < 0;
      skip(open ? text.length : end + 2);
    } else {
      if (character === "{" || character === "[") depth = Math.max(depth, ++level);
      if (character === "}" || character === "]") level--;
      at++;
    }
  }
  parts.push(text.slice(kept));
  return { text: parts.join(""), depth, open: open || level > 0 };
}

/** Position behind the string that begins at `start`, or -1. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at + 1;
  }
  return -1;
}
