/** Content as it streams by: its length, beginning, end, and how often a marker is in it. */
import { Buffer } from "node:buffer";

/** Bytes kept of either end. */
const KEPT = 512;

export class Scan {
  bytes = 0;
  count = 0;
  readonly #marker: Buffer | null;
  #head = Buffer.alloc(0);
  /** The end of what came so far: a marker may lie across two pieces. */
  #tail = Buffer.alloc(0);

  constructor(marker: string | null) {
    this.#marker = marker === null ? null : Buffer.from(marker);
  }

  push(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#head.length < KEPT) {
      this.#head = Buffer.concat([this.#head, piece.subarray(0, KEPT - this.#head.length)]);
    }
    if (this.#marker !== null) this.#countIn(piece, this.#marker);
    this.#tail = piece.length >= KEPT
      ? Buffer.from(piece.subarray(-KEPT))
      : Buffer.concat([this.#tail, piece]).subarray(-KEPT);
  }

  #countIn(piece: Buffer, marker: Buffer): void {
    // Only what the piece adds: one marker less a byte of the end that was searched already.
    const before = this.#tail.subarray(Math.max(0, this.#tail.length - marker.length + 1));
    const seam = Buffer.concat([before, piece.subarray(0, marker.length - 1)]);
    for (const searched of [seam, piece]) {
      for (let at = searched.indexOf(marker); at !== -1; at = searched.indexOf(marker, at + marker.length)) {
        this.count++;
      }
    }
  }

  /** As Latin-1: what is looked for there is ASCII. */
  get head(): string {
    return this.#head.toString("latin1");
  }

  get tail(): string {
    return this.#tail.toString("latin1");
  }
}
