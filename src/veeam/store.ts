/** What the daemon keeps of Veeam servers, for answers and for the next process. */
import { type Clock, iso } from "../lib/clock.ts";
import type { Database } from "../store/mod.ts";
import type { Memory } from "./memory.ts";
import * as model from "./model.ts";
import * as queries from "./queries.ts";
import type { Stored } from "./veeam.ts";

/** How far back the trend of a repository is taken from. */
const TREND_MS = 28 * 86_400_000;

/** Pins and revisions in the database. */
export function databaseMemory(database: Database): Memory {
  const db = () => database.tables<queries.VeeamTables>();
  return {
    get: (address) => queries.knownAt(db(), address),
    async set(address, known) {
      // A command that only reads has nowhere to write; it finds the same out again.
      if (!database.readonly) await queries.setKnown(db(), address, known);
    },
  };
}

/** Answers from what was kept. */
export class VeeamStore implements Stored {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  get #db(): queries.Db {
    return this.#database.tables<queries.VeeamTables>();
  }

  async jobs(server: string): Promise<model.VeeamJob[] | undefined> {
    if (!await this.#isRead(server)) return undefined;
    const jobs = await queries.things(this.#db, server, "job", model.VeeamJob);
    return jobs.toSorted((a, b) => a.number - b.number);
  }

  async sessions(server: string, createdAfter: string): Promise<model.VeeamSession[] | undefined> {
    return await this.#isRead(server)
      ? await queries.sessionsSince(this.#db, server, createdAfter)
      : undefined;
  }

  async repositories(server: string): Promise<model.VeeamRepository[] | undefined> {
    if (!await this.#isRead(server)) return undefined;
    const rows = await queries.things(this.#db, server, "repository", model.VeeamRepository);
    return rows.toSorted((a, b) => a.name.localeCompare(b.name));
  }

  samples(server: string): ReturnType<Stored["samples"]> {
    return queries.fillsSince(this.#db, server, iso(this.#clock.now() - TREND_MS));
  }

  async license(server: string): Promise<model.VeeamLicense | undefined> {
    return (await queries.things(this.#db, server, "license", model.VeeamLicense))[0];
  }

  async configBackup(server: string): Promise<model.VeeamConfigBackup | undefined> {
    return (await queries.things(this.#db, server, "config-backup", model.VeeamConfigBackup))[0];
  }

  async #isRead(server: string): Promise<boolean> {
    return (await queries.serverRow(this.#db, server))?.synced_at != null;
  }
}
