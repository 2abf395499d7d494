/** Running tasks in workers, from the daemon's thread. */
import { requestCount } from "../../../lib/courtesy.ts";
import { HoldfastError } from "../../../lib/errors.ts";
import type { ArtifactEntry, EngineContext } from "../../engine.ts";
import type { Command, Compression, Reply, Report, TaskMessage, Tasks } from "./protocol.ts";

/** How long a cancelled worker may take to stop by itself; one stuck in a system call is left behind. */
const CANCEL_GRACE_MS = 2000;

/** A worker for one task after the other, stopped by `using`. */
export class TaskWorker implements Disposable {
  #worker: Worker;
  #port: MessagePort;
  #cancelled = new Int32Array(new SharedArrayBuffer(4));

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = startWorker({
      role: "tasks",
      port: port2,
      cancelled: this.#cancelled,
      requests: requestCount,
    }, [port2]);
  }

  /**
   * Runs one task. Aborting the context's signal stops it and rejects with the signal's reason, at the latest two
   * seconds later. `onEntries` takes a batch of a list; the next one is sent when it resolves.
   */
  async run<Name extends keyof Tasks>(
    task: Tasks[Name]["task"],
    context: EngineContext,
    onEntries?: (entries: ArtifactEntry[]) => Promise<void>,
  ): Promise<Tasks[Name]["result"]> {
    context.signal.throwIfAborted();
    let grace: ReturnType<typeof setTimeout> | undefined;
    const { promise, resolve, reject } = Promise.withResolvers<Tasks[Name]["result"]>();
    const onAbort = () => {
      Atomics.store(this.#cancelled, 0, 1);
      // It may be waiting to send the next batch of a list.
      this.#reply("more");
      grace = setTimeout(() => reject(context.signal.reason), CANCEL_GRACE_MS);
    };
    context.signal.addEventListener("abort", onAbort, { once: true });
    this.#worker.onerror = (event) => reject(failureOf(event));
    this.#port.onmessage = (event: MessageEvent<Report<Tasks[Name]["result"]>>) => {
      const report = event.data;
      if (report.report === "progress") context.progress(report.progress);
      else if (report.report === "log") context.log(report.level, report.text);
      else if (report.report === "done") resolve(report.result);
      else if (report.report === "failed") reject(errorOf(report));
      else if (report.report === "cancelled") reject(context.signal.reason);
      else onEntries?.(report.entries).then(() => this.#reply("more"), reject);
    };
    try {
      const message: TaskMessage = { task };
      this.#port.postMessage(message, "presses" in task ? task.presses : []);
      return await promise;
    } finally {
      clearTimeout(grace);
      context.signal.removeEventListener("abort", onAbort);
    }
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
    this.#port.close();
  }

  #reply(reply: Reply): void {
    this.#port.postMessage(reply);
  }
}

/** Workers that compress; the ports are for the task that feeds them. */
export class Presses implements Disposable {
  readonly ports: MessagePort[] = [];
  /** Rejects when one of them fails as a whole; the task would wait for it without end. */
  readonly failure: Promise<never>;
  #workers: Worker[] = [];

  constructor(count: number, compression: Compression, level: number | null) {
    const { promise, reject } = Promise.withResolvers<never>();
    this.failure = promise;
    for (let i = 0; i < count; i++) {
      const { port1, port2 } = new MessageChannel();
      const worker = startWorker({ role: "press", compression, level, port: port2, requests: requestCount }, [
        port2,
      ]);
      worker.onerror = (event) => reject(failureOf(event));
      this.ports.push(port1);
      this.#workers.push(worker);
    }
  }

  [Symbol.dispose](): void {
    for (const worker of this.#workers) worker.terminate();
    for (const port of this.ports) port.close();
  }
}

/** A worker's failure as an error of whoever waits for it; unhandled it would end the daemon. */
function failureOf(event: ErrorEvent): Error {
  event.preventDefault();
  return new Error(`The archive worker failed: ${event.message}`);
}

function startWorker(command: Command, transfer: Transferable[]): Worker {
  const worker = new Worker(new URL("./archive.worker.ts", import.meta.url), { type: "module" });
  worker.postMessage(command, transfer);
  return worker;
}

function errorOf(report: Extract<Report<never>, { report: "failed" }>): Error {
  if (report.kind === "internal") {
    const error = new Error(report.message);
    error.stack = report.stack;
    return error;
  }
  return new HoldfastError(report.kind, report.message, {
    code: report.code,
    ...(report.hint === undefined ? {} : { hint: report.hint }),
  });
}
