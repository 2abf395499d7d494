/**
 * Writing tar: POSIX.1-2001 "pax" headers, as `tar --format=posix` makes them.
 *
 * A plain ustar header carries what fits; everything else goes into a pax extended header before it: names over
 * 100 bytes or not ASCII, sizes of 8 GiB and more, ids over 2,097,151, and times with a fraction or outside
 * 1970-2242. Source of the rules: POSIX `pax` utility, sections "pax Interchange Format" and "ustar Interchange
 * Format".
 */

/** Size of a tar block; headers are whole blocks and contents are padded to one. */
export const BLOCK = 512;

/** Kinds of entry that are written, with the type flag of the format. */
const TYPE_FLAGS = { file: 0x30, hardlink: 0x31, symlink: 0x32, directory: 0x35 } as const;
/** A kind of entry that can be written. */
export type WrittenKind = keyof typeof TYPE_FLAGS;

/** One entry about to be written. */
export interface TarEntry {
  kind: WrittenKind;
  /** Path in the archive, without a leading slash; a directory's without the trailing one. */
  path: string;
  /** Bytes of content that follow; 0 for everything but files. */
  size: number;
  /** Permission bits, set-id and sticky bits included. */
  mode: number;
  uid: number;
  gid: number;
  /** Names of owner and group; empty when unknown. */
  uname: string;
  gname: string;
  /** Milliseconds since the epoch, may be negative. */
  mtime: number;
  /** What a symbolic link says, or the archive path of the entry that a hard link repeats. */
  link: string;
}

/** No header with its records is larger: the longest paths and links a system has are 4 KiB, Windows' 32 KiB. */
export const MAX_HEADER_BYTES = 256 << 10;

/** Two empty blocks end an archive. */
export const END_OF_ARCHIVE_BYTES = 2 * BLOCK;

const utf8 = new TextEncoder();

/** Number of zero bytes that fill the last block of a content of `size` bytes. */
export function padding(size: number): number {
  return (BLOCK - size % BLOCK) % BLOCK;
}

/** Writes headers; one instance per archive, as its buffers are used again for every entry. */
export class HeaderEncoder {
  #header = new Uint8Array(BLOCK);
  #buffer = new Uint8Array(MAX_HEADER_BYTES);
  #extension = extensionTemplate();
  #records = "";

  /** Header blocks of one entry, valid until the next call. Thousands a second, so nothing is allocated. */
  encode(entry: TarEntry): Uint8Array {
    this.#records = "";
    const header = this.#header.fill(0);
    this.#text(0, 100, "path", entry.kind === "directory" ? entry.path + "/" : entry.path);
    octal(header, 100, 8, entry.mode & 0o7777);
    this.#number(108, 8, "uid", entry.uid);
    this.#number(116, 8, "gid", entry.gid);
    this.#number(124, 12, "size", entry.size);
    this.#time(entry.mtime);
    header[156] = TYPE_FLAGS[entry.kind];
    this.#text(157, 100, "linkpath", entry.link);
    this.#text(265, 31, "uname", entry.uname);
    this.#text(297, 31, "gname", entry.gname);
    seal(header);
    return this.#records === "" ? header : this.#extended();
  }

  #text(offset: number, length: number, key: string, value: string): void {
    if (value.length <= length && writeAscii(this.#header, offset, value)) return;
    this.#header.fill(0, offset, offset + length);
    this.#records += record(key, value);
  }

  #number(offset: number, length: number, key: string, value: number): void {
    const fits = value >= 0 && value < 8 ** (length - 1);
    octal(this.#header, offset, length, fits ? value : 0);
    if (!fits) this.#records += record(key, String(value));
  }

  #time(ms: number): void {
    const seconds = Math.floor(ms / 1000);
    const fits = seconds >= 0 && seconds < 8 ** 11;
    octal(this.#header, 136, 12, fits ? seconds : 0);
    if (!fits || ms % 1000 !== 0) this.#records += record("mtime", decimalSeconds(ms));
  }

  /** A header that announces the records, the records, then the entry's own header. */
  #extended(): Uint8Array {
    const buffer = this.#buffer;
    const body = this.#records;
    const length = writeAscii(buffer, BLOCK, body)
      ? body.length
      : utf8.encodeInto(body, buffer.subarray(BLOCK)).written;
    octal(this.#extension, 124, 12, length);
    seal(this.#extension);
    buffer.set(this.#extension);
    const end = BLOCK + length + padding(length);
    buffer.fill(0, BLOCK + length, end);
    buffer.set(this.#header, end);
    return buffer.subarray(0, end + BLOCK);
  }
}

/** All of an extended header's own block but its size. */
function extensionTemplate(): Uint8Array {
  const header = new Uint8Array(BLOCK);
  writeAscii(header, 0, "PaxHeader");
  octal(header, 100, 8, 0o644);
  octal(header, 108, 8, 0);
  octal(header, 116, 8, 0);
  octal(header, 136, 12, 0);
  header[156] = 0x78;
  return header;
}

/** Magic, version and checksum: what completes a header whose fields are set. */
function seal(header: Uint8Array): void {
  writeAscii(header, 257, "ustar");
  header[263] = header[264] = 0x30;
  header.fill(0x20, 148, 156);
  let sum = 0;
  for (let i = 0; i < BLOCK; i += 4) sum += header[i]! + header[i + 1]! + header[i + 2]! + header[i + 3]!;
  octal(header, 148, 7, sum);
}

/** Octal digits that fill the field but for a closing NUL. */
function octal(header: Uint8Array, offset: number, length: number, value: number): void {
  const end = offset + length - 2;
  // By bits as far as those reach, ten digits.
  let low = value % 2 ** 30;
  for (let i = end; i >= offset && i > end - 10; i--, low >>>= 3) header[i] = 0x30 + (low & 7);
  if (length > 11) header[end - 10] = 0x30 + Math.floor(value / 2 ** 30);
  header[end + 1] = 0;
}

/** Writes `value` when it is plain ASCII; false means that some of it may have been written. */
function writeAscii(bytes: Uint8Array, offset: number, value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code > 0x7e) return false;
    bytes[offset + i] = code;
  }
  return true;
}

/** `LENGTH KEY=VALUE\n`, where the length in bytes counts its own digits. */
function record(key: string, value: string): string {
  const bytes = key.length + byteLength(value) + 3;
  let length = bytes + String(bytes).length;
  // One more digit may carry the length over the next power of ten.
  if (String(length).length > String(bytes).length) length = bytes + String(length).length;
  return `${length} ${key}=${value}\n`;
}

function byteLength(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return utf8.encode(text).length;
  return text.length;
}

function decimalSeconds(ms: number): string {
  const whole = Math.trunc(Math.abs(ms) / 1000);
  const fraction = Math.abs(ms) % 1000;
  const digits = fraction === 0 ? "" : "." + String(fraction).padStart(3, "0");
  return `${ms < 0 ? "-" : ""}${whole}${digits}`;
}
