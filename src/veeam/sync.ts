/**
 * Reading Veeam servers again and again into the store.
 *
 * Each time: all jobs and repositories as they are, and what is new since the last time, which the high-water marks say. Sessions that had
 * not ended are asked for one by one, or by the time of the oldest when they are many; those that seem never to end take turns. So the
 * number of calls follows what changed, not how long the history is. What changed about jobs is told to `notify` in the transaction that keeps the new state.
 */
import { z } from "zod";
import { getLogger } from "@logtape/logtape";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { AlertSink } from "../notify/mod.ts";
import { type Database, tablesOf } from "../store/mod.ts";
import { goneJobs, type JobState, judgeJobs } from "./changes.ts";
import { goneEvent, jobEvent, lostEvent, seenEvent } from "./alerts.ts";
import type { VeeamClient } from "./client.ts";
import type { Choice } from "./clients.ts";
import type { VeeamConfig } from "./config.ts";
import { isPartial } from "./errors.ts";
import { type SyncResult, type SyncState, type VeeamJob, VeeamLicense } from "./model.ts";
import * as queries from "./queries.ts";
import { readRepositories, type Veeam } from "./veeam.ts";

const logger = getLogger(["holdfast", "veeam"]);

export interface SyncOptions {
  database: Database;
  clock: Clock;
  settings: VeeamConfig;
  veeam: Veeam;
  alerts: AlertSink;
}

/** Times of servers and of what they list are not exact: so much is read again. */
const OVERLAP_MS = 10 * 60_000;
/** Up to so many sessions that go on are asked for one by one. */
const SINGLE = 25;
/** What goes on for longer seems never to end, as housekeeping is known to. */
const STALE_MS = 2 * 86_400_000;
/** How often the fill of repositories is kept. */
const FILL_EVERY_MS = 3_600_000 - 30_000;
const DAY_MS = 86_400_000;

const JobStateSchema = z.object({
  id: z.string(),
  run: z.string().nullable(),
  trouble: z.enum(["failed", "warning", "missing"]).nullable(),
  next_run_at: z.string().nullable(),
});

/** What is needed of a job that was kept by an earlier version as well. */
const NamedJob = z.object({ id: z.string(), name: z.string() });

export class Sync {
  readonly #options: SyncOptions;
  readonly #running = new Map<string, Promise<SyncResult>>();
  readonly #stop = new AbortController();

  constructor(options: SyncOptions) {
    this.#options = options;
  }

  get #db(): queries.Db {
    return this.#options.database.tables<queries.VeeamTables>();
  }

  /** What time asks, each minute: reads the servers whose turn it is. */
  async tick(): Promise<void> {
    const { veeam, settings, clock } = this.#options;
    const due: string[] = [];
    for (const name of veeam.clients.names) {
      const tried = (await queries.serverRow(this.#db, name))?.tried_at;
      // A tick comes on the minute, a reading some time after it.
      const wait = settings.sync_every_seconds * 1000 - 30_000;
      if (tried === undefined || clock.now() - Date.parse(tried) >= wait) due.push(name);
    }
    await Promise.all(due.map((name) =>
      this.#once(name).catch((error) => {
        if (!this.#stop.signal.aborted) logger.warn("{error}", { error: messageOf(error) });
      })
    ));
  }

  /** Reads servers now. Errors: those of the servers. */
  async run(choice: Choice): Promise<SyncResult[]> {
    const names = this.#options.veeam.clients.choose(choice.server === undefined ? { all: true } : choice);
    return await Promise.all(names.map((name) => this.#once(name)));
  }

  /** How each server is kept. */
  async state(): Promise<SyncState[]> {
    const { veeam, clock } = this.#options;
    const counts = await queries.counts(this.#db);
    return await Promise.all(veeam.clients.names.map(async (server) => {
      const row = await queries.serverRow(this.#db, server);
      const synced_at = row?.synced_at ?? null;
      return {
        server,
        revision: row?.revision ?? null,
        build: row?.build ?? null,
        synced_at,
        age_seconds: synced_at === null ? null : Math.round((clock.now() - Date.parse(synced_at)) / 1000),
        error: row?.error ?? null,
        error_since: row?.error_since ?? null,
        ...(counts.get(server) ?? { sessions: 0, points: 0 }),
      };
    }));
  }

  /** Licences as they were last read; servers that show none are left out. */
  async licenses(): Promise<VeeamLicense[]> {
    const { clock, veeam } = this.#options;
    const kept = await Promise.all(
      veeam.clients.names.map((name) => queries.things(this.#db, name, "license", VeeamLicense)),
    );
    return kept.flat().map((license) => ({
      ...license,
      days_left: license.expires_at === null
        ? null
        : Math.floor((Date.parse(license.expires_at) - clock.now()) / DAY_MS),
    }));
  }

  /** Forgets what is older than it is kept. */
  async prune(now: number): Promise<{ veeam: number }> {
    const before = iso(now - this.#options.settings.keep_days * DAY_MS);
    return { veeam: await queries.forgetBefore(this.#db, before) };
  }

  /** Ends what is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#running.values());
  }

  #once(name: string): Promise<SyncResult> {
    const running = this.#running.get(name) ??
      this.#read(name).catch((error: unknown) => this.#failed(name, error))
        .finally(() => this.#running.delete(name));
    this.#running.set(name, running);
    return running;
  }

  async #read(name: string): Promise<SyncResult> {
    const { veeam, clock, settings, database } = this.#options;
    const { signal } = this.#stop;
    const started = clock.now();
    const client = veeam.clients.of(name);
    const before = await queries.serverRow(this.#db, name);
    const jobs = await client.jobs(signal);
    const [repositories, license, configBackup, info] = await Promise.all([
      partly(() => readRepositories(client, signal)),
      partly(() => client.license(signal)),
      partly(() => client.configBackup(signal)),
      partly(() => client.serverInfo(signal)),
    ]);
    const oldest = started - settings.history_days * DAY_MS;
    const sessions = await this.#sessions(client, before?.sessions_until ?? null, { oldest, started });
    const points = await this.#points(client, before?.points_until ?? null, { oldest, started });

    const states = await queries.things(this.#db, name, "job-state", JobStateSchema);
    const known = new Map(states.map(({ id, ...state }) => [id, state]));
    const gone = goneJobs(known, await queries.things(this.#db, name, "job", NamedJob), jobs);
    const judged = judgeJobs(known, jobs, started);
    await database.transaction(async (tx) => {
      const db = tablesOf<queries.VeeamTables>(tx);
      const keep = (kind: queries.ThingKind, rows: readonly { id: string }[]) =>
        queries.replaceThings(db, name, kind, rows.map((body) => ({ id: body.id, body })));
      await keep("job", jobs);
      await keep("job-state", stateRows(judged.states));
      if (repositories !== null) {
        await keep("repository", repositories);
        await queries.saveFills(db, repositories, iso(started), iso(started - FILL_EVERY_MS));
      }
      if (license !== null) await queries.replaceThings(db, name, "license", [{ id: "", body: license }]);
      if (configBackup !== null) {
        await queries.replaceThings(db, name, "config-backup", [{ id: "", body: configBackup }]);
      }
      await queries.setServer(db, {
        name,
        revision: client.connection.revision,
        build: info?.build ?? before?.build ?? null,
        tried_at: iso(started),
        synced_at: iso(started),
        sessions_until: sessions.until,
        points_until: points.until,
        error: null,
        error_since: null,
      });
      if (!settings.alerts) return;
      for (const change of judged.changes) await this.#options.alerts.enqueue(tx, jobEvent(change));
      for (const job of gone) await this.#options.alerts.enqueue(tx, goneEvent(name, job));
      if (before?.error != null) {
        await this.#options.alerts.enqueue(tx, seenEvent(name, before.error_since ?? iso(started)));
      }
    });
    return {
      server: name,
      jobs: jobs.length,
      sessions: sessions.count,
      points: points.count,
      changes: judged.changes.length + gone.length,
      took_ms: clock.now() - started,
    };
  }

  /** Keeps the sessions since the mark, and how those ended that went on. */
  async #sessions(
    client: VeeamClient,
    mark: string | null,
    { oldest, started }: Reading,
  ): Promise<{ count: number; until: string | null }> {
    const { signal } = this.#stop;
    const open = mark === null ? [] : await queries.openSessions(this.#db, client.name);
    let from = startOf(mark, { oldest, started });
    const before = open.filter(({ created_at }) => Date.parse(created_at ?? "") < from);
    const isStale = ({ created_at }: { created_at: string | null }) =>
      Date.parse(created_at ?? "") < started - STALE_MS;
    const stale = before.filter(isStale).toSorted((a, b) => a.read_at < b.read_at ? -1 : 1);
    let single = before.filter((session) => !isStale(session));
    if (single.length > SINGLE) {
      from = Math.max(oldest, Date.parse(single[0]?.created_at ?? ""));
      single = [];
    }
    let count = 0;
    for (const { id } of [...single, ...stale.slice(0, SINGLE)]) {
      count++;
      try {
        await queries.saveSessions(this.#db, [await client.session(id, signal)]);
      } catch (error) {
        if (!(error instanceof HoldfastError) || error.kind !== "not_found") throw error;
        await queries.forgetSession(this.#db, client.name, id);
      }
    }
    let until = mark;
    for await (const page of client.sessions({ created_after: iso(from) }, signal)) {
      await this.#options.database.transaction((tx) => queries.saveSessions(tablesOf(tx), page));
      count += page.length;
      for (const { created_at } of page) {
        if (created_at !== null && created_at > (until ?? "")) until = created_at;
      }
    }
    return { count, until: earlier(until, started) };
  }

  async #points(
    client: VeeamClient,
    mark: string | null,
    reading: Reading,
  ): Promise<{ count: number; until: string | null }> {
    const from = startOf(mark, reading);
    const points =
      await partly(() => client.restorePoints({ created_after: iso(from) }, this.#stop.signal)) ?? [];
    await this.#options.database.transaction((tx) => queries.savePoints(tablesOf(tx), points));
    const times = points.flatMap(({ created_at }) => created_at ?? []);
    return { count: points.length, until: earlier(times.toSorted().at(-1) ?? mark, reading.started) };
  }

  /** Keeps that a server could not be read, tells it, and throws on. */
  async #failed(name: string, error: unknown): Promise<never> {
    if (this.#stop.signal.aborted) throw error;
    const { database, clock, settings, alerts } = this.#options;
    const now = iso(clock.now());
    await database.transaction(async (tx) => {
      const db = tablesOf<queries.VeeamTables>(tx);
      const before = await queries.serverRow(db, name);
      const fresh = {
        name,
        revision: null,
        build: null,
        synced_at: null,
        sessions_until: null,
        points_until: null,
      };
      const error_since = before?.error_since ?? now;
      const text = error instanceof HoldfastError ? error.message : "an unexpected error";
      await queries.setServer(db, { ...fresh, ...before, tried_at: now, error: text, error_since });
      if (settings.alerts) await alerts.enqueue(tx, lostEvent(name, text, error_since));
    });
    throw error;
  }
}

/** One reading: when it started, and how far back the first one looks. */
interface Reading {
  oldest: number;
  started: number;
}

/** From when on a list is read. A mark after now would hide all that comes until then. */
function startOf(mark: string | null, { oldest, started }: Reading): number {
  return mark === null ? oldest : Math.min(Date.parse(mark), started) - OVERLAP_MS;
}

/** A mark is never after the reading: a server's clock that was ahead for a while is set right again. */
function earlier(mark: string | null, started: number): string | null {
  const now = iso(started);
  return mark !== null && mark > now ? now : mark;
}

function stateRows(states: ReadonlyMap<VeeamJob["id"], JobState>): ({ id: string } & JobState)[] {
  return [...states].map(([id, state]) => ({ id, ...state }));
}

/** What only some roles or revisions show; null where this one does not. */
async function partly<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (isPartial(error)) return null;
    throw error;
  }
}
