/** Hashing a file slowly: what reads backups again must not take the disk from whoever works with it. */
import { createHash } from "node:crypto";

const PIECE = 1 << 20;

/** SHA-256 and size of a file, read at no more than so many bytes a second; 0 is no limit. */
export async function rehash(
  path: string,
  { signal, bytesPerSecond }: { signal: AbortSignal; bytesPerSecond: number },
): Promise<{ sha256: string; size_bytes: number }> {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(PIECE);
  const started = performance.now();
  let size = 0;
  using file = await Deno.open(path, { read: true });
  for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
    signal.throwIfAborted();
    hash.update(buffer.subarray(0, count));
    size += count;
    if (bytesPerSecond > 0) await pause(started + size / bytesPerSecond * 1000, signal);
  }
  return { sha256: hash.digest("hex"), size_bytes: size };
}

/** Resolves at a moment of `performance.now()`, or when the signal aborts. */
async function pause(until: number, signal: AbortSignal): Promise<void> {
  const ms = until - performance.now();
  if (ms < 1) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
