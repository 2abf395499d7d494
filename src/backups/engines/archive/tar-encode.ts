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

/**
 * Writes headers; one instance per archive. Ten thousand files pass here before the runtime has optimised anything, so
 * what the last entry shares with the next is kept, and bytes are moved by the runtime's own calls where there are any.
 */
export class HeaderEncoder {
  /** Mode, owner and what never changes, as in the entry before; and the sum of its bytes. */
  #base = new Uint8Array(BLOCK);
  #baseKey = "";
  #baseSum = 0;
  #baseRecords = "";
  #header = new Uint8Array(BLOCK);
  #sum = 0;
  /** Header of an extended header, complete for records of `#extensionLength` bytes. */
  #extension = new Uint8Array(BLOCK);
  #extensionLength = -1;
  #records = "";
  #buffer = new Uint8Array(MAX_HEADER_BYTES);

  /** Header blocks of one entry, valid until the next call. */
  encode(entry: TarEntry): Uint8Array {
    this.#prepareBase(entry);
    this.#header.set(this.#base);
    this.#header[156] = TYPE_FLAGS[entry.kind];
    this.#sum = this.#baseSum + TYPE_FLAGS[entry.kind];
    this.#records = this.#baseRecords;
    this.#text(0, 100, "path", entry.kind === "directory" ? entry.path + "/" : entry.path);
    this.#number(124, 12, "size", entry.size);
    this.#time(entry.mtime);
    if (entry.link !== "") this.#text(157, 100, "linkpath", entry.link);
    octal(this.#header, 148, 7, this.#sum);
    return this.#records === "" ? this.#header : this.#extended();
  }

  #prepareBase({ mode, uid, gid, uname, gname }: TarEntry): void {
    const key = `${mode} ${uid} ${gid} ${uname} ${gname}`;
    if (key === this.#baseKey) return;
    this.#baseKey = key;
    const header = this.#header.fill(0);
    this.#records = "";
    octal(header, 100, 8, mode & 0o7777);
    this.#number(108, 8, "uid", uid);
    this.#number(116, 8, "gid", gid);
    this.#text(265, 31, "uname", uname);
    this.#text(297, 31, "gname", gname);
    mark(header);
    this.#base.set(header);
    this.#baseSum = header.reduce((sum, byte) => sum + byte);
    this.#baseRecords = this.#records;
  }

  #text(offset: number, length: number, key: string, value: string): void {
    const header = this.#header;
    const { read, written } = utf8.encodeInto(value, header.subarray(offset, offset + length));
    if (read === value.length && written === value.length) {
      for (let i = offset; i < offset + written; i++) this.#sum += header[i]!;
      return;
    }
    header.fill(0, offset, offset + length);
    this.#records += record(key, value);
  }

  #number(offset: number, length: number, key: string, value: number): void {
    const fits = value >= 0 && value < 8 ** (length - 1);
    this.#sum += octal(this.#header, offset, length, fits ? value : 0);
    if (!fits) this.#records += record(key, String(value));
  }

  #time(ms: number): void {
    const seconds = Math.floor(ms / 1000);
    const fits = seconds >= 0 && seconds < 8 ** 11;
    this.#sum += octal(this.#header, 136, 12, fits ? seconds : 0);
    if (!fits || ms % 1000 !== 0) this.#records += record("mtime", decimalSeconds(ms));
  }

  /** A header that announces the records, the records, then the entry's own header. */
  #extended(): Uint8Array {
    const buffer = this.#buffer;
    const length = utf8.encodeInto(this.#records, buffer.subarray(BLOCK)).written;
    if (length !== this.#extensionLength) this.#prepareExtension(length);
    buffer.set(this.#extension);
    const end = BLOCK + length + padding(length);
    buffer.fill(0, BLOCK + length, end);
    buffer.set(this.#header, end);
    return buffer.subarray(0, end + BLOCK);
  }

  #prepareExtension(length: number): void {
    this.#extensionLength = length;
    const header = this.#extension.fill(0);
    utf8.encodeInto("PaxHeader", header);
    octal(header, 100, 8, 0o644);
    octal(header, 108, 8, 0);
    octal(header, 116, 8, 0);
    octal(header, 124, 12, length);
    octal(header, 136, 12, 0);
    header[156] = 0x78;
    mark(header);
    octal(header, 148, 7, header.reduce((sum, byte) => sum + byte));
  }
}

/** Magic, version, and the spaces that stand for the checksum while it is taken. */
function mark(header: Uint8Array): void {
  utf8.encodeInto("ustar", header.subarray(257));
  header[263] = header[264] = 0x30;
  header.fill(0x20, 148, 156);
}

/** Octal digits that fill the field but for a closing NUL; their sum. */
function octal(header: Uint8Array, offset: number, length: number, value: number): number {
  const end = offset + length - 2;
  let sum = 0;
  // By bits as far as those reach, ten digits.
  let low = value % 2 ** 30;
  for (let i = end; i >= offset && i > end - 10; i--, low >>>= 3) sum += header[i] = 0x30 + (low & 7);
  if (length > 11) sum += header[end - 10] = 0x30 + Math.floor(value / 2 ** 30);
  header[end + 1] = 0;
  return sum;
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
  return /^[\0-\x7f]*$/.test(text) ? text.length : utf8.encode(text).length;
}

function decimalSeconds(ms: number): string {
  const whole = Math.trunc(Math.abs(ms) / 1000);
  const fraction = Math.abs(ms) % 1000;
  const digits = fraction === 0 ? "" : "." + String(fraction).padStart(3, "0");
  return `${ms < 0 ? "-" : ""}${whole}${digits}`;
}
