/**
 * From tar bytes to the artifact: chunks are filled, compressed by the presses and written in order.
 *
 * Each chunk becomes a frame (zstd) or member (gzip) of its own; their concatenation is what the formats call a
 * valid file, so `tar --zstd` and `tar -xzf` read it. Memory is bounded by the number of chunks.
 */
import { CHUNK_BYTES, PIECE_BYTES, type Pressed, PRESSED_BYTES, type PressJob } from "./protocol.ts";
import type { Sink, Written } from "./sink.ts";

/** Chunks on their way to one press: one being compressed, one waiting. */
const CHUNKS_PER_PRESS = 2;

/** Takes tar bytes. */
export class ChunkWriter {
  #presses: MessagePort[];
  #sink: Sink;
  #checkpoint: () => void;
  #free: ArrayBuffer[] = [];
  #chunk: Uint8Array<ArrayBuffer>;
  #at = 0;
  #sent = 0;
  #written = 0;
  #early = new Map<number, Uint8Array<ArrayBuffer>>();
  #storing = false;
  #failure: unknown;
  #wake: () => void = () => {};

  /** `checkpoint` is called for every piece written; what it throws ends the writing. */
  constructor(sink: Sink, presses: MessagePort[], checkpoint: () => void) {
    [this.#sink, this.#presses, this.#checkpoint] = [sink, presses, checkpoint];
    for (let i = 0; i < presses.length * CHUNKS_PER_PRESS; i++) {
      this.#free.push(new ArrayBuffer(PRESSED_BYTES));
    }
    this.#chunk = new Uint8Array(new ArrayBuffer(PRESSED_BYTES));
    presses.forEach((port, index) => {
      let turn = index;
      port.onmessage = (event: MessageEvent<Pressed>) => {
        this.#receive(turn, event.data);
        turn += presses.length;
      };
    });
  }

  /** Bytes that fit before `send()` is needed. */
  get space(): number {
    return CHUNK_BYTES - this.#at;
  }

  /** The room left, to read into directly; `advance` by what was put there. */
  room(): Uint8Array {
    return this.#chunk.subarray(this.#at, CHUNK_BYTES);
  }

  advance(length: number): void {
    this.#at += length;
  }

  /** Adds bytes that fit. */
  put(bytes: Uint8Array): void {
    this.#chunk.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Adds zeros, however many. */
  async zeros(count: number): Promise<void> {
    for (let left = count; left > 0;) {
      if (this.space === 0) await this.send();
      const part = Math.min(left, this.space);
      this.#chunk.fill(0, this.#at, this.#at + part);
      this.#at += part;
      left -= part;
    }
  }

  /** Waits until the sink has everything, and ends it. */
  async finish(): Promise<Written> {
    if (this.#at > 0) await this.send();
    while (this.#written < this.#sent) await this.#next();
    return await this.#sink.finish();
  }

  /** Hands the chunk to a press, filled or not, and takes an empty one. */
  async send(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const job: PressJob = { buffer: this.#chunk.buffer, length: this.#at };
    this.#presses[this.#sent++ % this.#presses.length]!.postMessage(job, [job.buffer]);
    this.#at = 0;
    while (this.#free.length === 0) await this.#next();
    this.#chunk = new Uint8Array(this.#free.pop()!);
  }

  /** Waits for one more result of a press. */
  async #next(): Promise<void> {
    if (this.#failure === undefined) await new Promise<void>((resolve) => this.#wake = resolve);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #receive(turn: number, pressed: Pressed): void {
    if ("problem" in pressed) {
      this.#failure ??= new Error(`Cannot compress: ${pressed.problem}`);
      return this.#wake();
    }
    this.#early.set(turn, new Uint8Array(pressed.buffer, 0, pressed.length));
    if (!this.#storing) this.#store();
  }

  /** Writes what comes next, as far as it has come. */
  async #store(): Promise<void> {
    this.#storing = true;
    try {
      for (
        let next = this.#early.get(this.#written);
        next !== undefined;
        next = this.#early.get(this.#written)
      ) {
        for (let at = 0; at < next.length; at += PIECE_BYTES) {
          this.#checkpoint();
          await this.#sink.write(next.subarray(at, at + PIECE_BYTES));
        }
        this.#early.delete(this.#written++);
        this.#free.push(next.buffer);
        this.#wake();
      }
    } catch (error) {
      this.#failure ??= error;
      this.#wake();
    }
    this.#storing = false;
  }
}
