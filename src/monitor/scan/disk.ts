/** Disks as the scanner sees them: each call is done by a worker. */
import type { TaskAnswer, TaskName, Tasks } from "./tasks.ts";

/** Work on disks. */
export interface Disk extends Disposable {
  /** Does one thing after what was asked before. Rejects when that failed, or the signal aborts. */
  run<Name extends TaskName>(task: Name, ...takes: Tasks[Name]["takes"]): Promise<Tasks[Name]["gives"]>;
}

/** A worker, ended by `using`. Aborting the signal ends what is under way at once. */
export class WorkerDisk implements Disk {
  readonly #worker = new Worker(new URL("./disk.worker.ts", import.meta.url), { type: "module" });
  readonly #waiting = new Set<(reason: unknown) => void>();
  readonly #signal: AbortSignal;
  #broken: Error | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#broken = new Error(`The scanner's worker failed: ${event.message}`);
      this.#rejectAll(this.#broken);
    };
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  readonly #onAbort = () => this.#rejectAll(this.#signal.reason);

  #rejectAll(reason: unknown): void {
    for (const reject of this.#waiting) reject(reason);
  }

  async run<Name extends TaskName>(
    task: Name,
    ...takes: Tasks[Name]["takes"]
  ): Promise<Tasks[Name]["gives"]> {
    this.#signal.throwIfAborted();
    if (this.#broken !== undefined) throw this.#broken;
    const { port1, port2 } = new MessageChannel();
    const { promise, resolve, reject } = Promise.withResolvers<TaskAnswer<Tasks[Name]["gives"]>>();
    this.#waiting.add(reject);
    try {
      port1.onmessage = (event: MessageEvent<TaskAnswer<Tasks[Name]["gives"]>>) => resolve(event.data);
      this.#worker.postMessage({ task, takes, port: port2 }, [port2]);
      const answer = await promise;
      if (answer.ok) return answer.result;
      throw new Error(answer.message);
    } finally {
      this.#waiting.delete(reject);
      port1.close();
    }
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#worker.terminate();
  }
}
