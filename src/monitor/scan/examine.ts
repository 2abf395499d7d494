/** Looking at one file: first only what it is, later, when it was still for long enough, what is in it. */
import fs from "node:fs";
import type { FoundFile } from "../report.ts";
import { hashFile } from "./hash.ts";
import { isSamePrint, openRegular, type Print, printRegular, reasonOf, Untouchable } from "./open.ts";

/** A glance at a file. */
export type Glance =
  | { state: "absent" }
  | { state: "unreadable"; reason: string }
  | { state: "present"; print: Print };

/** A file that was examined, or one that is still being written. */
export type Examined = FoundFile | { state: "moving" };

/** What is at a path, without opening it. */
export function glance(path: string): Glance {
  try {
    const print = printRegular(path);
    return print === undefined ? { state: "absent" } : { state: "present", print };
  } catch (error) {
    return unreadable(error);
  }
}

/** Reads a file that looked like `before`; it is moving when it looks otherwise now, or does after the reading. */
export function examine(path: string, before: Glance): Examined {
  if (before.state !== "present") {
    return glance(path).state === before.state ? before : { state: "moving" };
  }
  try {
    using file = openRegular(path);
    if (file === undefined || !isSamePrint(file.print, before.print)) return { state: "moving" };
    const { sha256, size } = hashFile(file.fd);
    if (size !== file.print.size || !isSamePrint(file.printNow(), file.print)) return { state: "moving" };
    return {
      state: "present",
      path,
      size_bytes: size,
      modified_at: new Date(file.print.modified_ms).toISOString(),
      sha256,
      side_file_sha256: readSideFile(path),
    };
  } catch (error) {
    return unreadable(error);
  }
}

function unreadable(error: unknown): { state: "unreadable"; reason: string } {
  return { state: "unreadable", reason: error instanceof Untouchable ? error.message : reasonOf(error) };
}

/** Where the checksum of a file lies. */
export function sideFileOf(path: string): string {
  return `${path}.sha256`;
}

const MAX_SIDE_FILE_BYTES = 64 * 1024;

/** What stands in place of a checksum that cannot be read; equal to none. */
export const NO_CHECKSUM = "no checksum";

/** The checksum of the file at `path` as its side file has it: null without one. */
export function readSideFile(path: string): string | null {
  try {
    using file = openRegular(sideFileOf(path));
    if (file === undefined) return null;
    if (file.print.size > MAX_SIDE_FILE_BYTES) return NO_CHECKSUM;
    const buffer = new Uint8Array(file.print.size);
    const count = fs.readSync(file.fd, buffer, 0, buffer.length, 0);
    return checksumIn(new TextDecoder().decode(buffer.subarray(0, count)), path.split("/").at(-1) ?? "");
  } catch {
    return NO_CHECKSUM;
  }
}

/** The checksum of `name` in the output of `sha256sum`, `shasum -a 256` or `openssl dgst -sha256`, or one that stands alone. */
export function checksumIn(text: string, name: string): string {
  const lines = text.split("\n").map((line) => ({ line, sha256: /\b[0-9a-f]{64}\b/i.exec(line)?.[0] }));
  const known = lines.filter((one) => one.sha256 !== undefined);
  const own = known.find(({ line }) => line.trim().split(/[\s*()/]+/).includes(name)) ??
    (known.length === 1 ? known[0] : undefined);
  return own?.sha256?.toLowerCase() ?? NO_CHECKSUM;
}
