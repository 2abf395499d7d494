/** Moving a kept version, with its checksum, to the trash and back, or removing it. */
import fs from "node:fs";
import { dirname, relative, sep } from "node:path";
import { sideFileOf } from "./examine.ts";
import { codeOf, isRealDirectory, reasonOf, Untouchable } from "./open.ts";

/** What became of it. `absent`: there was nothing to move. */
export type Moved = { ok: true; absent: boolean } | { ok: false; reason: string };

/** Moves a file below `root` to another place below it; without a place it is removed. Throws nothing. */
export function moveVersion(from: string, to: string | null, root: string): Moved {
  try {
    for (const path of to === null ? [from] : [from, to]) requireBelow(path, root);
    if (to !== null) makeParents(to, root);
    const absent = move(from, to);
    move(sideFileOf(from), to === null ? null : sideFileOf(to));
    return { ok: true, absent };
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
}

/** No directory on the way may be a link: it could lead anywhere by now. */
function requireBelow(path: string, root: string): void {
  const names = relative(root, path).split(sep);
  if (names.includes("..") || names[0] === "") throw new Untouchable(`it is not below "${root}"`);
  let directory = root;
  for (const name of names.slice(0, -1)) {
    directory += sep + name;
    isRealDirectory(directory);
  }
}

function makeParents(path: string, root: string): void {
  const parent = dirname(path);
  if (parent === root || isRealDirectory(parent)) return;
  makeParents(parent, root);
  fs.mkdirSync(parent, { mode: 0o750 });
}

/** True when there was nothing. */
function move(from: string, to: string | null): boolean {
  try {
    if (to === null) fs.unlinkSync(from);
    else fs.renameSync(from, to);
    return false;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return true;
    throw error;
  }
}
