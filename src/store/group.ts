/**
 * Group commit: changes that are asked for at the same moment share a transaction, because what a small change costs is
 * the wait for the disk at its commit.
 */
import { setImmediate } from "node:timers";
import type { Transaction } from "kysely";

/** Changes in one transaction; the event loop waits that long. */
const MOST = 200;

interface Job {
  work(tx: Transaction<unknown>): Promise<unknown>;
  resolve(): void;
  reject(error: unknown): void;
}

/** Collects changes of one database. */
export class GroupCommit {
  readonly #transaction: <T>(work: (tx: Transaction<unknown>) => Promise<T>) => Promise<T>;
  #jobs: Job[] = [];
  #draining = false;

  constructor(transaction: <T>(work: (tx: Transaction<unknown>) => Promise<T>) => Promise<T>) {
    this.#transaction = transaction;
  }

  /** Runs `work` in a transaction; resolves when that is committed. One that fails takes no other with it. */
  run<T>(work: (tx: Transaction<unknown>) => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let result: T;
    this.#jobs.push({
      work: async (tx) => result = await work(tx),
      resolve: () => resolve(result),
      reject,
    });
    if (!this.#draining) void this.#drain();
    return promise;
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    // A turn of the event loop, in which others may join.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#jobs.length > 0) await this.#commit(this.#jobs.splice(0, MOST));
    this.#draining = false;
  }

  async #commit(jobs: readonly Job[]): Promise<void> {
    try {
      await this.#transaction(async (tx) => {
        for (const job of jobs) await job.work(tx);
      });
      for (const job of jobs) job.resolve();
    } catch (error) {
      if (jobs.length === 1) return jobs[0]!.reject(error);
      // Nothing of it was committed: each for itself, so that only the bad one fails.
      for (const job of jobs) await this.#commit([job]);
    }
  }
}
