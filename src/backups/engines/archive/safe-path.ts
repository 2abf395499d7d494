/** Which names of an archive may be written below a target, and which links stay inside it. Pure. */

/** The names of an archive path below the target, or why the path is refused. An empty list is the target itself. */
export function safeNames(path: string): string[] | { refused: string } {
  if (path.startsWith("/")) return { refused: "its name is absolute" };
  if (path.includes("\0")) return { refused: "its name holds a zero byte" };
  if (Deno.build.os === "windows" && /[\\:]/.test(path)) {
    return { refused: "its name is not valid on Windows" };
  }
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  return names.includes("..") ? { refused: 'its name holds ".."' } : names;
}

/**
 * True when a symbolic link at `names` that says `text` may lead out of the target.
 *
 * `..` at the beginning climbs from the link's own directory, which is a real one; behind another name it would
 * climb from wherever that name leads, so such a text counts as leaving.
 */
export function linkLeaves(names: readonly string[], text: string): boolean {
  if (text.startsWith("/") || Deno.build.os === "windows" && /^([a-z]:|\\)/i.test(text)) return true;
  const parts = text.split(/[/\\]/.test(text) && Deno.build.os === "windows" ? /[/\\]/ : "/")
    .filter((part) => part !== "" && part !== ".");
  const climbs = parts.findIndex((part) => part !== "..");
  const up = climbs === -1 ? parts.length : climbs;
  return up > names.length - 1 || parts.slice(up).includes("..");
}
