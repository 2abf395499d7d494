/** What happens to runs, for whoever watches: an in-process hub whose slow listeners lose events, never memory. */
import type { RunEvent } from "./model.ts";

/** An event of a run under way; `ended` tells that the stored record now has everything. */
export type LiveEvent =
  | Exclude<RunEvent, { type: "result" }>
  | { type: "ended"; run_id: string };

/** An event with what listeners filter by. */
export interface Published {
  schedule_id: string;
  server_id: number;
  event: LiveEvent;
}

/** A published event with its place in the order of this process. */
export interface Numbered extends Published {
  seq: number;
}

/** Events a listener may lag behind. */
const BUFFERED_EVENTS = 1000;
/** Events kept for listeners that come back: some minutes of a busy daemon. */
const KEPT_EVENTS = 2000;

/** A listener's end: iterate it, and close it when done. */
export interface Subscription extends AsyncIterable<Numbered> {
  close(): void;
}

/** Passes events on to listeners. */
export class EventHub {
  readonly #listeners = new Set<Listener>();
  #kept: Numbered[] = [];
  #seq = 0;

  publish(published: Published): void {
    const numbered = { ...published, seq: ++this.#seq };
    this.#kept.push(numbered);
    // Cut in strides: moving the array at each event would cost more than the events.
    if (this.#kept.length >= 2 * KEPT_EVENTS) this.#kept = this.#kept.slice(-KEPT_EVENTS);
    for (const listener of this.#listeners) listener.offer(numbered);
  }

  /** True when every event after this one is still kept. */
  remembers(seq: number): boolean {
    return seq <= this.#seq && seq + 1 >= (this.#kept[0]?.seq ?? this.#seq + 1);
  }

  /** Number of the newest event. */
  get newest(): number {
    return this.#seq;
  }

  /** Listens to events that fit, from after `since` where that is given; ends when closed or when the signal aborts. */
  subscribe(fits: (published: Published) => boolean, signal?: AbortSignal, since?: number): Subscription {
    const listener = new Listener(fits, () => this.#listeners.delete(listener));
    this.#listeners.add(listener);
    if (since !== undefined) {
      for (const numbered of this.#kept) if (numbered.seq > since) listener.offer(numbered);
    }
    if (signal?.aborted) listener.close();
    else signal?.addEventListener("abort", () => listener.close(), { once: true });
    return listener;
  }
}

class Listener implements Subscription {
  readonly #fits: (published: Published) => boolean;
  readonly #onClose: () => void;
  #buffer: Numbered[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(fits: (published: Published) => boolean, onClose: () => void) {
    this.#fits = fits;
    this.#onClose = onClose;
  }

  offer(published: Numbered): void {
    if (this.#closed || !this.#fits(published)) return;
    const last = this.#buffer.at(-1)?.event;
    const { event } = published;
    // Only the newest progress matters to somebody who has not read the one before.
    if (event.type === "progress" && last?.type === "progress" && last.run_id === event.run_id) {
      this.#buffer.pop();
    }
    if (this.#buffer.length >= BUFFERED_EVENTS) this.#drop();
    this.#buffer.push(published);
    this.#wake?.();
  }

  /** Lines can be read from the store again, progress comes again; states cannot be lost. */
  #drop(): void {
    const index = this.#buffer.findIndex(({ event }) => event.type === "line" || event.type === "progress");
    this.#buffer.splice(Math.max(0, index), 1);
  }

  close(): void {
    this.#closed = true;
    this.#onClose();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Numbered> {
    try {
      while (true) {
        const next = this.#buffer.shift();
        if (next !== undefined) yield next;
        else if (this.#closed) return;
        else {
          await new Promise<void>((resolve) => this.#wake = resolve);
          this.#wake = undefined;
        }
      }
    } finally {
      this.close();
    }
  }
}
