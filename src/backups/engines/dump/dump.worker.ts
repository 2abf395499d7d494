/**
 * Where single-file artifacts are written, read and unpacked, off the daemon's thread.
 *
 * Started by file name, so a compiled program has to be told to include this file.
 */
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import type { Progress } from "../../engine.ts";
import { type AnyTask, Cancelled, type Command, type Host, type Report } from "./protocol.ts";
import { lines, read, stream, unpack } from "./read.ts";
import { pack, write } from "./write.ts";

const PROGRESS_EVERY_MS = 250;

globalThis.addEventListener("message", async (event) => {
  if (!(event instanceof MessageEvent)) return;
  const { task, port, cancelled }: Command = event.data;
  const send = (report: Report<unknown>) => port.postMessage(report);
  try {
    const result = await run(task, port, hostOf(send, cancelled));
    send({ report: "done", result });
  } catch (error) {
    send(error instanceof Cancelled ? { report: "cancelled" } : failure(error));
  }
});

async function run(task: AnyTask, port: MessagePort, host: Host): Promise<unknown> {
  // What was sent before somebody listens waits.
  queueMicrotask(() => port.start());
  switch (task.task) {
    case "write":
      return await write(task, port);
    case "pack":
      return pack(task, host);
    case "read":
      return await read(task, host);
    case "unpack":
      return await unpack(task, host);
    case "stream":
      return await stream(task, port, host);
    case "lines":
      return await lines(task, host);
    case "copy-database":
      return await (await import("../sqlite/database.ts")).copyDatabase(task, host);
    case "check-database":
      return (await import("../sqlite/database.ts")).checkDatabase(task, host);
  }
}

function hostOf(send: (report: Report<never>) => void, cancelled: Int32Array): Host {
  let reported = -PROGRESS_EVERY_MS;
  return {
    checkCancelled() {
      if (Atomics.load(cancelled, 0) !== 0) throw new Cancelled();
    },
    progress(progress: Progress, now = false) {
      const moment = performance.now();
      if (!now && moment - reported < PROGRESS_EVERY_MS) return;
      reported = moment;
      send({ report: "progress", progress });
    },
  };
}

function failure(error: unknown): Report<never> {
  const known = error instanceof HoldfastError ? error : undefined;
  return {
    report: "failed",
    kind: known?.kind ?? "internal",
    code: known?.code ?? "internal",
    message: messageOf(error),
    hint: known?.hint,
    stack: error instanceof Error ? error.stack ?? "" : "",
  };
}
