/** Parts of the engine run on the test's own thread, where a test can act between any two steps. */
import { dirname } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { make } from "../../../../src/backups/engines/archive/make.ts";
import { press } from "../../../../src/backups/engines/archive/press.ts";
import { Courtesy, requestCount } from "../../../../src/lib/courtesy.ts";
import type { Host, MakeResult, Root } from "../../../../src/backups/engines/archive/protocol.ts";
import { HeaderEncoder, padding, type TarEntry } from "../../../../src/backups/engines/archive/tar-encode.ts";
import { ArtifactReader } from "../../../../src/backups/engines/archive/read-artifact.ts";
import { type TarHeader, TarReader } from "../../../../src/backups/engines/archive/tar-decode.ts";

/** A host that remembers warnings and calls `onStep` before each item and each piece of a file. */
export function quietHost(onStep: () => void = () => {}): Host & { warnings: string[] } {
  const warnings: string[] = [];
  return {
    warnings,
    checkpoint: onStep,
    progress() {},
    log: (level, text) => void (level === "warning" && warnings.push(text)),
    entries: () => Promise.resolve(),
  };
}

/** Archives `roots` to `partial` without workers. */
export async function makeHere(
  roots: Root[],
  partial: string,
  host: Host,
  excludes: string[] = [],
): Promise<MakeResult> {
  const { port1, port2 } = new MessageChannel();
  press(port2, "zstd", null, new Courtesy(requestCount));
  try {
    return await make({ task: "make", roots, excludes, partial, presses: [port1], recipients: [] }, host);
  } finally {
    port1.close();
    port2.close();
  }
}

/** Every entry of an archive with its content as text. */
export async function contentsOf(path: string): Promise<(TarHeader & { content: string })[]> {
  using artifact = new ArtifactReader(path, () => {});
  const tar = new TarReader(artifact.tar());
  const entries = [];
  for (let header = await tar.next(); header !== null; header = await tar.next()) {
    const decoder = new TextDecoder();
    let content = "";
    for (let piece = await tar.piece(); piece !== null; piece = await tar.piece()) {
      content += decoder.decode(piece, { stream: true });
    }
    entries.push({ ...header, content: content + decoder.decode() });
  }
  return entries;
}

/** An entry of a hand-made archive; what is left out is plain. */
export type Entry = Partial<TarEntry> & Pick<TarEntry, "kind" | "path"> & { content?: string };

/** A hand-made tar stream, with everything in it that a well-behaved writer would refuse. */
export function tarBytes(entries: readonly Entry[]): Uint8Array {
  const headers = new HeaderEncoder();
  const parts: Uint8Array[] = [];
  for (const { content = "", ...entry } of entries) {
    const body = new TextEncoder().encode(content);
    parts.push(
      headers.encode({
        size: body.length,
        mode: entry.kind === "directory" ? 0o755 : 0o644,
        uid: 0,
        gid: 0,
        uname: "",
        gname: "",
        mtime: 0,
        link: "",
        ...entry,
      }).slice(),
      body,
      new Uint8Array(padding(body.length)),
    );
  }
  parts.push(new Uint8Array(1024));
  return concat(parts);
}

/** Writes a hand-made `.tar.zst` and returns its path. */
export async function writeArchive(path: string, entries: readonly Entry[]): Promise<string> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeFile(path, zstdCompressSync(tarBytes(entries)));
  return path;
}

/** One array of all. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
