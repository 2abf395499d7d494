/** The doors of the fake tenant: keys, tokens that end, and a token bucket per key. */
import type { Clock } from "../../src/lib/clock.ts";

/** A bucket as the API has it. */
export interface BucketSettings {
  capacity: number;
  rate: number;
  period_seconds: number;
}

/** Burst 20, then one call per 15 seconds: what a customer was told. */
export const STRICT: BucketSettings = { capacity: 20, rate: 1, period_seconds: 15 };
/** No test waits for it. */
export const GENEROUS: BucketSettings = { capacity: 1_000_000, rate: 1_000_000, period_seconds: 1 };

/** A bucket that counts. */
export class FakeBucket {
  readonly settings: BucketSettings;
  readonly #clock: Clock;
  #tokens: number;
  #at: number;

  constructor(settings: BucketSettings, clock: Clock) {
    this.settings = settings;
    this.#clock = clock;
    this.#tokens = settings.capacity;
    this.#at = clock.now();
  }

  /** True when a call may pass. */
  take(): boolean {
    const { capacity, rate, period_seconds } = this.settings;
    const now = this.#clock.now();
    const back = Math.max(0, now - this.#at) * rate / (period_seconds * 1000);
    this.#tokens = Math.min(capacity, this.#tokens + back);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  get headers(): Record<string, string> {
    const { capacity, rate, period_seconds } = this.settings;
    return {
      "x-ratelimit-remaining": String(Math.floor(this.#tokens)),
      "x-ratelimit-replenish-rate": String(rate),
      "x-ratelimit-replenish-time": String(period_seconds),
      "x-ratelimit-burst-capacity": String(capacity),
    };
  }
}

/** Keys and the tokens that were given for them. */
export class FakeDoor {
  readonly clientId = "key-1.acme";
  clientSecret = "s3cret-of-acme";
  /** Instants from which on the key is dead, or the API off; null: never. */
  keyExpiresAt: number | null = null;
  apiOff = false;
  tokenSeconds = 43_199;
  tokensGiven = 0;
  /** Kinds of things the key may not read, or not change: `users`, `networks`. */
  readonly mayNotRead = new Set<string>();
  readonly mayNotChange = new Set<string>();
  readonly #clock: Clock;
  readonly #tokens = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer to a request for a token; undefined when the key is refused. */
  token(authorization: string | undefined): Record<string, unknown> | undefined {
    const expected = `Basic ${btoa(`${this.clientId}:${this.clientSecret}`)}`;
    const dead = this.keyExpiresAt !== null && this.#clock.now() >= this.keyExpiresAt;
    if (authorization !== expected || dead || this.apiOff) return undefined;
    const token = `token-${++this.tokensGiven}`;
    this.#tokens.set(token, this.#clock.now() + this.tokenSeconds * 1000);
    return { access_token: token, token_type: "bearer", expires_in: this.tokenSeconds, scope: "read write" };
  }

  /** True for a token that is good now. */
  isGood(authorization: string | undefined): boolean {
    const end = this.#tokens.get(/^Bearer (.+)$/.exec(authorization ?? "")?.[1] ?? "");
    return end !== undefined && this.#clock.now() < end && !this.apiOff;
  }

  /** Ends every token that was given. */
  revokeTokens(): void {
    this.#tokens.clear();
  }
}
