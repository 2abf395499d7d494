/** Making an archive, inside a worker: walk the sources, read them, hand tar bytes to the chunk writer. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { messageOf } from "../../../lib/errors.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import { FileSink, type Sink } from "./sink.ts";
import { namesOf } from "./owners.ts";
import {
  CHUNK_BYTES,
  type Counts,
  type Host,
  type MakeResult,
  type MakeTask,
  PIECE_BYTES,
} from "./protocol.ts";
import { SkippedItems } from "./skipped.ts";
import { codeOf, writeError } from "./system-errors.ts";
import {
  END_OF_ARCHIVE_BYTES,
  HeaderEncoder,
  MAX_HEADER_BYTES,
  padding,
  type WrittenKind,
} from "./tar-encode.ts";
import { exclusion, type Found, reasonFor, type Skip, walk } from "./walk.ts";

/** Never follows a link and never waits for a pipe, should either have taken the file's place since it was seen. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Runs this long before it counts what there is: by then shorter ones are over. */
const TOTALS_AFTER_MS = 1000;

/** Runs the task; the file `task.partial` must not exist, and is left to the caller whatever happens. */
export async function make(task: MakeTask, host: Host): Promise<MakeResult> {
  const excluded = exclusion(task.excludes);
  using file = createFile(task.partial);
  let fileKey: Uint8Array | null = null;
  let sink: Sink = new FileSink(file);
  try {
    if (task.recipients.length > 0) {
      const { SealedSink } = await import("./sealed-sink.ts");
      const sealed = await SealedSink.open(sink, task.recipients);
      [sink, fileKey] = [sealed, sealed.fileKey];
    }
    const writer = new ChunkWriter(sink, task.presses, () => host.checkpoint());
    const archiver = new Archiver(writer, host, () => countTotals(task, host));
    for (const root of task.roots) {
      for (const found of walk(root, excluded, archiver.skip)) await archiver.add(found);
    }
    await writer.zeros(END_OF_ARCHIVE_BYTES);
    return { ...await writer.finish(), ...archiver.result(), file_key: fileKey };
  } catch (error) {
    throw writeError(error, task.partial);
  }
}

interface Totals {
  total_bytes: number;
  total_items: number;
}

/** Counts what there is, so that progress has an end; what it looks at the archiver finds in the system's cache. */
function countTotals(task: MakeTask, host: Host): Totals {
  const totals: Totals = { total_bytes: 0, total_items: 0 };
  const excluded = exclusion(task.excludes);
  for (const root of task.roots) {
    for (const { info } of walk(root, excluded, () => {})) {
      host.checkpoint();
      totals.total_items++;
      if (info.isFile) totals.total_bytes += info.size;
    }
  }
  return totals;
}

/** Adds one found item after the other to the archive. */
class Archiver {
  #writer: ChunkWriter;
  #host: Host;
  #countTotals: () => Totals;
  #totals: Totals | undefined;
  #started = performance.now();
  #headers = new HeaderEncoder();
  #userName = namesOf("/etc/passwd");
  #groupName = namesOf("/etc/group");
  /** Files with several names of which some are still to come: where the content is, and how many are left. */
  #linked = new Map<string, { name: string; left: number }>();
  #skipped: SkippedItems;
  #counts: Counts = { files: 0, directories: 0, symlinks: 0, hardlinks: 0 };
  #bytes = 0;

  constructor(writer: ChunkWriter, host: Host, countTotals: () => Totals) {
    [this.#writer, this.#host, this.#countTotals] = [writer, host, countTotals];
    this.#skipped = new SkippedItems(host);
  }

  readonly skip: Skip = (path, reason, detail) => this.#skipped.add(path, reason, detail);

  result(): Pick<MakeResult, "source_bytes" | "counts" | "skipped" | "skipped_counts"> {
    this.#report(true);
    return {
      source_bytes: this.#bytes,
      counts: this.#counts,
      skipped: this.#skipped.items,
      skipped_counts: this.#skipped.counts,
    };
  }

  async add(found: Found): Promise<void> {
    this.#host.checkpoint();
    // Room for any header first: then most entries need no waiting at all, which ten thousand files notice.
    if (this.#writer.space < MAX_HEADER_BYTES) await this.#send();
    const { path, info } = found;
    if (info.isFile) await this.#file(found);
    else if (info.isDirectory) this.#entry("directory", found);
    else if (info.isSymlink) this.#symlink(found);
    else if (info.isSocket) this.skip(path, "socket");
    else if (info.isFifo) this.skip(path, "fifo");
    else this.skip(path, "device");
  }

  #symlink(found: Found): void {
    let target: string;
    try {
      target = Deno.readLinkSync(found.path);
    } catch (error) {
      // The system knows the link; what fails without a system error is turning its bytes into text.
      if (codeOf(error) === undefined && !(error instanceof Deno.errors.NotCapable)) {
        return this.skip(found.path, "bad_name", "link target is not UTF-8");
      }
      const { reason, detail } = reasonFor(error, found.path);
      return this.skip(found.path, reason, detail);
    }
    this.#entry("symlink", found, 0, target);
  }

  async #file(found: Found): Promise<void> {
    const key = linkKey(found.info);
    const first = key === null ? undefined : this.#linked.get(key);
    if (key !== null && first !== undefined) {
      if (--first.left === 0) this.#linked.delete(key);
      return this.#entry("hardlink", found, 0, first.name);
    }
    const file = this.#open(found);
    if (file === null) return;
    try {
      this.#entry("file", found, found.info.size);
      await this.#copy(file, found);
    } finally {
      closeSync(file);
    }
    if (key !== null) this.#linked.set(key, { name: found.name, left: (found.info.nlink ?? 1) - 1 });
  }

  /** Null when the file cannot be opened, which is noted: without content it gets no header either. */
  #open({ path }: Found): number | null {
    try {
      return openSync(path, READ_FLAGS);
    } catch (error) {
      const { reason, detail } = codeOf(error) === "ELOOP"
        ? { reason: "changed" as const, detail: "became a link" }
        : reasonFor(error, path);
      this.skip(path, reason, detail);
      return null;
    }
  }

  /** Exactly as many bytes as the header says, whatever became of the file. */
  async #copy(file: number, { path, info }: Found): Promise<void> {
    let left = info.size;
    let reads = 0;
    let change: string | undefined;
    // A file that fits a chunk is read at once where there is room, so that it is the file as of one moment.
    const most = info.size < CHUNK_BYTES ? CHUNK_BYTES : PIECE_BYTES;
    // An empty file is read too: some that the system makes up say they are empty and are not.
    do {
      if (this.#writer.space === 0) await this.#send();
      this.#host.checkpoint();
      const room = this.#writer.room();
      let count: number;
      try {
        // One byte more than there should be shows a file that has grown.
        count = readSync(file, room, 0, Math.min(room.length, left + 1, most), null);
      } catch (error) {
        this.skip(path, "unreadable", `${messageOf(error)}; zeros stand for the last ${left} bytes`);
        break;
      }
      if (count > left) change = `grew beyond ${info.size} bytes; the rest is left out`;
      if (count === 0) {
        if (left > 0) {
          change = `shrank from ${info.size} to ${info.size - left} bytes; zeros stand for the rest`;
        }
        break;
      }
      count = Math.min(count, left);
      this.#writer.advance(count);
      this.#bytes += count;
      left -= count;
      reads++;
    } while (left > 0);
    this.#bytes += left;
    const zeros = left + padding(info.size);
    if (zeros > 0) await this.#writer.zeros(zeros);
    // What one call has read is the file as of one moment; over several it may have been written to in between.
    if (reads > 1 && fstatSync(file).mtimeMs !== info.mtime?.getTime()) change ??= "was written to";
    if (change !== undefined) this.skip(path, "changed", change);
  }

  #entry(kind: WrittenKind, { name, info }: Found, size = 0, link = ""): void {
    const uid = info.uid ?? 0;
    const gid = info.gid ?? 0;
    this.#writer.put(this.#headers.encode({
      kind,
      path: name,
      size,
      mode: info.mode ?? (kind === "directory" ? 0o755 : 0o644),
      uid,
      gid,
      uname: this.#userName(uid),
      gname: this.#groupName(gid),
      mtime: info.mtime?.getTime() ?? 0,
      link,
    }));
    this.#counts[COUNTED[kind]]++;
  }

  /** Every chunk is an occasion to say how far it is. */
  async #send(): Promise<void> {
    await this.#writer.send();
    this.#report();
  }

  #report(now = false): void {
    if (this.#totals === undefined && performance.now() - this.#started > TOTALS_AFTER_MS) {
      this.#totals = this.#countTotals();
    }
    const { files, directories, symlinks, hardlinks } = this.#counts;
    const done_items = files + directories + symlinks + hardlinks;
    this.#host.progress({ phase: "read", done_bytes: this.#bytes, done_items, ...this.#totals }, now);
  }
}

const COUNTED = {
  file: "files",
  directory: "directories",
  symlink: "symlinks",
  hardlink: "hardlinks",
} as const;

/** What tells whether two names are one file; null for a file with one name. */
function linkKey(info: Deno.FileInfo): string | null {
  if ((info.nlink ?? 1) < 2 || info.ino === null) return null;
  // Size and time too, as numbers of inodes over 2^53 come rounded.
  return `${info.dev}:${info.ino}:${info.size}:${info.mtime?.getTime()}`;
}

function createFile(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  } catch (error) {
    throw writeError(error, path);
  }
}
