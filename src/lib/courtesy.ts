/**
 * How the daemon's workers make way for those who ask it something.
 *
 * The system lets a thread that works run on for a slice of some milliseconds before another one gets its processor,
 * however urgent that one is; so on a machine with few processors an answer would wait for the backup beside it.
 * A thread that rests gives its processor away at once. Workers rest often while the daemon is asked, and never
 * otherwise: a backup at night takes what it can get.
 */

/** How long after a request the daemon counts as being asked: longer than a client takes for the next one. */
const ASKED_FOR_MS = 25;
/** Longest stretch of work between two rests, give or take one piece. */
const WORK_MS = 0.3;
/** A rest; with it work takes about half as long again. */
const REST_MS = 0.3;

/** Counts the requests of this process, in memory that its workers see too; wraps around. */
export const requestCount: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(4));

/** To be called for every request, as early as possible. */
export function noteRequest(): void {
  Atomics.add(requestCount, 0, 1);
}

/** What a worker thread owes the daemon's. */
export class Courtesy {
  readonly #requests: Int32Array;
  readonly #now: () => number;
  readonly #rest: (ms: number) => void;
  #seen: number;
  #askedUntil = -Infinity;
  #rested = -Infinity;

  /** `requests` is the daemon's `requestCount`; `now` in milliseconds and `rest` are the thread's own unless given. */
  constructor(requests: Int32Array, now: () => number = () => performance.now(), rest = blocking()) {
    [this.#requests, this.#now, this.#rest] = [requests, now, rest];
    this.#seen = Atomics.load(requests, 0);
  }

  /** To be called between pieces of work that take a fraction of a millisecond; blocks the thread when it is to rest. */
  giveWay(): void {
    const now = this.#now();
    const seen = Atomics.load(this.#requests, 0);
    if (seen !== this.#seen) [this.#seen, this.#askedUntil] = [seen, now + ASKED_FOR_MS];
    if (now >= this.#askedUntil || now - this.#rested < WORK_MS) return;
    this.#rest(REST_MS);
    this.#rested = this.#now();
  }
}

/** Waits for a change of what nobody changes. */
function blocking(): (ms: number) => void {
  const never = new Int32Array(new SharedArrayBuffer(4));
  return (ms) => void Atomics.wait(never, 0, 0, ms);
}
