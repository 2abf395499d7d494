/**
 * Signs of life to somebody who misses them: a daemon that hangs, a host that died or a network that is cut cannot
 * tell anybody itself. They are not kept or sent later: a late sign of life says nothing.
 */
import { getLogger } from "@logtape/logtape";
import { type Clock, iso } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import { call } from "./channels/http.ts";
import type { NotifyConfig } from "./config.ts";

const log = getLogger(["holdfast", "notify"]);

const TIMEOUT_SECONDS = 20;

/** How the heartbeat is; null where there is none. */
export interface HeartbeatState {
  last_ok_at: string | null;
  last_error: string | null;
}

/** Calls the address when it is time. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #settings: NotifyConfig["heartbeat"];
  readonly #state: HeartbeatState = { last_ok_at: null, last_error: null };
  #lastAt = -Infinity;

  constructor(clock: Clock, settings: NotifyConfig["heartbeat"]) {
    this.#clock = clock;
    this.#settings = settings;
  }

  get state(): HeartbeatState | null {
    return this.#settings.url === null ? null : { ...this.#state };
  }

  /** Calls, unless it is not time yet or `isWell` says no; what goes wrong is kept and logged, never thrown. */
  async beat(isWell: () => Promise<boolean>): Promise<void> {
    const { url, method, every_seconds } = this.#settings;
    const now = this.#clock.now();
    // The job that asks comes a little early at times.
    if (url === null || now - this.#lastAt < every_seconds * 1000 - 5000) return;
    this.#lastAt = now;
    if (!await isWell()) return;
    const { allow_private_addresses } = this.#settings;
    const settings = { timeout_seconds: TIMEOUT_SECONDS, allow_private_addresses, ca_file: null };
    try {
      const signal = AbortSignal.timeout(TIMEOUT_SECONDS * 1000);
      await call({ name: "heartbeat", clock: this.#clock, settings }, { url, method, signal });
      this.#state.last_ok_at = iso(now);
      this.#state.last_error = null;
    } catch (error) {
      this.#state.last_error = messageOf(error);
      log.warning("No sign of life could be sent: {reason}", { reason: messageOf(error) });
    }
  }
}
