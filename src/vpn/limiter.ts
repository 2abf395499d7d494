/**
 * Whose turn it is: reads and writes are paced apart, each by its own bucket, in the order they came.
 *
 * That there are two buckets is what the vendor's own client assumes. Where a 429 comes although this side counted a free
 * call, and the other lane was in use, both share one bucket from then on.
 */
import type { Clock } from "../lib/clock.ts";
import type { UpstreamRequest } from "../lib/upstream.ts";
import { Bucket, type Limits } from "./limits.ts";

/** What paces apart. */
export type Lane = "read" | "write";

/** What a limiter needs. */
export interface LimiterOptions {
  clock: Clock;
  /** Told before each wait of a second or more, in milliseconds. */
  onWait?: ((ms: number, reason: string) => void) | undefined;
  /** In [0, 1); default `Math.random`. */
  random?: (() => number) | undefined;
}

const LOGS = /\/(sessions|audit-log)$/;
/** Shorter waits are nobody's business. */
const TELL_FROM_MS = 1000;

interface Turn {
  lane: Lane;
  bucket: Bucket;
  number: number;
}

/** Paces the calls of one key. */
export class Limiter {
  readonly #options: LimiterOptions;
  readonly #lanes: Record<Lane, Bucket>;
  readonly #turns = new Map<UpstreamRequest, Turn>();
  readonly #queues = new Map<Bucket, Promise<void>>();
  #firstAnswer = Promise.withResolvers<void>();
  #lastUsed: Record<Lane, number> = { read: -Infinity, write: -Infinity };

  constructor(options: LimiterOptions) {
    const { clock, random = Math.random } = options;
    this.#options = options;
    this.#lanes = { read: new Bucket(clock, random), write: new Bucket(clock, random) };
  }

  /** Resolves when this call may go. Errors: the signal's reason. */
  async turn(request: UpstreamRequest, signal: AbortSignal): Promise<void> {
    // Another try of a call that nobody answered.
    this.ended(request);
    const lane = laneOf(request);
    const bucket = this.#lanes[lane];
    const logs = LOGS.test(request.path);
    const before = this.#queues.get(bucket);
    // Nobody waits and one is left: the usual case costs nothing.
    if (before === undefined && bucket.wait(logs) === 0) return this.#take(request, lane);
    const { promise: gone, resolve: leave } = Promise.withResolvers<void>();
    const place = (before ?? Promise.resolve()).then(() => gone);
    this.#queues.set(bucket, place);
    try {
      await abortable(before ?? Promise.resolve(), signal);
      await this.#ready(lane, logs, signal);
      this.#take(request, lane);
    } finally {
      leave();
      if (this.#queues.get(bucket) === place) this.#queues.delete(bucket);
    }
  }

  #take(request: UpstreamRequest, lane: Lane): void {
    const bucket = this.#lanes[lane];
    this.#lastUsed[lane] = this.#options.clock.now();
    this.#turns.set(request, { lane, bucket, number: bucket.take() });
  }

  async #ready(lane: Lane, logs: boolean, signal: AbortSignal): Promise<void> {
    const { clock, onWait } = this.#options;
    for (;;) {
      // Asked anew each time: the lanes may have become one.
      const bucket = this.#lanes[lane];
      const wait = bucket.wait(logs);
      if (wait === 0) return;
      if (wait === null) {
        await abortable(this.#firstAnswer.promise, signal);
        continue;
      }
      if (wait >= TELL_FROM_MS) {
        onWait?.(wait, `the rate limit lets one ${lane} pass every ${bucket.intervalSeconds} s`);
      }
      await clock.sleep(wait, signal);
    }
  }

  /** Learns from an answer. */
  answered(status: number, headers: Headers, request: UpstreamRequest): void {
    const turn = this.#turns.get(request);
    if (turn === undefined) return;
    this.#turns.delete(request);
    const { bucket, lane, number } = turn;
    // With known limits a call is only sent when one is left: a 429 then means that somebody else uses the bucket.
    const unexpected = status === 429 && bucket.told !== undefined;
    bucket.learn(number, headers);
    if (status === 429) {
      bucket.refused(headers, LOGS.test(request.path));
      if (unexpected) this.#join(lane);
    } else bucket.accepted();
    this.#wakeWaiting();
  }

  /** A call that is over; nothing happens when it was answered. */
  ended(request: UpstreamRequest): void {
    const turn = this.#turns.get(request);
    if (turn === undefined) return;
    this.#turns.delete(request);
    turn.bucket.lost();
    this.#wakeWaiting();
  }

  /** The limits as the API told them last, and whether reads and writes share them. */
  get seen(): { read: Limits | null; write: Limits | null; shared: boolean } {
    const { read, write } = this.#lanes;
    return { read: read.told ?? null, write: write.told ?? null, shared: read === write };
  }

  /** Seconds between two reads once nothing is left. */
  get intervalSeconds(): number {
    return this.#lanes.read.intervalSeconds;
  }

  /** The other lane used up what this one counted on. */
  #join(lane: Lane): void {
    const other: Lane = lane === "read" ? "write" : "read";
    if (this.#lanes.read === this.#lanes.write) return;
    const idle = this.#options.clock.now() - this.#lastUsed[other];
    if (idle > this.#lanes[lane].intervalSeconds * 1000) return;
    this.#lanes[other] = this.#lanes[lane];
  }

  #wakeWaiting(): void {
    this.#firstAnswer.resolve();
    this.#firstAnswer = Promise.withResolvers<void>();
  }
}

function laneOf({ method }: UpstreamRequest): Lane {
  return method === "GET" || method === "HEAD" ? "read" : "write";
}

async function abortable(work: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
