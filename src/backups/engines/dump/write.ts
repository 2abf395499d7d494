/** Writing an artifact, inside the worker: count, compress, hash, write, flush. */
import { createHash } from "node:crypto";
import { constants, zstdCompressSync } from "node:zlib";
import { writeError } from "../archive/system-errors.ts";
import type { Compression, Content, Host, PackTask, WriteTask } from "./protocol.ts";
import { Scan } from "./scan.ts";

/** Bytes of content per frame: smaller compresses worse, larger costs memory. */
const FRAME_BYTES = 1 << 20;
const READ_BYTES = 256 << 10;

// The checksum lets every reader, zstd's own tools included, notice damage inside a frame.
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 } };

/** A new file that is being written. */
export class ArtifactWriter implements Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #scan: Scan;
  readonly #frame: Uint8Array | null;
  readonly #hash = createHash("sha256");
  #filled = 0;
  #size = 0;

  constructor(path: string, compression: Compression, marker: string | null) {
    this.#path = path;
    this.#scan = new Scan(marker);
    this.#frame = compression === "zstd" ? new Uint8Array(FRAME_BYTES) : null;
    try {
      this.#file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
    } catch (error) {
      throw writeError(error, path);
    }
  }

  /** Bytes of content so far. */
  get bytes(): number {
    return this.#scan.bytes;
  }

  push(bytes: Uint8Array): void {
    this.#scan.push(bytes);
    if (this.#frame === null) return this.#store(bytes);
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + FRAME_BYTES - this.#filled);
      this.#frame.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === FRAME_BYTES) this.#press();
    }
  }

  finish(): Content {
    if (this.#filled > 0) this.#press();
    try {
      this.#file.syncSync();
    } catch (error) {
      throw writeError(error, this.#path);
    }
    return {
      sha256: this.#hash.digest("hex"),
      size_bytes: this.#size,
      content_bytes: this.#scan.bytes,
      count: this.#scan.count,
      head: this.#scan.head,
      tail: this.#scan.tail,
      problem: null,
    };
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  #press(): void {
    const frame = this.#frame?.subarray(0, this.#filled) ?? new Uint8Array();
    this.#filled = 0;
    this.#store(zstdCompressSync(frame, ZSTD));
  }

  #store(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#size += bytes.length;
    try {
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    } catch (error) {
      throw writeError(error, this.#path);
    }
  }
}

/** Takes the pieces that come over the port. */
export function write(task: WriteTask, port: MessagePort): Promise<Content> {
  const { promise, resolve, reject } = Promise.withResolvers<Content>();
  const writer = new ArtifactWriter(task.path, task.compression, task.marker);
  port.addEventListener("message", ({ data }: MessageEvent<Uint8Array | null>) => {
    try {
      if (data === null) return resolve(writer.finish());
      writer.push(data);
      port.postMessage({ report: "taken" });
    } catch (error) {
      reject(error);
    }
  });
  return promise.finally(() => writer[Symbol.dispose]());
}

/** Runs the task. */
export function pack(task: PackTask, host: Host): Content {
  using source = Deno.openSync(task.from, { read: true });
  using writer = new ArtifactWriter(task.path, task.compression, null);
  const buffer = new Uint8Array(READ_BYTES);
  for (let count = source.readSync(buffer); count !== null; count = source.readSync(buffer)) {
    host.checkCancelled();
    writer.push(buffer.subarray(0, count));
  }
  return writer.finish();
}
