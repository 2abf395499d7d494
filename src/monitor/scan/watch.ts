/**
 * File events: a scan soon after something changed in the deposit, instead of with the next tick.
 *
 * Only a hurry-up. Network file systems tell of nothing, systems have limits on what they watch, and a directory that was
 * replaced is watched no more; the tick finds all of it, and tries to watch again.
 */
import type { Clock } from "../../lib/clock.ts";
import { messageOf } from "../../lib/errors.ts";
import { log } from "./pass.ts";
import type { Scanner } from "./scanner.ts";

/** What changes rarely comes alone. */
const GATHER_MS = 1000;
/** While files stream in, a scan for each of them would be too many. */
const PAUSE_MS = 10_000;

export class DepositWatch {
  readonly #root: string;
  readonly #scanner: Scanner;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #watcher: Deno.FsWatcher | undefined;
  #planned = false;
  #complaint = "";

  constructor(root: string, scanner: Scanner, clock: Clock) {
    [this.#root, this.#scanner, this.#clock] = [root, scanner, clock];
  }

  /** True while the system tells of changes. */
  get active(): boolean {
    return this.#watcher !== undefined;
  }

  /** Watches unless it does already. Never throws: what cannot be watched is told in the log, once for each reason. */
  ensure(): void {
    if (this.active || this.#stop.signal.aborted) return;
    try {
      this.#watcher = Deno.watchFs(this.#root, { recursive: true });
      this.#complaint = "";
      void this.#follow(this.#watcher);
    } catch (error) {
      this.#complain(messageOf(error));
    }
  }

  /** Ends watching. */
  stop(): void {
    this.#stop.abort();
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  async #follow(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const event of watcher) if (isNews(event, this.#root)) void this.#plan();
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#complain(messageOf(error));
    } finally {
      if (this.#watcher === watcher) this.#watcher = undefined;
    }
  }

  async #plan(): Promise<void> {
    if (this.#planned) return;
    this.#planned = true;
    try {
      const rest = (this.#scanner.state.last_scan_at ?? -Infinity) + PAUSE_MS - this.#clock.now();
      // A clock that was set back must not make it wait for that long.
      await this.#clock.sleep(Math.min(Math.max(GATHER_MS, rest), PAUSE_MS), this.#stop.signal);
      await this.#scanner.idle();
    } catch {
      return;
    } finally {
      this.#planned = false;
    }
    this.#scanner.begin();
  }

  #complain(reason: string): void {
    if (reason === this.#complaint) return;
    this.#complaint = reason;
    log.info("Changes in {root} are found by the tick alone: {reason}", { root: this.#root, reason });
  }
}

/** The scanner's own moves into the archive are none, and neither is reading. */
function isNews({ kind, paths }: Deno.FsEvent, root: string): boolean {
  if (!["create", "modify", "rename", "any"].includes(kind)) return false;
  return paths.some((path) => !path.slice(root.length).includes("/log/_archive"));
}
