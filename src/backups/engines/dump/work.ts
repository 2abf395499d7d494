/** Tasks in the worker, from the daemon's thread. */
import { HoldfastError } from "../../../lib/errors.ts";
import type { EngineContext } from "../../engine.ts";
import type { Command, Content, Report, StreamTask, Tasks, WriteTask } from "./protocol.ts";

/** How long a cancelled worker may take to stop by itself; one stuck in a system call is left behind. */
const CANCEL_GRACE_MS = 2000;
/** Pieces on their way to the worker: enough that neither side waits for the other. */
const MAX_PENDING = 8;

type WorkContext = Pick<EngineContext, "signal" | "progress">;

/** Runs one task. Aborting the signal stops it and rejects with the signal's reason. */
export async function work<Name extends keyof Tasks>(
  task: Tasks[Name]["task"],
  context: WorkContext,
): Promise<Tasks[Name]["result"]> {
  using running = new Running<Tasks[Name]["result"]>(task, context);
  return await running.result;
}

/** Pieces being written to a new artifact. */
export interface Sink extends Disposable {
  /** Resolves when there is room for the next piece. Errors: what keeps the file from being written. */
  write(bytes: Uint8Array): Promise<void>;
  /** Flushes the file. */
  finish(): Promise<Content>;
}

/** Starts to write an artifact. */
export function openSink(task: WriteTask, context: WorkContext): Sink {
  const running = new Running<Content>(task, context);
  return {
    write: (bytes) => running.send(bytes),
    async finish() {
      running.end();
      return await running.result;
    },
    [Symbol.dispose]: () => running[Symbol.dispose](),
  };
}

/** The content of an artifact, decompressed. Leaving it early ends the worker. */
export async function* contentStream(
  task: StreamTask,
  context: WorkContext,
): AsyncGenerator<Uint8Array> {
  using running = new Running<null>(task, context);
  for (let bytes = await running.piece(); bytes !== null; bytes = await running.piece()) {
    yield bytes;
    running.more();
  }
}

class Running<Result> implements Disposable {
  readonly result: Promise<Result>;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #context: WorkContext;
  readonly #onAbort: () => void;
  #grace: ReturnType<typeof setTimeout> | undefined;
  #pending = 0;
  #room: PromiseWithResolvers<void> | undefined;
  #next = Promise.withResolvers<Uint8Array>();

  constructor(task: Command["task"], context: WorkContext) {
    context.signal.throwIfAborted();
    this.#context = context;
    const { port1, port2 } = new MessageChannel();
    const cancelled = new Int32Array(new SharedArrayBuffer(4));
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.result = promise;
    // A sink may fail before anybody asks for its result.
    promise.catch(() => {});
    this.#port = port1;
    this.#onAbort = () => {
      Atomics.store(cancelled, 0, 1);
      this.#grace = setTimeout(() => reject(context.signal.reason), CANCEL_GRACE_MS);
      // Who waits for the other side does not look at the mark.
      if (task.task === "write" || task.task === "stream") reject(context.signal.reason);
    };
    context.signal.addEventListener("abort", this.#onAbort, { once: true });
    this.#port.onmessage = ({ data }: MessageEvent<Report<Result>>) => {
      if (data.report === "progress") context.progress(data.progress);
      else if (data.report === "taken") this.#taken();
      else if (data.report === "piece") this.#next.resolve(data.bytes);
      else if (data.report === "done") resolve(data.result);
      else if (data.report === "failed") reject(errorOf(data));
      else reject(context.signal.reason);
    };
    this.#worker = new Worker(new URL("./dump.worker.ts", import.meta.url), { type: "module" });
    this.#worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`The worker for dumps failed: ${event.message}`));
    };
    const command: Command = { task, port: port2, cancelled };
    this.#worker.postMessage(command, [port2]);
  }

  async send(bytes: Uint8Array): Promise<void> {
    this.#pending++;
    this.#port.postMessage(bytes);
    if (this.#pending < MAX_PENDING) return;
    this.#room = Promise.withResolvers<void>();
    await Promise.race([this.#room.promise, this.result]);
  }

  end(): void {
    this.#port.postMessage(null);
  }

  /** The next piece of a stream; null at its end. */
  async piece(): Promise<Uint8Array | null> {
    const bytes = await Promise.race([this.#next.promise, this.result]);
    this.#next = Promise.withResolvers<Uint8Array>();
    return bytes instanceof Uint8Array ? bytes : null;
  }

  more(): void {
    this.#port.postMessage("more");
  }

  #taken(): void {
    if (--this.#pending < MAX_PENDING) this.#room?.resolve();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#grace);
    this.#context.signal.removeEventListener("abort", this.#onAbort);
    this.#worker.terminate();
    this.#port.close();
  }
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
