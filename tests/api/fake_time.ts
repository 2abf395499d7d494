/** Intervals that fire when a test says so. */
export class FakeTime implements Disposable {
  readonly #setInterval = globalThis.setInterval;
  readonly #clearInterval = globalThis.clearInterval;
  readonly #callbacks = new Map<number, () => void>();

  constructor() {
    let next = 1;
    Object.assign(globalThis, {
      setInterval: (callback: () => void) => {
        this.#callbacks.set(next, callback);
        return next++;
      },
      clearInterval: (id: number) => void this.#callbacks.delete(id),
    });
  }

  /** Lets each interval fire once. */
  tick(): void {
    for (const callback of this.#callbacks.values()) callback();
  }

  /** Intervals not cleared. */
  get running(): number {
    return this.#callbacks.size;
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, { setInterval: this.#setInterval, clearInterval: this.#clearInterval });
  }
}
