/**
 * One token bucket as this side sees it: what the API's headers told, what was used since, and what came back since.
 *
 * The API counts with a token bucket per key and tells the state of it with each answer (`X-RateLimit-*`). Until the first
 * answer is there calls go one at a time; where no usable headers come at all nothing is held back until a 429 says
 * that it must be.
 */
import type { Clock } from "../lib/clock.ts";
import { waitSeconds } from "../lib/upstream.ts";

/** A bucket as the API described it. */
export interface Limits {
  /** Calls that were left at the last answer. */
  remaining: number;
  /** Calls that may be made at once. */
  capacity: number;
  /** Calls that come back in each period. */
  rate: number;
  period_seconds: number;
}

/** What was told to a customer in 2024, for an API that says nothing but 429: burst 20, then one call per 15 s. */
export const DEFAULT_LIMITS: Limits = { remaining: 0, capacity: 20, rate: 1, period_seconds: 15 };

/** The vendor asks for a minute after a 429 of the sessions and audit logs. */
const LOG_PAUSE_MS = 60_000;
/** Waits are a little longer than the sum says, because the API's clock is another. */
const MARGIN_MS = 20;
const MAX_DOUBLINGS = 4;
/** No API means that a call has to wait longer than that, whatever its headers say. */
const MAX_PAUSE_MS = 3_600_000;

/** Limits in the headers of an answer; undefined when they are absent, or say what cannot be (a rate of 0, a call in days). */
export function limitsIn(headers: Headers): Limits | undefined {
  const number = (name: string) => {
    const text = headers.get(`x-ratelimit-${name}`)?.trim() ?? "";
    return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
  };
  const remaining = number("remaining");
  if (remaining === undefined) return undefined;
  const [rate, period] = [number("replenish-rate"), number("replenish-time")];
  if (!rate || !period || period * 1000 / rate > MAX_PAUSE_MS) return undefined;
  const capacity = number("burst-capacity");
  return { remaining, rate, period_seconds: period, capacity: Math.max(1, capacity ?? remaining) };
}

/** A bucket. Times are milliseconds of the given clock. */
export class Bucket {
  /** Calls that were sent and are not answered. */
  inFlight = 0;
  /** The newest state the API told. */
  told: Limits | undefined;
  readonly #clock: Clock;
  readonly #random: () => number;
  #limits: Limits | undefined;
  #tokens = 0;
  #at: number;
  #sent = 0;
  #strikes = 0;
  #pausedUntil = 0;
  #logsPausedUntil = 0;
  #answered = false;

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
    this.#at = clock.now();
  }

  /** Milliseconds until a call may go, 0 for now; null while the first answer, which tells the limits, is awaited. */
  wait(logs: boolean): number | null {
    const now = this.#clock.now();
    const paused = Math.max(this.#pausedUntil, logs ? this.#logsPausedUntil : 0);
    if (now < paused) return paused - now;
    if (this.#limits === undefined) return this.#answered || this.inFlight === 0 ? 0 : null;
    this.#refill(now);
    if (this.#tokens >= 1) return 0;
    return Math.ceil((1 - this.#tokens) * this.#interval(this.#limits)) + MARGIN_MS;
  }

  /** Takes a token; returns the number of the call. */
  take(): number {
    this.#refill(this.#clock.now());
    if (this.#limits !== undefined) this.#tokens = Math.max(0, this.#tokens - 1);
    this.inFlight++;
    return ++this.#sent;
  }

  /** A call that nobody answered. */
  lost(): void {
    this.inFlight--;
  }

  /**
   * Learns from an answer to call `number`. A stale answer may lower what is believed to be left, only that to the newest
   * call may raise it.
   */
  learn(number: number, headers: Headers): void {
    this.inFlight--;
    this.#answered = true;
    const limits = limitsIn(headers);
    if (limits === undefined) return;
    const now = this.#clock.now();
    const isFirst = this.told === undefined;
    this.told = limits;
    this.#refill(now);
    this.#limits = limits;
    const left = Math.max(0, limits.remaining - this.inFlight);
    if (isFirst) {
      this.#tokens = left;
      this.#at = now;
    } else if (this.#tokens >= left + 1 || (this.#tokens < left && number === this.#sent)) {
      // Between the two the fraction is worth keeping: it is what has come back already.
      this.#tokens = left;
    }
  }

  /** Learns from a 429: nothing is left, and a call that comes too soon again waits twice as long. */
  refused(headers: Headers, logs: boolean): void {
    const now = this.#clock.now();
    this.#answered = true;
    this.#limits ??= DEFAULT_LIMITS;
    this.#tokens = 0;
    this.#at = now;
    const asked = (waitSeconds(headers, now) ?? 0) * 1000;
    const doubled = Math.max(this.#interval(this.#limits), asked) *
      2 ** Math.min(this.#strikes, MAX_DOUBLINGS);
    const pause = Math.min(doubled, MAX_PAUSE_MS);
    this.#strikes++;
    // Callers that were refused together must not come back together.
    const jitter = 1 + this.#random() / 10;
    if (logs) this.#logsPausedUntil = now + Math.max(LOG_PAUSE_MS, pause) * jitter;
    else this.#pausedUntil = now + pause * jitter;
  }

  /** An answer that was no 429: patience starts anew. */
  accepted(): void {
    this.#strikes = 0;
  }

  /** Seconds between two calls once the bucket is empty. */
  get intervalSeconds(): number {
    return this.#interval(this.#limits ?? DEFAULT_LIMITS) / 1000;
  }

  #interval({ rate, period_seconds }: Limits): number {
    return period_seconds * 1000 / rate;
  }

  #refill(now: number): void {
    // A clock that went back gives nothing and takes nothing.
    const elapsed = Math.max(0, now - this.#at);
    this.#at = now;
    if (this.#limits === undefined) return;
    this.#tokens = Math.min(
      this.#limits.capacity,
      this.#tokens + elapsed / this.#interval(this.#limits),
    );
  }
}
