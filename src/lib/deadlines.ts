/**
 * Time limits of many things under way, on one timer: to make and clear one for each costs a tenth of a short call, and
 * those of `AbortSignal.timeout` cannot be cleared, so that they would pile up until they end.
 */
export class Deadlines {
  /** What is under way, and when it has to be over, in milliseconds of `performance.now()`. */
  readonly #ends = new Map<AbortController, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wakesAt = Infinity;

  /** Aborts with a `TimeoutError` after `ms` milliseconds, unless `clear` comes first. */
  start(ms: number): AbortController {
    const limit = new AbortController();
    const end = performance.now() + ms;
    this.#ends.set(limit, end);
    if (end < this.#wakesAt) this.#wakeAt(end);
    return limit;
  }

  /** Forgets a time limit. */
  clear(limit: AbortController): void {
    this.#ends.delete(limit);
    // A timer would keep the process alive. One that others still need may wake too early, which does no harm.
    if (this.#ends.size === 0) this.#sleep();
  }

  #wakeAt(end: number): void {
    this.#sleep();
    this.#wakesAt = end;
    this.#timer = setTimeout(() => this.#wake(), Math.max(0, Math.ceil(end - performance.now())));
  }

  #sleep(): void {
    clearTimeout(this.#timer);
    this.#wakesAt = Infinity;
  }

  #wake(): void {
    this.#wakesAt = Infinity;
    const now = performance.now();
    for (const [limit, end] of this.#ends) {
      if (end > now) continue;
      this.#ends.delete(limit);
      limit.abort(new DOMException("no answer in time", "TimeoutError"));
    }
    if (this.#ends.size > 0) this.#wakeAt(Math.min(...this.#ends.values()));
  }
}
