/** Token buckets: a steady rate with a burst, per key, in bounded memory. */

/** A rate: `perMinute` tokens come back each minute, up to `burst` at once. */
export interface BucketRate {
  perMinute: number;
  burst: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** Keys kept; the ones used longest ago leave first, which can only make the limit milder. */
const MAX_KEYS = 10_000;

/** A limiter over many keys. */
export class Buckets {
  readonly #rate: BucketRate;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: BucketRate) {
    this.#rate = rate;
  }

  /** Takes a token; returns 0 when there was one, else the seconds until there is. `now` in milliseconds. */
  take(key: string, now: number): number {
    const { perMinute, burst } = this.#rate;
    const known = this.#buckets.get(key);
    const bucket = known ?? { tokens: burst, at: now };
    if (known !== undefined) {
      // A clock that went back gives nothing and takes nothing.
      const elapsed = Math.max(0, now - bucket.at);
      bucket.tokens = Math.min(burst, bucket.tokens + elapsed * perMinute / 60_000);
      bucket.at = now;
      this.#buckets.delete(key);
    }
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > MAX_KEYS) this.#buckets.delete(this.#buckets.keys().next().value!);
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return 0;
    }
    return Math.max(1, Math.ceil((1 - bucket.tokens) * 60 / perMinute));
  }
}
