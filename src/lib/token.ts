/** A token kept until shortly before it expires, and renewed once for however many callers wait for it. */
import type { Clock } from "./clock.ts";

/** A token and when it ends. */
export interface Token {
  value: string;
  /** Milliseconds since the epoch; null when it does not expire. */
  expiresAt: number | null;
}

/** Time before the end at which a token is no longer used: clocks differ, and calls take time. */
const MARGIN_MS = 60_000;

/** Caches one token. */
export class TokenCache {
  readonly #obtain: (signal: AbortSignal) => Promise<Token>;
  readonly #clock: Clock;
  #token: Token | undefined;
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
    if (token !== undefined && this.#isFresh(token)) return token.value;
    this.#pending ??= this.#obtain(new AbortController().signal)
      .then((fresh) => this.#token = fresh)
      .finally(() => this.#pending = undefined);
    return (await abortable(this.#pending, signal)).value;
  }

  #isFresh({ expiresAt }: Token): boolean {
    return expiresAt === null || expiresAt - this.#clock.now() > MARGIN_MS;
  }

  /** Forgets this token, unless another caller has renewed it already. */
  drop(value: string): void {
    if (this.#token?.value === value) this.#token = undefined;
  }
}

async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
