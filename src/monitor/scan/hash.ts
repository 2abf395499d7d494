/** SHA-256 of files, read in pieces. Synchronous: for the worker, never for the daemon's own thread. */
import { createHash } from "node:crypto";
import fs from "node:fs";

/** Large enough that calls cost nothing, small enough for the processor's cache. */
const PIECE = 256 * 1024;

const buffer = new Uint8Array(PIECE);

/** SHA-256 of an open file from its beginning, in hexadecimal. `onPiece` sees each piece, which is overwritten by the next. */
export function hashFile(
  fd: number,
  onPiece?: (piece: Uint8Array) => void,
): { sha256: string; size: number } {
  const hash = createHash("sha256");
  let size = 0;
  for (;;) {
    const count = fs.readSync(fd, buffer, 0, PIECE, size);
    if (count === 0) return { sha256: hash.digest("hex"), size };
    const piece = buffer.subarray(0, count);
    hash.update(piece);
    onPiece?.(piece);
    size += count;
  }
}

/** SHA-256 of bytes, in hexadecimal. */
export function hashBytes(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}
