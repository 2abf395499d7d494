/** A world for schedules: a real database, a clock under control, and neighbours that do as they are told. */
import { join } from "node:path";
import type { z } from "zod";
import type { BackupMaker, MakeBackup } from "../../src/backups/make.ts";
import type { EngineContext } from "../../src/backups/engine.ts";
import type { Backup } from "../../src/backups/model.ts";
import { auditReaders } from "../../src/auth/mod.ts";
import { iso } from "../../src/lib/clock.ts";
import { HoldfastError } from "../../src/lib/errors.ts";
import { type Caller, invoke, type Operation } from "../../src/lib/operation.ts";
import { ScheduleCreate } from "../../src/schedules/model.ts";
import { Schedules } from "../../src/schedules/schedules.ts";
import type { SchedulesApp } from "../../src/schedules/operations.ts";
import type { ScheduledServer, SchedulesOptions, ServerDirectory } from "../../src/schedules/options.ts";
import type { SchedulesTables } from "../../src/schedules/queries/tables.ts";
import { Database, verifyChain } from "../../src/store/mod.ts";
import type { ChainTables } from "../../src/store/mod.ts";
import { FakeClock } from "../support/clock.ts";
import { caller, tempStore } from "../support/store.ts";

/** Makes small real files, or whatever `work` does. */
export class FileBackups implements BackupMaker {
  readonly #dir: string;
  readonly made: MakeBackup[] = [];
  readonly judged: Caller[] = [];
  readonly swept: string[] = [];
  retained: [string, number][] = [];
  /** Done before the file is written; throw to fail. */
  work: (request: MakeBackup, context: EngineContext) => Promise<void> = () => Promise.resolve();
  status: Backup["status"] = "completed";

  constructor(dir: string) {
    this.#dir = dir;
  }

  validateEngine(engine: string, options: unknown, caller: Caller): Promise<Record<string, unknown>> {
    this.judged.push(caller);
    const given = { ...(options as Record<string, unknown>) };
    if (engine !== "archive") {
      throw new HoldfastError("invalid", `Cannot use engine "${engine}": there is no such engine`);
    }
    if (!Array.isArray(given.sources) || given.sources.length === 0) {
      throw new HoldfastError("invalid", "Cannot use engine options: sources is missing");
    }
    if (!caller.on_host && given.sources.includes("/etc")) {
      throw new HoldfastError("forbidden", 'Cannot use source "/etc": outside the allowed roots');
    }
    return Promise.resolve(given);
  }

  async make(request: MakeBackup, context: EngineContext): Promise<Backup> {
    this.made.push(request);
    await this.work(request, context);
    context.signal.throwIfAborted();
    const path = join(this.#dir, `${request.run_id}.tar`);
    await Deno.writeTextFile(path, "content");
    return this.record(request, path, context.now());
  }

  /** The backup of a request, as the catalogue tells it. */
  protected record(request: MakeBackup, path: string, now: number): Backup {
    return {
      id: `b-${request.run_id}`,
      backup_id: `b-${request.run_id}`,
      server_id: request.server?.id ?? null,
      schedule_id: request.schedule?.id ?? null,
      run_id: request.run_id,
      name: "backup",
      description: null,
      engine: request.engine,
      backup_type: request.backup_type,
      status: this.status,
      path,
      file_path: path,
      size_bytes: 7,
      sha256: null,
      source_bytes: 70,
      item_count: 1,
      skipped_count: this.status === "failed" ? 2 : 0,
      created_at: iso(now),
      verified_at: null,
      verified_ok: null,
      verify_detail: null,
      missing_since: null,
      changed_at: null,
      trashed_at: null,
    };
  }

  applyRetention(scheduleId: string, maxBackups: number) {
    this.retained.push([scheduleId, maxBackups]);
    return Promise.resolve({ removed: [{ id: "b-old", reason: "older than the 7 newest" }], waiting: null });
  }

  sweepPartials(engine: string): Promise<string[]> {
    this.swept.push(engine);
    return Promise.resolve(["/srv/backups/x.partial"]);
  }
}

/** Two servers; the first has a default engine. */
export class TwoServers implements ServerDirectory {
  readonly servers: ScheduledServer[] = [
    {
      id: 1,
      name: "web-1",
      default_engine: "archive",
      default_engine_options: { sources: ["/srv"], destination: "/b" },
      default_engine_authority: { role: "admin", on_host: true },
    },
    {
      id: 2,
      name: "db-1",
      default_engine: null,
      default_engine_options: null,
      default_engine_authority: null,
    },
  ];
  running: (id: number) => Promise<{ running: boolean; detail: string }> = () =>
    Promise.resolve({ running: true, detail: "port 80 answers" });
  asked = 0;

  glance(id: number): Promise<ScheduledServer | null> {
    return Promise.resolve(this.servers.find((server) => server.id === id) ?? null);
  }

  resolve(ref: number | string): Promise<ScheduledServer> {
    const found = this.servers.find((server) => String(server.id) === String(ref) || server.name === ref);
    if (found === undefined) {
      return Promise.reject(new HoldfastError("not_found", `Cannot find server "${ref}"`));
    }
    return Promise.resolve(found);
  }

  isRunning(id: number): Promise<{ running: boolean; detail: string }> {
    this.asked++;
    return this.running(id);
  }
}

/** One process with its schedules; `restart()` is the next process on the same database. */
export class World implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly dir: string;
  readonly backups: FileBackups;
  readonly servers = new TwoServers();
  database: Database;
  schedules: Schedules;
  readonly #dispose: () => Promise<void>;
  settings = {
    timezone: "UTC",
    max_concurrent_runs: 2,
    max_concurrent_runs_per_server: 0,
    groups: { nas: { max_concurrent_runs: 1 } },
    shutdown_grace_seconds: 60,
    allow_commands: true,
    max_log_lines: 1000,
  };

  constructor(clock: FakeClock, dir: string, database: Database, dispose: () => Promise<void>) {
    this.clock = clock;
    this.dir = dir;
    this.database = database;
    this.#dispose = dispose;
    this.backups = new FileBackups(dir);
    this.schedules = new Schedules(this.options());
  }

  options(extra: Partial<SchedulesOptions> = {}): SchedulesOptions {
    return {
      database: this.database,
      clock: this.clock,
      servers: this.servers,
      backups: this.backups,
      secrets: { readSecret: (name) => Promise.resolve(`secret of ${name}`) },
      settings: this.settings,
      auditReaders,
      ...extra,
    };
  }

  /** The same program again, with the database as it is on disk. */
  async restart(extra: Partial<SchedulesOptions> = {}): Promise<void> {
    const { path } = this.database;
    // As a killed process leaves it: no goodbye, open transactions vanish.
    this.database.sqlite.close();
    this.database = new Database(path, this.clock);
    this.schedules = new Schedules(this.options(extra));
    await this.schedules.settleAtStart();
  }

  /** Asks an operation as the ways in do. */
  async ask<Input extends z.ZodObject, Output extends z.ZodType>(
    op: Operation<SchedulesApp, Input, Output>,
    input: unknown,
    as: Partial<Caller> = {},
  ) {
    const kernel = { app: { schedules: this.schedules }, audit: () => Promise.resolve() };
    return await invoke(kernel, op, input, caller(as));
  }

  get tables() {
    return this.database.tables<SchedulesTables>();
  }

  /** Every ledger row in order, as `due outcome result reason`. */
  async ledger(): Promise<string[]> {
    const rows = await this.tables.selectFrom("occurrences").selectAll().orderBy("due_at").orderBy(
      "schedule_id",
    )
      .execute();
    return rows.map((row) =>
      [row.due_at.slice(0, 16), row.outcome ?? row.state, row.result, row.reason].filter((part) =>
        part !== null
      )
        .join(" ")
    );
  }

  /** The ledger report, as a caller on this host gets it. */
  async prove(from?: string, to?: string) {
    return await this.schedules.verifyLedger({ from, to }, caller());
  }

  async chain() {
    return await verifyChain(this.database.tables<ChainTables>(), {
      // Audit lines are the store's own affair.
      audit: async (refs) => {
        const links = await this.database.tables<ChainTables>().selectFrom("chain").selectAll()
          .where("kind", "=", "audit").where("ref", "in", refs).execute();
        return new Map(links.map((link) => [link.ref, link.digest]));
      },
      outcome: (refs) => this.schedules.ledger.digests(refs),
    });
  }

  /** Moves the clock and ticks, minute by minute, letting runs finish in between. */
  async live(to: string): Promise<void> {
    const end = Date.parse(to);
    while (this.clock.now() < end) {
      this.clock.set(Math.min(end, (Math.floor(this.clock.now() / 60_000) + 1) * 60_000));
      await this.schedules.tick();
      await this.schedules.idle();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispose();
  }
}

/** A world at an instant. */
export async function world(start: string): Promise<World> {
  const clock = new FakeClock(start);
  const store = await tempStore(clock);
  const made = new World(clock, store.dir, store.database, async () => {
    await made.database.close();
    await Deno.remove(store.dir, { recursive: true });
  });
  for (const name of ["web-1", "db-1"]) {
    await store.database.tables<{ servers: Record<string, unknown> }>().insertInto("servers").values({
      name,
      host: "127.0.0.1",
      running_check: '{"kind":"none"}',
      created_at: start,
      updated_at: start,
    }).execute();
  }
  return made;
}

/** An input for a schedule: every minute, without asking its server. */
export function schedule(overrides: Partial<z.input<typeof ScheduleCreate>> = {}): ScheduleCreate {
  const expression = overrides.run_after == null ? { cron_expression: "* * * * *" } : {};
  return ScheduleCreate.parse({
    server_id: 1,
    name: "nightly",
    ...expression,
    only_when_running: false,
    ...overrides,
  });
}

/** Creates such a schedule as an admin on the host. */
export async function create(w: World, overrides: Partial<z.input<typeof ScheduleCreate>> = {}) {
  return await w.schedules.create(schedule(overrides), caller());
}

/** A promise and the way to settle it. */
export function gate(): { promise: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, open: resolve };
}

/** For what has not come by then, in milliseconds. */
const PATIENCE_MS = 120_000;

/** Waits until something holds, which is looked at in each turn of the event loop. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  throw new Error("waited in vain");
}
