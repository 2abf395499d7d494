/** A press: a worker that compresses chunk after chunk for the worker that reads. */
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { messageOf } from "../../../lib/errors.ts";
import type { Compression, Pressed, PressJob } from "./protocol.ts";

/** Serves jobs from `port` until the worker is terminated. */
export function press(port: MessagePort, compression: Compression, level: number | null): void {
  const compress = compression === "zstd" ? zstd(level ?? 3) : gzip(level ?? 6);
  port.onmessage = (event: MessageEvent<PressJob>) => {
    const { buffer, length } = event.data;
    try {
      const output = compress(new Uint8Array(buffer, 0, length));
      send(port, { buffer, output }, [buffer]);
    } catch (error) {
      send(port, { problem: messageOf(error) }, []);
    }
  };
}

function send(port: MessagePort, pressed: Pressed, transfer: Transferable[]): void {
  port.postMessage(pressed, transfer);
}

function zstd(level: number): (bytes: Uint8Array) => Uint8Array {
  const options = {
    chunkSize: 256 << 10,
    // The checksum lets every reader, zstd's own tools included, notice damage inside a frame.
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  };
  return (bytes) => zstdCompressSync(bytes, options);
}

function gzip(level: number): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => gzipSync(bytes, { level, chunkSize: 256 << 10 });
}
