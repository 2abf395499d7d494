/** A token kept until shortly before it expires, and renewed once for however many callers wait for it. */
import type { Clock } from "./clock.ts";

/** A token and when it ends. */
export interface Token {
  value: string;
  /** Milliseconds since the epoch; null when it does not expire. */
  expiresAt: number | null;
}

/** Time before the end at which a token is no longer used: clocks differ, and calls take time. A short life gives a fifth. */
const MARGIN_MS = 60_000;
const MARGIN_SHARE = 0.2;

/** Caches one token. */
export class TokenCache {
  readonly #obtain: (signal: AbortSignal) => Promise<Token>;
  readonly #clock: Clock;
  #token: (Token & { usableUntil: number }) | undefined;
  #pending: Promise<Token> | undefined;

  /** `obtain` gets a new token; it runs at most once at a time, and no single caller's abort ends it for the others. */
  constructor(clock: Clock, obtain: (signal: AbortSignal) => Promise<Token>) {
    this.#clock = clock;
    this.#obtain = obtain;
  }

  /** A usable token. Errors: those of `obtain`, and the signal's reason. */
  async get(signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const token = this.#token;
    if (token !== undefined && this.#clock.now() < token.usableUntil) return token.value;
    this.#pending ??= this.#obtain(new AbortController().signal)
      .then((fresh) => this.#token = { ...fresh, usableUntil: usableUntil(fresh, this.#clock.now()) })
      .finally(() => this.#pending = undefined);
    return (await abortable(this.#pending, signal)).value;
  }

  /** Forgets this token, unless another caller has renewed it already. */
  drop(value: string): void {
    if (this.#token?.value === value) this.#token = undefined;
  }
}

function usableUntil({ expiresAt }: Token, now: number): number {
  if (expiresAt === null) return Infinity;
  return expiresAt - Math.min(MARGIN_MS, (expiresAt - now) * MARGIN_SHARE);
}

/** Waits for work that others wait for too: one's own abort ends the waiting, not the work. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
