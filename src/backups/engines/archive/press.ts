/** A press: a worker that compresses chunk after chunk for the worker that reads. */
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { messageOf } from "../../../lib/errors.ts";
import { type Compression, type Pressed, PRESSED_BYTES, type PressJob } from "./protocol.ts";

/** Serves jobs from `port` until the worker is terminated. */
export function press(port: MessagePort, compression: Compression, level: number | null): void {
  const compress = compression === "zstd" ? zstd(level ?? 3) : gzip(level ?? 6);
  port.onmessage = (event: MessageEvent<PressJob>) => {
    const { buffer, length } = event.data;
    try {
      const output = compress(new Uint8Array(buffer, 0, length));
      const pressed = { buffer, length: output.length };
      new Uint8Array(buffer).set(output);
      free(output);
      send(port, pressed, [buffer]);
    } catch (error) {
      send(port, { problem: messageOf(error) }, []);
    }
  };
}

function send(port: MessagePort, pressed: Pressed, transfer: Transferable[]): void {
  port.postMessage(pressed, transfer);
}

/** Gives memory back at once: waiting for the garbage collector would cost 64 MiB in every press. */
function free({ buffer }: Uint8Array): void {
  // A smaller buffer may be the pool that the runtime cuts small pieces from.
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= PRESSED_BYTES) buffer.transfer(0);
}

// Each output is to fit one piece, which is then the only reference to its memory.
function zstd(level: number): (bytes: Uint8Array) => Uint8Array {
  const options = {
    chunkSize: PRESSED_BYTES,
    // The checksum lets every reader, zstd's own tools included, notice damage inside a frame.
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  };
  return (bytes) => zstdCompressSync(bytes, options);
}

function gzip(level: number): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => gzipSync(bytes, { level, chunkSize: PRESSED_BYTES });
}
