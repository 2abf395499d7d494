/** Looking after the database: status, copies, and what is forgotten after its days. */
import { sql } from "kysely";
import { join } from "node:path";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { Database } from "./database.ts";
import { copyDatabase, schemaStatus } from "./migrate.ts";

/** What `db status` says. */
export interface DatabaseStatus {
  path: string;
  size_bytes: number;
  schema: string | null;
  latest: string;
  pending: string[];
  integrity: string;
  copies: string[];
}

/** Forgets what is older than its days; each slice brings its own. Returns what was removed, for the log. */
export type Pruner = (now: number) => Promise<Record<string, number>>;

/** What maintenance needs. */
export interface MaintenanceOptions {
  database: Database;
  dataDir: string;
  clock: Clock;
  settings: { backup_every_seconds: number; backup_keep: number };
  pruners: readonly Pruner[];
}

const COPY = /^holdfast-.*\.db$/;

/** The service behind `db` and the job `store-maintain`. */
export class Maintenance {
  readonly #options: MaintenanceOptions;

  constructor(options: MaintenanceOptions) {
    this.#options = options;
  }

  get #copies(): string {
    return join(this.#options.dataDir, "copies");
  }

  /** Reads the whole file to check it: takes a while on a large one. */
  async status(): Promise<DatabaseStatus> {
    const { database } = this.#options;
    const schema = await schemaStatus(database);
    const { rows } = await sql<{ quick_check: string }>`pragma quick_check(1)`.execute(database.kysely);
    return {
      path: database.path,
      size_bytes: database.path === ":memory:" ? 0 : (await Deno.stat(database.path)).size,
      schema: schema.current,
      latest: schema.latest,
      pending: schema.pending,
      integrity: rows[0]?.quick_check ?? "unknown",
      copies: await this.#listCopies(),
    };
  }

  async #listCopies(): Promise<string[]> {
    try {
      const names = await Array.fromAsync(Deno.readDir(this.#copies));
      return names.map((entry) => entry.name).filter((name) => name.endsWith(".db")).sort().reverse()
        .map((name) => join(this.#copies, name));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  /** Copies the database; `path` null means the data directory. Errors: `conflict` when the file exists, `forbidden` over the network. */
  async backup(path: string | null, caller: Caller): Promise<{ path: string; size_bytes: number }> {
    if (path !== null && !caller.on_host) {
      throw new HoldfastError(
        "forbidden",
        `Cannot copy the database to "${path}": over the network only the default place is allowed`,
      );
    }
    const target = path ?? await this.#newCopy();
    if (await exists(target)) {
      throw new HoldfastError("conflict", `Cannot copy the database to "${target}": the file exists`);
    }
    await copyDatabase(this.#options.database, target);
    return { path: target, size_bytes: (await Deno.stat(target)).size };
  }

  async #newCopy(): Promise<string> {
    await Deno.mkdir(this.#copies, { recursive: true, mode: 0o700 });
    return join(this.#copies, `holdfast-${iso(this.#options.clock.now()).replaceAll(/[:.]/g, "-")}.db`);
  }

  /**
   * The periodic work: a copy when one is due, old copies removed, old records forgotten. What fails does not stop
   * the rest, or a full disk would fill for ever; the first error is thrown when all has been tried.
   */
  async run(): Promise<{ copy: string | null; removed: Record<string, number> }> {
    const { clock, pruners } = this.#options;
    const now = clock.now();
    let copy: string | null = null;
    const removed: Record<string, number> = {};
    const steps = [
      async () => void (copy = await this.#copyWhenDue(now)),
      () => this.#removeOldCopies(),
      ...pruners.map((prune) => async () => void Object.assign(removed, await prune(now))),
    ];
    const errors: unknown[] = [];
    for (const step of steps) await step().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw errors[0];
    return { copy, removed };
  }

  async #copyWhenDue(now: number): Promise<string | null> {
    const { settings, database } = this.#options;
    const everyMs = settings.backup_every_seconds * 1000;
    if (everyMs <= 0 || await this.#copyAge(now) < everyMs) return null;
    const path = await this.#newCopy();
    await copyDatabase(database, path);
    return path;
  }

  async #own(): Promise<string[]> {
    return (await this.#listCopies()).filter((path) => COPY.test(path.split("/").at(-1)!));
  }

  async #copyAge(now: number): Promise<number> {
    const newest = (await this.#own())[0];
    if (newest === undefined) return Infinity;
    return now - ((await Deno.stat(newest)).mtime?.getTime() ?? 0);
  }

  async #removeOldCopies(): Promise<void> {
    for (const path of (await this.#own()).slice(this.#options.settings.backup_keep)) await Deno.remove(path);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw new HoldfastError("invalid", `Cannot look at "${path}": ${messageOf(error)}`, { cause: error });
  }
}
