/**
 * Reading tar: what Holdfast writes, and what GNU tar and other POSIX tars write (ustar, pax, GNU long names and
 * base-256 numbers). GNU's sparse formats are recognised and left alone, never restored wrongly.
 *
 * Rules: POSIX `pax` utility; GNU tar manual, "Basic Tar Format" and "GNU Extensions to the Archive Format".
 */
import { HoldfastError } from "../../../lib/errors.ts";
import { BLOCK, padding } from "./tar-encode.ts";

/** One entry's header, as the archive has it; nothing about it is trusted yet. */
export interface TarHeader {
  kind: "file" | "directory" | "symlink" | "hardlink" | "other";
  /** The type flag of the format, for naming an `other` one. */
  flag: string;
  /** As stored: may be absolute, hold `..` or end in a slash. */
  path: string;
  /** Which of path and link hold bytes that are not UTF-8 (shown as U+FFFD). */
  garbled: Set<"path" | "link">;
  size: number;
  mode: number;
  uid: number;
  gid: number;
  /** Milliseconds since the epoch. */
  mtime: number;
  link: string;
}

/** Longest extended header that is read; a real one is a few path lengths. */
const MAX_EXTENDED_BYTES = 1 << 20;

const KINDS: Record<string, TarHeader["kind"]> = {
  "\0": "file",
  "0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "5": "directory",
};

/** Reads the entries of a tar stream one after the other, in constant memory. */
export class TarReader {
  #source: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array(0);
  #at = 0;
  #remaining = 0;
  #padding = 0;
  #global: Records = new Map();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next entry, or null after the end mark; unread content of the one before is skipped. */
  async next(): Promise<TarHeader | null> {
    let local: Records = new Map();
    let longName: Uint8Array | undefined;
    let longLink: Uint8Array | undefined;
    while (true) {
      await this.#finishEntry();
      const block = await this.#take(BLOCK);
      if (block === null) throw damaged("it ends without the end mark of a tar archive");
      if (block.every((byte) => byte === 0)) {
        await this.#drain();
        return null;
      }
      checkSum(block);
      const header = parseHeader(block);
      this.#expect(header.size);
      if (header.flag === "x") local = parseRecords(await this.#extended(header.size));
      else if (header.flag === "g") {
        for (const [key, value] of parseRecords(await this.#extended(header.size))) {
          this.#global.set(key, value);
        }
      } else if (header.flag === "L") longName = (await this.#extended(header.size)).slice();
      else if (header.flag === "K") longLink = (await this.#extended(header.size)).slice();
      else {
        if (longName !== undefined) setName(header, "path", untilNul(longName));
        if (longLink !== undefined) setName(header, "link", untilNul(longLink));
        applyRecords(header, this.#global);
        applyRecords(header, local);
        // Links, directories and devices carry no content, whatever their size says.
        if ("123456".includes(header.flag)) header.size = 0;
        this.#expect(header.size);
        if (header.flag === "S") await this.#skipSparseMap(block[482] !== 0);
        // Version 7 tar marks a directory by nothing but the slash at the end of its name.
        if (header.kind === "file" && header.path.endsWith("/")) header.kind = "directory";
        return header;
      }
    }
  }

  /** The next piece of the current entry's content, or null at its end. Valid until the next call. */
  async piece(): Promise<Uint8Array | null> {
    if (this.#remaining === 0) return null;
    if (this.#at === this.#piece.length && !await this.#refill()) throw damaged("it ends inside a file");
    const end = Math.min(this.#piece.length, this.#at + this.#remaining);
    const piece = this.#piece.subarray(this.#at, end);
    this.#remaining -= piece.length;
    this.#at = end;
    return piece;
  }

  #expect(size: number): void {
    if (!Number.isSafeInteger(size) || size < 0) throw damaged("a header holds an impossible size");
    this.#remaining = size;
    this.#padding = padding(size);
  }

  async #finishEntry(): Promise<void> {
    while (await this.piece() !== null);
    this.#remaining = this.#padding;
    this.#padding = 0;
    while (await this.piece() !== null);
  }

  async #extended(size: number): Promise<Uint8Array> {
    if (size > MAX_EXTENDED_BYTES) throw damaged("an extended header is larger than 1 MiB");
    const bytes = await this.#take(size);
    if (bytes === null) throw damaged("it ends inside a header");
    this.#remaining = 0;
    return bytes;
  }

  /** GNU's old sparse format puts further blocks of its map between header and content, uncounted. */
  async #skipSparseMap(extended: boolean): Promise<void> {
    for (let more = extended; more;) {
      const block = await this.#take(BLOCK);
      if (block === null) throw damaged("it ends inside a header");
      more = block[504] !== 0;
    }
  }

  /** Exactly `count` bytes as a copy-free view where possible; null at a clean end. */
  async #take(count: number): Promise<Uint8Array | null> {
    if (this.#piece.length - this.#at >= count) {
      return this.#piece.subarray(this.#at, this.#at += count);
    }
    const bytes = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      if (this.#at === this.#piece.length && !await this.#refill()) {
        if (filled === 0) return null;
        throw damaged("it ends inside a header");
      }
      const part = this.#piece.subarray(this.#at, this.#at + count - filled);
      bytes.set(part, filled);
      filled += part.length;
      this.#at += part.length;
    }
    return bytes;
  }

  async #refill(): Promise<boolean> {
    do {
      const { value, done } = await this.#source.next();
      if (done) return false;
      this.#piece = value;
    } while (this.#piece.length === 0);
    this.#at = 0;
    return true;
  }

  /** Reads what follows the end mark, so that compression and hash are checked to the last byte. */
  async #drain(): Promise<void> {
    while (await this.#refill());
    this.#at = this.#piece.length;
  }
}

/** The error for an archive whose bytes contradict its format; `what` completes the sentence. */
export function damaged(what: string): HoldfastError {
  return new HoldfastError("conflict", `The archive is damaged: ${what}`, { code: "archive_damaged" });
}

function checkSum(block: Uint8Array): void {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += block[i]!;
  if (number(block, 148, 8) !== sum) throw damaged("a header does not match its checksum");
}

function parseHeader(block: Uint8Array): TarHeader {
  const flag = String.fromCharCode(block[156]!);
  const header: TarHeader = {
    kind: KINDS[flag] ?? "other",
    flag,
    path: "",
    garbled: new Set(),
    size: number(block, 124, 12),
    mode: number(block, 100, 8) & 0o7777,
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    mtime: clampTime(number(block, 136, 12) * 1000),
    link: "",
  };
  setName(header, "path", field(block, 0, 100));
  setName(header, "link", field(block, 157, 100));
  // GNU's own magic is "ustar  "; there the prefix field means something else.
  const posix = block[257] === 0x75 && block[262] === 0 && block[345] !== 0;
  if (posix) {
    const [prefix, name] = [field(block, 345, 155), field(block, 0, 100)];
    setName(header, "path", Uint8Array.of(...prefix, 0x2f, ...name));
  }
  return header;
}

const decoder = new TextDecoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true });

function setName(header: TarHeader, key: "path" | "link", bytes: Uint8Array): void {
  try {
    header[key] = strictDecoder.decode(bytes);
    header.garbled.delete(key);
  } catch {
    header[key] = decoder.decode(bytes);
    header.garbled.add(key);
  }
}

function field(block: Uint8Array, offset: number, length: number): Uint8Array {
  return untilNul(block.subarray(offset, offset + length));
}

function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end === -1 ? bytes : bytes.subarray(0, end);
}

/** Octal digits, or base 256 when the first bit is set (GNU). */
function number(block: Uint8Array, offset: number, length: number): number {
  const first = block[offset]!;
  if (first >= 0x80) {
    let value = first === 0xff ? -1 : first & 0x7f;
    for (let i = offset + 1; i < offset + length; i++) value = value * 256 + block[i]!;
    return value;
  }
  let value = 0;
  for (let i = offset; i < offset + length; i++) {
    const digit = block[i]! - 0x30;
    if (digit >= 0 && digit <= 7) value = value * 8 + digit;
    else if (block[i] === 0 || value > 0) break;
  }
  return value;
}

/** Raw values, as a name may hold bytes that are not UTF-8. */
type Records = Map<string, Uint8Array>;

/** The `LENGTH KEY=VALUE` records of an extended header. */
function parseRecords(bytes: Uint8Array): Records {
  const records: Records = new Map();
  let at = 0;
  while (at < bytes.length && bytes[at] !== 0) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(decoder.decode(bytes.subarray(at, space)));
    const equals = bytes.indexOf(0x3d, space);
    if (space === -1 || equals === -1 || !(length > equals - at) || at + length > bytes.length) {
      throw damaged("an extended header cannot be read");
    }
    const key = decoder.decode(bytes.subarray(space + 1, equals));
    records.set(key, bytes.slice(equals + 1, at + length - 1));
    at += length;
  }
  return records;
}

function applyRecords(header: TarHeader, records: Records): void {
  for (const [key, value] of records) {
    if (key === "path") setName(header, "path", value);
    else if (key === "linkpath") setName(header, "link", value);
    else if (key === "size" || key === "uid" || key === "gid") header[key] = Number(decoder.decode(value));
    else if (key === "mtime") header.mtime = parseTime(decoder.decode(value));
    else if (key.startsWith("GNU.sparse.")) [header.kind, header.flag] = ["other", "S"];
  }
}

/** Decimal seconds as whole milliseconds, rounded down; by digits, as a float would lose the last one. */
function parseTime(text: string): number {
  const match = /^(-?)(\d{1,13})(?:\.(\d*))?$/.exec(text);
  if (match === null) throw damaged("an extended header holds an impossible time");
  const digits = (match[3] ?? "").padEnd(3, "0");
  const ms = Number(match[2]) * 1000 + Number(digits.slice(0, 3));
  return clampTime(match[1] === "-" ? -ms - (/[1-9]/.test(digits.slice(3)) ? 1 : 0) : ms);
}

/** The nearest time that a `Date` can hold. */
function clampTime(ms: number): number {
  return Math.max(-8.64e15, Math.min(8.64e15, ms));
}
