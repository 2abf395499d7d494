/** A clock that stands still until a test moves it. */
import type { Clock } from "../../src/lib/clock.ts";

interface Sleeper {
  at: number;
  wake: () => void;
}

/** Time under the test's control; sleepers wake in order of their instants. */
export class FakeClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];

  constructor(start: string | number) {
    this.#now = typeof start === "number" ? start : Date.parse(start);
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const sleeper = { at: this.#now + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal.reason);
      }, { once: true });
    });
  }

  /** Sets the clock, backwards too, and wakes whoever is due by then. */
  set(to: string | number): void {
    this.#now = typeof to === "number" ? to : Date.parse(to);
    const due = this.#sleepers.filter((sleeper) => sleeper.at <= this.#now).sort((a, b) => a.at - b.at);
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.at > this.#now);
    for (const sleeper of due) sleeper.wake();
  }

  advance(ms: number): void {
    this.set(this.#now + ms);
  }

  /** Wakes none of those that sleep, ever: their process is gone. */
  forget(): void {
    this.#sleepers = [];
  }

  /** Number of sleepers waiting; for tests that wait until something sleeps. */
  get sleeping(): number {
    return this.#sleepers.length;
  }
}
