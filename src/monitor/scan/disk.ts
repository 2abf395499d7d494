/** Disks as the scanner sees them: each call is done by a worker. */
import type { TaskAnswer, TaskName, Tasks } from "./tasks.ts";

/** Work on disks. */
export interface Disk extends Disposable {
  /** Does one thing after what was asked before. Rejects when that failed, or the signal aborts. */
  run<Name extends TaskName>(task: Name, ...takes: Tasks[Name]["takes"]): Promise<Tasks[Name]["gives"]>;
}

interface Waiting {
  answer(event: MessageEvent): void;
  reject(reason: unknown): void;
}

/** A worker, ended by `using`. Aborting the signal ends what is under way at once. */
export class WorkerDisk implements Disk {
  readonly #worker = new Worker(new URL("./disk.worker.ts", import.meta.url), { type: "module" });
  /** One for all calls: a channel for each of very many would be as much to collect as what it brings. */
  readonly #port: MessagePort;
  /** Calls without an answer; answers come in the order of the calls. */
  readonly #waiting: Waiting[] = [];
  readonly #signal: AbortSignal;
  #broken: Error | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#port.onmessage = (event) => this.#waiting.shift()?.answer(event);
    this.#worker.postMessage(port2, [port2]);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#broken = new Error(`The scanner's worker failed: ${event.message}`);
      this.#rejectAll(this.#broken);
    };
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  readonly #onAbort = () => this.#rejectAll(this.#signal.reason);

  #rejectAll(reason: unknown): void {
    for (const { reject } of this.#waiting) reject(reason);
  }

  async run<Name extends TaskName>(
    task: Name,
    ...takes: Tasks[Name]["takes"]
  ): Promise<Tasks[Name]["gives"]> {
    this.#signal.throwIfAborted();
    if (this.#broken !== undefined) throw this.#broken;
    const { promise, resolve, reject } = Promise.withResolvers<TaskAnswer<Tasks[Name]["gives"]>>();
    this.#waiting.push({ answer: ({ data }) => resolve(data), reject });
    this.#port.postMessage({ task, takes });
    const answer = await promise;
    if (answer.ok) return answer.result;
    throw new Error(answer.message);
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#worker.terminate();
    this.#port.close();
  }
}
