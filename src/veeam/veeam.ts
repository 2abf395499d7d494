/** The service: what people ask of Veeam servers. From the store when it was synchronised, else from the server itself. */
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import { pastMoment } from "../lib/moment.ts";
import type { Caller } from "../lib/operation.ts";
import { chooseJob } from "./choose.ts";
import type { VeeamClient } from "./client.ts";
import { type Choice, Clients, type ClientsOptions } from "./clients.ts";
import { type CoverageRow, hiddenKinds, kindRows } from "./coverage.ts";
import { isPartial } from "./errors.ts";
import { daysToFull, type FillSample, withScaleOuts } from "./fill.ts";
import type * as model from "./model.ts";
import type { Mailer } from "./letter.ts";
import { newestSessions, type SessionChoice, sessionPages, type SessionSource } from "./sessions.ts";
import { type AskOne, noTapes, readTapes, tapesOfOne, type VeeamTape } from "./tapes.ts";

/** What the last synchronisations kept; each answer is undefined for a server that was never read. */
export interface Stored {
  jobs(server: string): Promise<model.VeeamJob[] | undefined>;
  /** Oldest first. */
  sessions(server: string, createdAfter: string): Promise<model.VeeamSession[] | undefined>;
  repositories(server: string): Promise<model.VeeamRepository[] | undefined>;
  /** How full each repository was, by its id. */
  samples(server: string): Promise<Map<string, FillSample[]>>;
  license(server: string): Promise<model.VeeamLicense | undefined>;
  configBackup(server: string): Promise<model.VeeamConfigBackup | undefined>;
}

export interface VeeamOptions extends ClientsOptions {
  clock: Clock;
  /** Absent where nothing is kept: a command without daemon. */
  stored?: Stored;
  /** Sends reports and what a watcher finds. */
  mailer: Mailer;
  /** Asks Veeam ONE for tape servers and jobs. */
  askOne?: AskOne;
}

/** Where an answer is to come from. */
export interface From extends Choice {
  /** Asks the server even when the store has an answer. */
  live?: boolean | undefined;
}

/** How many objects without a recent restore point are asked for their last one. */
const LAST_POINTS = 200;

export class Veeam implements AsyncDisposable {
  readonly clients: Clients;
  readonly #options: VeeamOptions;

  constructor(options: VeeamOptions) {
    this.#options = options;
    this.clients = new Clients(options);
  }

  get mailer(): Mailer {
    return this.#options.mailer;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.clients[Symbol.asyncDispose]();
  }

  async jobs(
    filter: From & { name?: string | undefined; status?: string | undefined; type?: string | undefined },
    signal: AbortSignal,
  ): Promise<model.VeeamJob[]> {
    const wanted = (value: string | null, text: string | undefined) =>
      text === undefined || value?.toLowerCase() === text.toLowerCase();
    const rows = await this.#each(filter, (name) => this.jobsOf(name, filter.live, signal));
    return rows.filter((job) =>
      wanted(job.last_result, filter.status) && wanted(job.type, filter.type) &&
      job.name.toLowerCase().includes(filter.name?.toLowerCase() ?? "")
    );
  }

  /** The jobs of one server, numbered. */
  async jobsOf(server: string, live: boolean | undefined, signal: AbortSignal): Promise<model.VeeamJob[]> {
    const stored = live === true ? undefined : await this.#options.stored?.jobs(server);
    return stored ?? await this.clients.of(server).jobs(signal);
  }

  /** One job with its sessions, newest first. */
  async job(
    { job: ref, since, live, server }: From & { job: string; since: string },
    signal: AbortSignal,
  ): Promise<model.VeeamJob & { sessions: model.VeeamSession[] }> {
    const job = await this.findJob(ref, server, live, signal);
    const sessions = await this.sessionsOf(job.server, { since, job_id: job.id, live }, signal);
    return { ...job, sessions: sessions.toReversed() };
  }

  /** The job somebody means. Errors: `not_found`, `conflict`. */
  async findJob(
    ref: string,
    server: string | undefined,
    live: boolean | undefined,
    signal: AbortSignal,
  ): Promise<model.VeeamJob> {
    const [name = ""] = this.clients.choose({ server });
    return chooseJob(await this.jobsOf(name, live, signal), ref, name);
  }

  /** Newest first; rows that `take` takes as they are read are not in the answer. */
  async sessions(
    filter: From & SessionChoice & { job?: string | undefined; limit?: number | undefined },
    signal: AbortSignal,
    take?: (rows: readonly model.VeeamSession[]) => void,
  ): Promise<model.VeeamSession[]> {
    const ask = async (name: string) => {
      const job_id = filter.job === undefined
        ? undefined
        : (await this.findJob(filter.job, name, filter.live, signal)).id;
      return newestSessions(this.#source(name), { ...filter, job_id }, filter.limit ?? Infinity, signal);
    };
    const [only, ...others] = this.clients.choose(filter);
    if (take !== undefined && others.length === 0) {
      for await (const rows of await ask(only!)) take(rows);
      return [];
    }
    const found = await this.#each(filter, async (name) => (await Array.fromAsync(await ask(name))).flat());
    if (others.length > 0) found.sort((a, b) => (b.created_at ?? "").localeCompare(a.created_at ?? ""));
    return filter.limit === undefined ? found : found.slice(0, filter.limit);
  }

  /** The sessions of one server, oldest first. */
  async sessionsOf(
    server: string,
    choice: SessionChoice,
    signal: AbortSignal,
  ): Promise<model.VeeamSession[]> {
    return (await Array.fromAsync(sessionPages(this.#source(server), choice, false, signal))).flat();
  }

  #source(server: string): SessionSource {
    return {
      stored: async (createdAfter) => await this.#options.stored?.sessions(server, createdAfter),
      client: () => this.clients.of(server),
      now: this.clock.now(),
    };
  }

  async session(
    { session, server }: { session: string; server?: string | undefined },
    signal: AbortSignal,
  ): Promise<model.VeeamSession & { log: model.VeeamLogLine[] }> {
    const client = this.clients.one(server);
    const found = await client.session(session, signal);
    return { ...found, log: await client.sessionLog(session, signal) };
  }

  /** Newest first. */
  async restorePoints(
    { job: ref, server, since, live }: From & { job: string; since?: string | undefined },
    signal: AbortSignal,
  ): Promise<model.VeeamRestorePoint[]> {
    const job = await this.findJob(ref, server, live, signal);
    const client = this.clients.of(job.server);
    const created = since === undefined ? {} : { created_after: iso(pastMoment(since, this.clock.now())) };
    const found = await Promise.all(
      (await client.backups(job.id, signal)).map(async ({ id }) => {
        const files = await client.backupFiles(id, signal);
        return await client.restorePoints({ backup_id: id, files, ...created }, signal);
      }),
    );
    return found.flat().sort((a, b) => (b.created_at ?? "").localeCompare(a.created_at ?? ""));
  }

  /** Results per machine that are bad, newest first. */
  async failedTasks(
    { since, warnings, ...choice }: Choice & { since: string; warnings: boolean },
    signal: AbortSignal,
  ): Promise<model.VeeamTask[]> {
    const created_after = iso(pastMoment(since, this.clock.now()));
    const results = warnings ? ["Failed", "Warning"] : ["Failed"];
    const found = await this.#each(
      choice,
      (name) => this.clients.of(name).tasks({ created_after, results }, signal),
    );
    return found.sort((a, b) => (b.created_at ?? "").localeCompare(a.created_at ?? ""));
  }

  repositories(from: From, signal: AbortSignal): Promise<model.VeeamRepository[]> {
    return this.#each(from, (name) => this.repositoriesOf(name, from.live, signal));
  }

  async repositoriesOf(
    server: string,
    live: boolean | undefined,
    signal: AbortSignal,
  ): Promise<model.VeeamRepository[]> {
    const { stored } = this.#options;
    const rows = (live === true ? undefined : await stored?.repositories(server)) ??
      await readRepositories(this.clients.of(server), signal);
    const samples = await stored?.samples(server) ?? new Map<string, FillSample[]>();
    return rows.map((row) => ({
      ...row,
      days_to_full: daysToFull(samples.get(row.id) ?? [], row.free_bytes),
    }));
  }

  backups(choice: Choice, signal: AbortSignal): Promise<model.VeeamBackup[]> {
    return this.#each(choice, (name) => this.clients.of(name).backups(undefined, signal));
  }

  unprotected(
    { days, ...choice }: Choice & { days: number },
    signal: AbortSignal,
  ): Promise<model.VeeamObject[]> {
    return this.#each(choice, (name) => this.unprotectedOf(name, days, signal));
  }

  /** Machines and other objects without a restore point of the last days; the longest without first. */
  async unprotectedOf(server: string, days: number, signal: AbortSignal): Promise<model.VeeamObject[]> {
    const client = this.clients.of(server);
    const created_after = iso(this.clock.now() - days * 86_400_000);
    const [objects, points] = await Promise.all([
      client.objects(signal),
      client.restorePoints({ created_after }, signal),
    ]);
    // Restore points name their object; its id is in them in no revision.
    const fresh = new Set(points.map(({ name, platform }) => `${platform}/${name.toLowerCase()}`));
    const bare = objects.filter(({ name, platform }) => !fresh.has(`${platform}/${name.toLowerCase()}`));
    const dated = await Promise.all(bare.map(async (object, i) => ({
      ...object,
      last_restore_point_at: i < LAST_POINTS && object.restore_points !== 0
        ? await client.lastRestorePoint(object.id, signal)
        : null,
    })));
    const limit = Date.parse(created_after);
    return dated.filter(({ last_restore_point_at: last }) => last === null || Date.parse(last) < limit)
      .toSorted((a, b) => (a.last_restore_point_at ?? "").localeCompare(b.last_restore_point_at ?? ""));
  }

  proxies(choice: Choice, signal: AbortSignal): Promise<model.VeeamProxy[]> {
    return this.#each(choice, (name) => this.clients.of(name).proxies(signal));
  }

  managedServers(choice: Choice, signal: AbortSignal): Promise<model.VeeamManagedServer[]> {
    return this.#each(choice, (name) => this.clients.of(name).managedServers(signal));
  }

  licenses(from: From, signal: AbortSignal): Promise<model.VeeamLicense[]> {
    return this.#each(from, async (name) => [await this.licenseOf(name, from.live, signal)]);
  }

  async licenseOf(
    server: string,
    live: boolean | undefined,
    signal: AbortSignal,
  ): Promise<model.VeeamLicense> {
    const stored = live === true ? undefined : await this.#options.stored?.license(server);
    return stored ?? await this.clients.of(server).license(signal);
  }

  malware(
    { since, ...choice }: Choice & { since: string },
    signal: AbortSignal,
  ): Promise<model.VeeamMalwareEvent[]> {
    const after = iso(pastMoment(since, this.clock.now()));
    return this.#each(choice, (name) => this.clients.of(name).malwareEvents(after, signal));
  }

  bestPractices(choice: Choice, signal: AbortSignal): Promise<model.VeeamBestPractice[]> {
    return this.#each(choice, (name) => this.clients.of(name).bestPractices(signal));
  }

  configBackups(from: From, signal: AbortSignal): Promise<model.VeeamConfigBackup[]> {
    return this.#each(from, async (name) => [await this.configBackupOf(name, from.live, signal)]);
  }

  async configBackupOf(
    server: string,
    live: boolean | undefined,
    signal: AbortSignal,
  ): Promise<model.VeeamConfigBackup> {
    const stored = live === true ? undefined : await this.#options.stored?.configBackup(server);
    return stored ?? await this.clients.of(server).configBackup(signal);
  }

  /** Errors: `invalid` with what to do where no export is named. */
  async tapes(caller: Caller): Promise<VeeamTape[]> {
    const { settings, askOne, clock } = this.#options;
    const exported = settings.tape_export === null ? null : await readTapes(settings.tape_export);
    const told = await askOne?.(caller) ?? null;
    if (exported === null && told === null) throw noTapes();
    return [...exported ?? [], ...tapesOfOne(told ?? [], iso(clock.now()))];
  }

  coverage(choice: Choice, signal: AbortSignal): Promise<CoverageRow[]> {
    return this.#each(choice, (name) => this.coverageOf(name, signal));
  }

  /** What one server shows and hides. */
  async coverageOf(server: string, signal: AbortSignal): Promise<CoverageRow[]> {
    const client = this.clients.of(server);
    const revision = await client.connection.open(signal);
    const jobs = await client.jobs(signal);
    const rows = kindRows(server, revision, jobs.map(({ type }) => type));
    for (const [what, ask] of readings(client, this.clock.now())) {
      try {
        await ask(signal);
        rows.push({ server, area: "role", what, visible: true, jobs: null, reason: null });
      } catch (error) {
        if (!isPartial(error)) throw error;
        const reason = error.code === "veeam_forbidden" ? error.hint ?? error.message : error.message;
        rows.push({ server, area: "role", what, visible: false, jobs: null, reason });
      }
    }
    const listed = new Set(jobs.map(({ id }) => id));
    const sessions = await this.sessionsOf(server, { since: "7d", live: true }, signal);
    const others = sessions.filter(({ job_id, type }) =>
      job_id !== null && !listed.has(job_id) && isBackup(type)
    );
    for (const [name, type] of new Map(others.map(({ name, type }) => [name, type]))) {
      rows.push({
        server,
        area: "sessions",
        what: name,
        visible: false,
        jobs: null,
        reason: `ran as ${type} in the last 7 days, and is in no list of jobs`,
      });
    }
    return rows;
  }

  /** Sentences on what a server's list of jobs leaves out. */
  async hidden(server: string, signal: AbortSignal): Promise<string[]> {
    const sentence = hiddenKinds(await this.clients.of(server).connection.open(signal));
    return sentence === null ? [] : [sentence];
  }

  async #each<T>(choice: Choice, ask: (name: string) => Promise<readonly T[]>): Promise<T[]> {
    const names = this.clients.choose(choice);
    const found = await Promise.allSettled(names.map(ask));
    const failed = found.find((one) => one.status === "rejected");
    if (failed !== undefined) {
      if (names.length === 1 || !(failed.reason instanceof HoldfastError)) throw failed.reason;
      const { kind, message, code } = failed.reason;
      throw new HoldfastError(kind, message, {
        code,
        hint: "name the others with --server; report and doctor go on past a server that fails",
        cause: failed.reason,
      });
    }
    return found.flatMap((one) => one.status === "fulfilled" ? one.value : []);
  }
}

/** Types of sessions that protect something, as opposed to housekeeping. */
export function isBackup(type: string | null): boolean {
  return /backup|replica|copy|snapshot|cdp/i.test(type ?? "") &&
    !/^(configuration|delete|publish|sure|restore)/i.test(type ?? "");
}

/** The repositories of a server with their scale-out roll-up. */
export async function readRepositories(
  client: VeeamClient,
  signal: AbortSignal,
): Promise<model.VeeamRepository[]> {
  const [rows, scaleOuts] = await Promise.all([client.repositories(signal), client.scaleOuts(signal)]);
  return withScaleOuts(rows, scaleOuts);
}

/** What only some roles may read. */
function readings(
  client: VeeamClient,
  now: number,
): [string, (signal: AbortSignal) => Promise<unknown>][] {
  return [
    ["the server's own facts", (signal) => client.serverInfo(signal)],
    ["licence", (signal) => client.license(signal)],
    ["configuration backup", (signal) => client.configBackup(signal)],
    ["best practices", (signal) => client.bestPractices(signal)],
    ["malware events", (signal) => client.malwareEvents(iso(now - 3_600_000), signal)],
    ["repositories", (signal) => client.repositories(signal)],
    ["proxies", (signal) => client.proxies(signal)],
    ["managed servers", (signal) => client.managedServers(signal)],
  ];
}
