/** Reading an artifact to its end, inside the worker. */
import { HoldfastError } from "../../../lib/errors.ts";
import { ArtifactReader } from "../archive/read-artifact.ts";
import { writeError } from "../archive/system-errors.ts";
import { LineSplitter } from "../tools/lines.ts";
import type { Compression, Content, Host, LinesTask, ReadTask, StreamTask, UnpackTask } from "./protocol.ts";
import { Scan } from "./scan.ts";

/** Most lines that `lines` finds, and longest line it looks at. */
const [MAX_LINES, MAX_LINE] = [100_000, 10_000];

type Phase = "verify" | "restore";

/** Runs the task. Damage is part of the result; only what prevents looking at all is thrown. */
export async function read(task: ReadTask, host: Host): Promise<Content> {
  return await through(task, task.marker, "verify", host, () => {});
}

/** Runs the task; on any error or damage the new file is left to the caller. */
export async function unpack(task: UnpackTask, host: Host): Promise<Content> {
  try {
    using file = Deno.openSync(task.to, { write: true, createNew: true, mode: 0o600 });
    const content = await through(task, null, "restore", host, (piece) => {
      for (let at = 0; at < piece.length;) at += file.writeSync(piece.subarray(at));
    });
    file.syncSync();
    return content;
  } catch (error) {
    throw writeError(error, task.to);
  }
}

/** Runs the task. */
export async function stream(task: StreamTask, port: MessagePort, host: Host): Promise<null> {
  const artifact = new ArtifactReader(task.path, () => host.checkCancelled());
  for await (const bytes of contentOf(artifact, task.compression)) {
    const taken = new Promise<void>((resolve) => {
      port.addEventListener("message", () => resolve(), { once: true });
    });
    port.postMessage({ report: "piece", bytes });
    await taken;
  }
  return null;
}

/** Runs the task. */
export async function lines(task: LinesTask, host: Host): Promise<string[]> {
  const found: string[] = [];
  const splitter = new LineSplitter(MAX_LINE, (line) => {
    if (line.startsWith(task.prefix) && found.length < MAX_LINES) found.push(line.slice(task.prefix.length));
  });
  const artifact = new ArtifactReader(task.path, () => host.checkCancelled());
  for await (const piece of contentOf(artifact, task.compression)) splitter.push(piece);
  splitter.end();
  return found;
}

async function through(
  task: { path: string; compression: Compression; total_bytes: number | null },
  marker: string | null,
  phase: Phase,
  host: Host,
  onPiece: (piece: Uint8Array) => void,
): Promise<Content> {
  const artifact = new ArtifactReader(task.path, () => host.checkCancelled());
  const scan = new Scan(marker);
  const total = task.total_bytes === null ? {} : { total_bytes: task.total_bytes };
  const report = (now: boolean) =>
    host.progress({ phase, done_bytes: scan.bytes, done_items: scan.count, ...total }, now);
  let problem: string | null = null;
  report(true);
  try {
    for await (const piece of contentOf(artifact, task.compression)) {
      scan.push(piece);
      onPiece(piece);
      report(false);
    }
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "archive_damaged") throw error;
    problem = error.message;
  }
  report(true);
  return {
    ...(problem === null
      ? { sha256: artifact.digest(), size_bytes: artifact.size }
      : hashOf(task.path, host)),
    content_bytes: scan.bytes,
    count: scan.count,
    head: scan.head,
    tail: scan.tail,
    problem,
  };
}

/** Content as it is, or decompressed; a compressed artifact that is damaged is an error with code `archive_damaged`. */
function contentOf(
  artifact: ArtifactReader,
  compression: Compression,
): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  return compression === "none" ? artifact.stored() : artifact.tar();
}

/** The whole file's, where decompressing it ended early. */
function hashOf(path: string, host: Host): { sha256: string; size_bytes: number } {
  const artifact = new ArtifactReader(path, () => host.checkCancelled());
  for (const _ of artifact.stored());
  return { sha256: artifact.digest(), size_bytes: artifact.size };
}
