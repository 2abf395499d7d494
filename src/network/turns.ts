/**
 * Turns at one router: changes one after the other, in the order they were asked for; reads together, but never during
 * a change, because a router shows what is not committed yet. Whoever goes away while waiting gives its turn up.
 */

interface Waiting {
  exclusive: boolean;
  start(): void;
}

export class Turns {
  #active = 0;
  #exclusive = false;
  #waiting: Waiting[] = [];

  /** Runs `work` beside other reads. Errors: its own, and the signal's reason. */
  read<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#run(false, signal, work);
  }

  /** Runs `work` alone. Errors: its own, and the signal's reason. */
  write<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#run(true, signal, work);
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  async #run<T>(exclusive: boolean, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    await this.#enter(exclusive, signal);
    try {
      return await work();
    } finally {
      this.#active--;
      if (exclusive) this.#exclusive = false;
      this.#next();
    }
  }

  #enter(exclusive: boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting = this.#waiting.filter((other) => other !== one);
        reject(signal.reason);
        this.#next();
      };
      const one: Waiting = {
        exclusive,
        start: () => {
          signal.removeEventListener("abort", onAbort);
          this.#active++;
          this.#exclusive = exclusive;
          resolve();
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(one);
      this.#next();
    });
  }

  #next(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      // A read that comes after a waiting change waits too, or a change would never get its turn.
      if (this.#exclusive || (first.exclusive && this.#active > 0)) return;
      this.#waiting.shift();
      first.start();
    }
  }
}
