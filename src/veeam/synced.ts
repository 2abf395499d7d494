/** Jobs of Veeam servers for whoever expects them: found by name, with their sessions as they were last read. */
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Database } from "../store/mod.ts";
import { chooseJob } from "./choose.ts";
import type { Clients } from "./clients.ts";
import type { VeeamConfig } from "./config.ts";
import { VeeamJob, type VeeamSession } from "./model.ts";
import * as queries from "./queries.ts";

/** One job of one server. */
export interface VeeamSource {
  server: string;
  /** Its name, or its id where several have that name. */
  job: string;
  /** Null for a kind that no list of jobs shows: its sessions are known by its name. */
  job_id: string | null;
}

/** How far a server was read. */
export interface ReadServer {
  /** All that had ended by then is kept; null before the first reading. */
  synced_at: string | null;
  /** It should have been read since. */
  is_late: boolean;
  /** Why the last reading failed. */
  error: string | null;
}

/** A reading may take so long beyond the next one's turn. */
const PATIENCE_MS = 10 * 60_000;
/** A session that takes longer is not looked for: the history of a job need not be read each time. */
const LONGEST_MS = 30 * 86_400_000;

/** What jobs are looked up in. */
export interface SyncedOptions {
  database: Database;
  clock: Clock;
  settings: Pick<VeeamConfig, "sync_every_seconds">;
  clients: Pick<Clients, "choose" | "names">;
}

/** Jobs of the configured servers, as they were last read. */
export class SyncedJobs {
  readonly #options: SyncedOptions;

  constructor(options: SyncedOptions) {
    this.#options = options;
  }

  get #db(): queries.Db {
    return this.#options.database.tables<queries.VeeamTables>();
  }

  /**
   * The job somebody means, with its name. Errors: those of choosing a server and a job; `unavailable` while the server was not read;
   * `not_found` for a job that neither the list of jobs nor a session shows.
   */
  async find(ref: string, server: string | undefined): Promise<VeeamSource & { name: string }> {
    const { clients } = this.#options;
    if (server === undefined && clients.names.length > 1) {
      throw new HoldfastError(
        "invalid",
        `Cannot choose the Veeam server of job "${ref}": there are several`,
        {
          hint: `name it in veeam_server (--veeam-server): ${clients.names.join(", ")}`,
        },
      );
    }
    const name = clients.choose({ server })[0]!;
    if ((await queries.serverRow(this.#db, name))?.synced_at == null) {
      throw new HoldfastError(
        "unavailable",
        `Cannot find job "${ref}": Veeam server "${name}" was not read yet`,
        { hint: "read it now with: holdfast veeam sync" },
      );
    }
    const jobs = await queries.things(this.#db, name, "job", VeeamJob);
    try {
      const found = chooseJob(jobs, ref, name);
      const isOne = jobs.filter((job) => job.name === found.name).length === 1;
      return { server: name, job: isOne ? found.name : found.id, job_id: found.id, name: found.name };
    } catch (error) {
      const wanted = ref.toLowerCase();
      const unlisted = (await queries.sessionNames(this.#db, name)).find((one) =>
        one.toLowerCase() === wanted
      );
      const isMissing = error instanceof HoldfastError && error.kind === "not_found";
      if (!isMissing || unlisted === undefined) throw error;
      return { server: name, job: unlisted, job_id: null, name: unlisted };
    }
  }

  /** How far each configured server was read, by name. */
  async servers(): Promise<Map<string, ReadServer>> {
    const { clients, clock, settings } = this.#options;
    const allowed = 2 * settings.sync_every_seconds * 1000 + PATIENCE_MS;
    const read = new Map<string, ReadServer>();
    for (const name of clients.names) {
      const row = await queries.serverRow(this.#db, name);
      const synced_at = row?.synced_at ?? null;
      const is_late = synced_at === null || clock.now() - Date.parse(synced_at) > allowed;
      read.set(name, { synced_at, is_late, error: row?.error ?? null });
    }
    return read;
  }

  /** Sessions of a job that began up to `until`, and go on or ended after `after`; oldest first. */
  sessions(source: VeeamSource, range: { after: string; until: string }): Promise<VeeamSession[]> {
    const began_after = iso(Date.parse(range.after) - LONGEST_MS);
    return queries.sessionsOfJob(this.#db, source, { ...range, began_after });
  }
}
