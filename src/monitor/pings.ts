/**
 * Pings: a signal by an unguessable id, taken at any rate and judged soon after.
 *
 * A ping is answered when it is on disk. Those that come at the same moment share a transaction, and judging them is
 * done behind, so that thousands in a second are taken. A success ends the run that was started; a failure is judged
 * like a failed report; a start that is followed by nothing becomes a run that takes too long.
 */
import { setImmediate } from "node:timers";
import { createHash } from "node:crypto";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import { Buckets } from "../lib/bucket.ts";
import { tablesOf } from "../store/mod.ts";
import type { Parts } from "./parts.ts";
import { tables } from "./parts.ts";
import { judgePing, runsTooLong } from "./ping_rules.ts";
import { jobsThere } from "./queries/jobs.ts";
import { insertPings, type NewPing, pingIds, unjudgedPings } from "./queries/pings.ts";
import type { MonitorTables } from "./queries/tables.ts";

/** One ping as it came in. */
export interface PingInput {
  ping_id: string;
  /** `start`, `success`, `fail`, `log` or an exit code; absent is a success. */
  signal?: string | undefined;
  /** Tells runs of one job apart. */
  rid?: string | undefined;
  body?: string | undefined;
  address: string | null;
}

/** Longest part of a body that is kept, in characters. */
export const MAX_BODY = 10_000;
/** A job may ping so often. */
const RATE = { perMinute: 60, burst: 60 };
/** Pings in one transaction, and judged in one. */
const AT_ONCE = 500;
const JUDGED_AT_ONCE = 10;

interface Waiting {
  row: NewPing;
  resolve(): void;
  reject(error: unknown): void;
}

export class Pings {
  readonly #parts: Parts;
  readonly #buckets = new Buckets(RATE);
  /** Job by the digest of its ping id, so that finding one takes the same time whatever was asked. */
  #jobs: Promise<Map<string, number>> | undefined;
  #waiting: Waiting[] = [];
  #writing = false;
  #judging: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Forgets which ids there are; they are read again when the next ping comes. */
  forget(): void {
    this.#jobs = undefined;
  }

  /** Takes a ping; resolves when it is stored. Errors: `not_found`, `rate_limited`, `invalid` for an unknown signal. */
  async take(input: PingInput): Promise<{ status: "ok" }> {
    const jobId = (await (this.#jobs ??= this.#readIds())).get(digest(input.ping_id));
    if (jobId === undefined) throw unknownAddress();
    const { clock } = this.#parts;
    const wait = this.#buckets.take(String(jobId), clock.now());
    if (wait > 0) {
      throw new HoldfastError(
        "rate_limited",
        `Cannot take more than ${RATE.perMinute} pings a minute of one job`,
        {
          retry_after_seconds: wait,
        },
      );
    }
    await this.#store(rowOf(jobId, input, clock));
    return { status: "ok" };
  }

  async #readIds(): Promise<Map<string, number>> {
    const rows = await pingIds(tables(this.#parts));
    return new Map(rows.map((row) => [digest(row.ping_id), row.id]));
  }

  #store(row: NewPing): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ row, resolve, reject });
    if (!this.#writing) void this.#write();
    return promise;
  }

  async #write(): Promise<void> {
    this.#writing = true;
    // A turn of the event loop, in which others may join.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const part = this.#waiting.splice(0, AT_ONCE);
      try {
        const there = await this.#insert(part.map(({ row }) => row));
        for (const { row, resolve, reject } of part) {
          if (there.has(row.job_id)) resolve();
          else reject(unknownAddress());
        }
      } catch (error) {
        for (const { reject } of part) reject(error);
      }
    }
    this.#writing = false;
    // What goes wrong here is tried again by the next tick.
    this.judge().catch(() => {});
  }

  /** Stores pings; returns which jobs there are: one that was deleted a moment ago takes none, and no other ping with it. */
  #insert(rows: readonly NewPing[]): Promise<ReadonlySet<number>> {
    return this.#parts.database.transaction(async (tx) => {
      const db = tablesOf<MonitorTables>(tx);
      const there = await jobsThere(db, new Set(rows.map((row) => row.job_id)));
      await insertPings(db, rows.filter((row) => there.has(row.job_id)));
      return there;
    });
  }

  /** Judges pings that were not judged yet; one call at a time. */
  judge(): Promise<void> {
    return this.#judging ??= this.#judgeAll().finally(() => this.#judging = undefined);
  }

  async #judgeAll(): Promise<void> {
    for (;;) {
      const judged = await this.#parts.database.transaction(async (tx) => {
        const pings = await unjudgedPings(tablesOf<MonitorTables>(tx), JUDGED_AT_ONCE);
        for (const ping of pings) await judgePing(this.#parts, tx, ping);
        return pings.length;
      });
      if (judged < JUDGED_AT_ONCE) return;
      // New pings are taken between two pieces.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Resolves when nothing is being written or judged. */
  async idle(): Promise<void> {
    while (this.#writing || this.#judging !== undefined) {
      await this.#judging?.catch(() => {});
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** What each minute asks: pings a crash left unjudged, and runs that take too long. */
  async tick(): Promise<void> {
    await this.judge();
    await this.#parts.database.transaction((tx) => runsTooLong(this.#parts, tx));
  }
}

function unknownAddress(): HoldfastError {
  return new HoldfastError("not_found", "Cannot find this ping address");
}

/** Ids are looked up by digest: how long that takes says nothing about how much of a guess was right. */
function digest(id: string): string {
  return createHash("sha256").update(id).digest("base64");
}

const SIGNALS = ["start", "success", "fail", "log"] as const;

function rowOf(
  job_id: number,
  { signal = "success", rid, body, address }: PingInput,
  clock: Clock,
): NewPing {
  const word = SIGNALS.find((known) => known === signal);
  const code = /^\d{1,3}$/.test(signal) && Number(signal) <= 255 ? Number(signal) : null;
  if (word === undefined && code === null) {
    throw new HoldfastError("invalid", `Cannot take ping "${signal.slice(0, 20)}": unknown signal`, {
      hint: "there are start, success, fail, log, and exit codes from 0 to 255",
      errors: [{ path: "signal", message: "is unknown" }],
    });
  }
  const text = body === undefined || body === "" ? null : body;
  return {
    job_id,
    at: iso(clock.now()),
    signal: word ?? "exit",
    exit_code: code,
    run_id: rid ?? null,
    address,
    body: text === null ? null : text.slice(0, MAX_BODY),
    cut: text !== null && text.length > MAX_BODY ? 1 : 0,
    judged: 0,
  };
}
