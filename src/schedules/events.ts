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

/** Events a listener may lag behind. */
const BUFFERED_EVENTS = 1000;

/** A listener's end: iterate it, and close it when done. */
export interface Subscription extends AsyncIterable<Published> {
  close(): void;
}

/** Passes events on to listeners. */
export class EventHub {
  readonly #listeners = new Set<Listener>();

  publish(published: Published): void {
    for (const listener of this.#listeners) listener.offer(published);
  }

  /** Listens to events that fit; ends when closed or when the signal aborts. */
  subscribe(fits: (published: Published) => boolean, signal?: AbortSignal): Subscription {
    const listener = new Listener(fits, () => this.#listeners.delete(listener));
    this.#listeners.add(listener);
    if (signal?.aborted) listener.close();
    else signal?.addEventListener("abort", () => listener.close(), { once: true });
    return listener;
  }
}

class Listener implements Subscription {
  readonly #fits: (published: Published) => boolean;
  readonly #onClose: () => void;
  #buffer: Published[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(fits: (published: Published) => boolean, onClose: () => void) {
    this.#fits = fits;
    this.#onClose = onClose;
  }

  offer(published: Published): void {
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

  async *[Symbol.asyncIterator](): AsyncGenerator<Published> {
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
