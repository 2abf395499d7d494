/**
 * Health: one answer for load balancers, monitoring and people.
 *
 * `ok` and `degraded` answer 200, so that a full disk does not take the API away from the person who must mend
 * it; `failed` (503) means the database cannot be used. Results are kept for a few seconds: health is public and
 * exempt from rate limits, so asking often must cost nothing.
 */
import { type Clock, iso } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";

/** What one check found. */
export interface HealthCheck {
  name: string;
  status: "ok" | "degraded" | "failed";
  detail: string;
}

/** The whole answer. */
export interface HealthReport {
  status: "ok" | "degraded" | "failed";
  version: string;
  time: string;
  checks: HealthCheck[];
}

/** Looks at one thing; what it throws counts as `degraded`, or as `failed` when the check is critical. */
export interface HealthProbe {
  name: string;
  critical: boolean;
  check(): Promise<Omit<HealthCheck, "name">> | Omit<HealthCheck, "name">;
}

const KEEP_MS = 5000;
/** A file system that hangs must not make health hang, and its callers pile up. */
const PROBE_MS = 3000;

/** Runs the probes that the parts of the program registered. */
export class Health {
  readonly #clock: Clock;
  readonly #version: string;
  readonly #probes: HealthProbe[] = [];
  #last: { at: number; report: Promise<HealthReport> } | undefined;

  constructor(clock: Clock, version: string) {
    this.#clock = clock;
    this.#version = version;
  }

  /** Adds a probe. */
  register(probe: HealthProbe): void {
    this.#probes.push(probe);
  }

  /** The current report, at most a few seconds old. */
  report(): Promise<HealthReport> {
    const now = this.#clock.now();
    if (this.#last === undefined || Math.abs(now - this.#last.at) > KEEP_MS) {
      this.#last = { at: now, report: this.#look(now) };
    }
    return this.#last.report;
  }

  async #look(now: number): Promise<HealthReport> {
    const checks = await Promise.all(this.#probes.map(async (probe): Promise<HealthCheck> => {
      try {
        return { name: probe.name, ...await this.#inTime(probe) };
      } catch (error) {
        return { name: probe.name, status: probe.critical ? "failed" : "degraded", detail: messageOf(error) };
      }
    }));
    const worst = (["failed", "degraded"] as const).find((status) =>
      checks.some((check) => check.status === status)
    );
    return { status: worst ?? "ok", version: this.#version, time: iso(now), checks };
  }

  async #inTime(probe: HealthProbe): Promise<Omit<HealthCheck, "name">> {
    const answered = new AbortController();
    const late = this.#clock.sleep(PROBE_MS, answered.signal).then(() => {
      throw new Error(`no answer within ${PROBE_MS / 1000} s`);
    });
    // Aborted sleeps reject with nobody waiting for them any more.
    late.catch(() => {});
    try {
      return await Promise.race([probe.check(), late]);
    } finally {
      answered.abort();
    }
  }
}
