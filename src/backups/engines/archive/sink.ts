/** Where the bytes of an artifact go. */
import { createHash } from "node:crypto";

/** Takes the bytes of an artifact in order. */
export interface Sink {
  /** The bytes may be used again when it is done. */
  write(bytes: Uint8Array): void | Promise<void>;
  /** Ends when everything is on disk, flushed. */
  finish(): Written | Promise<Written>;
}

/** What was written. */
export interface Written {
  sha256: string;
  size_bytes: number;
}

/** A file, which is closed by its owner. */
export class FileSink implements Sink {
  readonly #file: Deno.FsFile;
  readonly #hash = createHash("sha256");
  #size = 0;

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  write(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    this.#size += bytes.length;
  }

  finish(): Written {
    this.#file.syncSync();
    return { sha256: this.#hash.digest("hex"), size_bytes: this.#size };
  }
}
