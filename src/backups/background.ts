/** Work that takes longer than a job may: begun by a job, ended by whoever stops the program. */
import { messageOf } from "../lib/errors.ts";
import { log } from "./parts.ts";

/** At most one work of each name at a time. */
export class Background {
  readonly #stop = new AbortController();
  readonly #running = new Map<string, Promise<void>>();

  /** Begins work unless work of that name is under way; false when it is. What it throws is logged. */
  begin(name: string, work: (signal: AbortSignal) => Promise<unknown>): boolean {
    const { signal } = this.#stop;
    if (signal.aborted || this.#running.has(name)) return false;
    const running = work(signal).then(() => {}, (error) => {
      if (!signal.aborted) log.error("{name} failed: {why}", { name, why: messageOf(error), error });
    }).finally(() => this.#running.delete(name));
    this.#running.set(name, running);
    return true;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  /** Ends what is under way, and begins nothing any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.idle();
  }
}
