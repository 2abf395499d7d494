/** A press: a worker that compresses chunk after chunk for the worker that reads. */
import type { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import type { Courtesy } from "../../../lib/courtesy.ts";
import { messageOf } from "../../../lib/errors.ts";
import { type Compression, PIECE_BYTES, type Pressed, type PressJob } from "./protocol.ts";

/** What a compressor hands out at once: too large for the pool that the runtime cuts small buffers from. */
const OUTPUT_BYTES = 128 << 10;

/** Serves jobs from `port`, one after the other, until the worker is terminated. */
export function press(
  port: MessagePort,
  compression: Compression,
  level: number | null,
  courtesy: Courtesy,
): void {
  const compressor = () => compression === "zstd" ? zstd(level ?? 3) : gzip(level ?? 6);
  let before = Promise.resolve();
  port.onmessage = (event: MessageEvent<PressJob>) => {
    before = before.then(() => serve(event.data));
  };

  async function serve({ buffer, length }: PressJob): Promise<void> {
    try {
      const pieces = await compress(new Uint8Array(buffer, 0, length), compressor(), courtesy);
      const output = new Uint8Array(buffer);
      let at = 0;
      for (const piece of pieces) {
        output.set(piece, at);
        at += piece.length;
      }
      free(pieces);
      send(port, { buffer, length: at }, [buffer]);
    } catch (error) {
      send(port, { problem: messageOf(error) }, []);
    }
  }
}

function send(port: MessagePort, pressed: Pressed, transfer: Transferable[]): void {
  port.postMessage(pressed, transfer);
}

/** One call for the whole chunk would keep its processor for ten milliseconds and more. */
async function compress(bytes: Uint8Array, compressor: Transform, courtesy: Courtesy): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  await pipeline(cut(bytes, courtesy), compressor, async (output: AsyncIterable<Uint8Array>) => {
    for await (const piece of output) pieces.push(piece);
  });
  return pieces;
}

function* cut(bytes: Uint8Array, courtesy: Courtesy): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    courtesy.giveWay();
    yield bytes.subarray(at, at + PIECE_BYTES);
  }
}

/** Gives memory back at once: waiting for the garbage collector would cost tens of MiB in every press. */
function free(pieces: Uint8Array[]): void {
  for (const { buffer } of pieces) {
    if (buffer instanceof ArrayBuffer && buffer.byteLength >= OUTPUT_BYTES) buffer.transfer(0);
  }
}

function zstd(level: number): Transform {
  return createZstdCompress({
    chunkSize: OUTPUT_BYTES,
    // The checksum lets every reader, zstd's own tools included, notice damage inside a frame.
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  });
}

function gzip(level: number): Transform {
  return createGzip({ level, chunkSize: OUTPUT_BYTES });
}
