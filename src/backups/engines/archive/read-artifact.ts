/** Reading an artifact: file bytes in, tar bytes out, in constant memory whatever the bytes claim. */
import { createHash } from "node:crypto";
import { createGunzip, createZstdDecompress } from "node:zlib";
import type { Transform } from "node:stream";
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import { HEAD_BYTES, identityNeeded, isEncrypted, opened } from "./opener.ts";
import type { Opener } from "./protocol.ts";
import { damaged } from "./tar-decode.ts";
import { codeOf } from "./system-errors.ts";
import { ZstdFrames } from "./zstd-frames.ts";

const READ_BYTES = 256 << 10;
/** Deflate expands up to a thousandfold, so this becomes 16 MiB at most. */
const GZIP_BYTES = 16 << 10;

/** Bytes in pieces, each valid until the next. */
type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** An artifact being read; its hash and size count what was read so far. */
export class ArtifactReader implements Disposable {
  readonly #path: string;
  readonly #opener: Opener | null;
  readonly #file: Deno.FsFile;
  readonly #onRead: () => void;
  #decompressor: Transform | undefined;
  #hash = createHash("sha256");
  /** Bytes of the file read so far. */
  size = 0;

  /** `onRead` is called for every piece of the file and may throw to stop the reading. */
  constructor(path: string, onRead: () => void, opener: Opener | null = null) {
    [this.#path, this.#opener, this.#file, this.#onRead] = [path, opener, open(path), onRead];
  }

  /** True when it is encrypted and there is nothing to open it with. */
  get sealed(): boolean {
    return this.#opener === null && isEncrypted(this.#head());
  }

  /** SHA-256 of what was read, lower-case hex; ends the reading. */
  digest(): string {
    return this.#hash.digest("hex");
  }

  /** The bytes as stored; each piece is valid until the next. */
  *stored(): Generator<Uint8Array> {
    const buffer = new Uint8Array(READ_BYTES);
    while (true) {
      this.#onRead();
      const count = this.#file.readSync(buffer);
      if (count === null) return;
      const piece = buffer.subarray(0, count);
      this.#hash.update(piece);
      this.size += count;
      yield piece;
    }
  }

  /** The tar bytes; zstd, gzip and plain tar are told apart by their first bytes. Errors: `invalid` when it is sealed. */
  async *tar(): AsyncGenerator<Uint8Array> {
    const { head, pieces } = await peek(this.#plain());
    const [a, b] = head;
    if (a === undefined) throw damaged("it is empty");
    if (a === 0x1f && b === 0x8b) {
      this.#decompressor = createGunzip({ chunkSize: READ_BYTES });
      yield* through(this.#decompressor, cut(pieces, GZIP_BYTES));
    } // 28 B5 2F FD begins a frame, 5x 2A 4D 18 one to be skipped.
    else if (a === 0x28 && b === 0xb5 || (a & 0xf0) === 0x50 && b === 0x2a) {
      this.#decompressor = createZstdDecompress({ chunkSize: READ_BYTES });
      yield* through(this.#decompressor, blocks(pieces));
    } else yield* pieces;
  }

  #plain(): Pieces {
    if (!isEncrypted(this.#head())) return this.stored();
    if (this.#opener === null) throw identityNeeded(this.#path);
    return opened(this.#path, this.stored(), this.#opener);
  }

  [Symbol.dispose](): void {
    this.#decompressor?.destroy();
    this.#file.close();
  }

  #head(): Uint8Array {
    const head = new Uint8Array(HEAD_BYTES);
    const count = this.#file.readSync(head) ?? 0;
    this.#file.seekSync(0, Deno.SeekMode.Start);
    return head.subarray(0, count);
  }
}

function open(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { read: true });
  } catch (error) {
    const gone = codeOf(error) === "ENOENT";
    const why = gone ? "it does not exist" : messageOf(error);
    throw new HoldfastError(gone ? "not_found" : "invalid", `Cannot read artifact "${path}": ${why}`, {
      cause: error,
    });
  }
}

/** The first piece beside all of them. */
async function peek(all: Pieces): Promise<{ head: Uint8Array; pieces: AsyncIterable<Uint8Array> }> {
  const rest = Symbol.asyncIterator in all ? all[Symbol.asyncIterator]() : all[Symbol.iterator]();
  const first = await rest.next();
  async function* pieces(): AsyncGenerator<Uint8Array> {
    try {
      for (let step = first; step.done !== true; step = await rest.next()) yield step.value;
    } finally {
      await rest.return?.();
    }
  }
  return { head: first.done === true ? new Uint8Array() : first.value, pieces: pieces() };
}

async function* blocks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const frames = new ZstdFrames();
  for await (const piece of pieces) yield* frames.split(piece);
  if (!frames.complete) throw damaged("its compressed data ends too early");
}

/**
 * Drives a decompressor piece by piece. What one piece becomes is all in memory at once, so pieces are to be small;
 * the stream's own back pressure is not used, as the runtime loses errors that way. Each output is valid until the
 * next.
 */
async function* through(
  decompressor: Transform,
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const { promise: ended, resolve, reject } = Promise.withResolvers<"ended">();
  // Each wait looks at it; an error while nobody waits must not end the worker.
  ended.catch(() => {});
  let output: Uint8Array[] = [];
  const onError = (message: string) => reject(damaged(`its compressed data cannot be read (${message})`));
  const onUncaught = (event: ErrorEvent) => {
    event.preventDefault();
    onError(event.message);
  };
  // Plain arrays, as the `slice()` of a Buffer copies nothing.
  decompressor.on("data", (piece: Uint8Array) => {
    output.push(new Uint8Array(piece.buffer, piece.byteOffset, piece.length));
  });
  decompressor.on("end", () => resolve("ended"));
  decompressor.on("error", (error: Error) => onError(error.message));
  // An error that zstd finds in the second part of a piece's output is thrown from a tick of the runtime's own.
  addEventListener("error", onUncaught);
  const freed = new SpentBuffers();
  try {
    for await (const piece of pieces) {
      const written = new Promise<void>((done) => decompressor.write(piece, () => done()));
      if (await Promise.race([ended, written]) === "ended") {
        throw damaged("something follows its compressed data");
      }
      yield* freed.following(output);
      output = [];
    }
    decompressor.end();
    await ended;
    yield* freed.following(output);
  } finally {
    removeEventListener("error", onUncaught);
    decompressor.destroy();
  }
}

/**
 * Gives the memory of used output back at once. The decompressor fills one buffer after the other, so with the first
 * piece of the next one all of a buffer has been used; the garbage collector would let 64 MiB of them pile up.
 */
class SpentBuffers {
  #current: ArrayBufferLike | undefined;

  *following(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
    for (const piece of pieces) {
      const spent = this.#current;
      this.#current = piece.buffer;
      // A smaller buffer may be the pool that the runtime cuts small pieces from.
      if (spent !== piece.buffer && spent instanceof ArrayBuffer && spent.byteLength >= READ_BYTES) {
        spent.transfer(0);
      }
      yield piece;
    }
  }
}

/** Pieces of at most `size` bytes. */
async function* cut(pieces: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; at += size) yield piece.subarray(at, at + size);
  }
}
