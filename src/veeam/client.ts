/** The API of Veeam Backup & Replication: one short method per call; its words stop here. */
import { HoldfastError } from "../lib/errors.ts";
import { normalizePin } from "../lib/relay.ts";
import { type Ask, Connection, type ConnectionOptions } from "./connection.ts";
import { BASE, Calls, isAbsent, segment } from "./calls.ts";
import { id, rowsOf, text } from "./decode.ts";
import { ADMINISTRATOR, isPartial, OPERATOR, SECURITY, VIEWER } from "./errors.ts";
import type { Known } from "./memory.ts";
import type * as model from "./model.ts";
import * as records from "./records.ts";
import { has } from "./revisions.ts";

/** Which sessions; bounded by time, since a server keeps years of them. */
export interface SessionFilter {
  /** ISO 8601; created at or after. */
  created_after: string;
  job_id?: string | undefined;
  types?: readonly string[] | undefined;
  results?: readonly string[] | undefined;
}

/** How far back, and from which end. What is added meanwhile moves later pages of the newest first: rows come twice, none is lost. */
type SessionList = SessionFilter & { newest_first?: boolean };

const INFRASTRUCTURE = `${BASE}/backupInfrastructure`;
const POST = { method: "POST", idempotent: false } as const;

/** One server. */
export class VeeamClient implements AsyncDisposable {
  readonly connection: Connection;
  readonly #calls: Calls;

  constructor(options: ConnectionOptions & { pageSize: number }) {
    this.connection = new Connection(options);
    this.#calls = new Calls(this.connection, options);
  }

  get name(): string {
    return this.connection.name;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.connection[Symbol.asyncDispose]();
  }

  /** Pins the certificate that the server shows, when it has this fingerprint. Errors: `conflict` when it has another. */
  async trust(
    { fingerprint, forget_revision }: { fingerprint?: string | undefined; forget_revision: boolean },
    signal: AbortSignal,
  ): Promise<Known & { server: string }> {
    const server = this.name;
    const revision = forget_revision ? { revision: null } : {};
    if (fingerprint === undefined) return { server, ...await this.connection.remember(revision) };
    const wanted = normalizePin(fingerprint);
    const shown = await this.connection.certificate(signal);
    if (shown?.fingerprint !== wanted) {
      throw new HoldfastError(
        "conflict",
        `Cannot trust Veeam server "${server}": it shows SHA-256 ${
          shown?.fingerprint ?? "no certificate"
        }, not ${wanted}`,
      );
    }
    return { server, ...await this.connection.remember({ fingerprint: wanted, ...revision }) };
  }

  /** The server's clock in milliseconds, or null when it tells none; learns its zone on the way. */
  serverTime(signal: AbortSignal): Promise<number | null> {
    return this.#calls.serverTime(signal);
  }

  async serverInfo(signal: AbortSignal): Promise<model.ServerInfo> {
    const raw = await this.#calls.get(
      `${BASE}/serverInfo`,
      "read the server's own facts",
      ADMINISTRATOR,
      signal,
    );
    return { name: text(raw, "name"), build: text(raw, "buildVersion"), platform: text(raw, "platform") };
  }

  /** Every job with its state, by name, numbered. */
  async jobs(signal: AbortSignal): Promise<model.VeeamJob[]> {
    const at = await this.#calls.at(signal);
    const found: Omit<model.VeeamJob, "number">[] = [];
    const order = { orderColumn: "Name", orderAsc: true };
    for await (
      const rows of this.#calls.list(`${BASE}/jobs/states`, order, "list the jobs", VIEWER, signal)
    ) {
      for (const row of rows) found.push(records.jobOf(row, at));
    }
    const compare = new Intl.Collator("en").compare;
    return found.toSorted((a, b) => compare(a.name, b.name) || compare(a.id, b.id))
      .map((job, i) => ({ number: i + 1, ...job }));
  }

  /** Sessions in the order of their creation, or the other way round, page by page. */
  async *sessions(filter: SessionList, signal: AbortSignal): AsyncGenerator<model.VeeamSession[]> {
    const at = await this.#calls.at(signal);
    // Earlier revisions take one word, and call some types otherwise.
    const lists = has(await this.connection.open(signal), "list_filters");
    const query = {
      orderColumn: "CreationTime",
      orderAsc: filter.newest_first !== true,
      createdAfterFilter: filter.created_after,
      jobIdFilter: filter.job_id,
      ...(lists ? { typeFilter: filter.types, resultFilter: filter.results } : {}),
    };
    const wanted = ({ type, result }: model.VeeamSession) =>
      (filter.types ?? [type]).includes(type ?? "") && (filter.results ?? [result]).includes(result ?? "");
    // Tens of thousands of sessions name a few hundred jobs and people: each text is kept once.
    const texts = new Map<string, string>();
    const once = (text: string): string => {
      const kept = texts.get(text);
      if (kept === undefined) texts.set(text, text);
      return kept ?? text;
    };
    for await (
      const rows of this.#calls.list(`${BASE}/sessions`, query, "list the sessions", VIEWER, signal)
    ) {
      const sessions = rows.map((row) => {
        const session = records.sessionOf(row, at);
        session.name = once(session.name);
        if (session.job_id !== null) session.job_id = once(session.job_id);
        if (session.initiated_by !== null) session.initiated_by = once(session.initiated_by);
        return session;
      });
      yield lists ? sessions : sessions.filter(wanted);
    }
  }

  async session(sessionId: string, signal: AbortSignal): Promise<model.VeeamSession> {
    const path = `${BASE}/sessions/${segment(sessionId)}`;
    const raw = await this.#calls.get(path, `read session "${sessionId}"`, VIEWER, signal);
    return records.sessionOf(raw, await this.#calls.at(signal));
  }

  /** Log lines of a session, oldest first. */
  async sessionLog(sessionId: string, signal: AbortSignal): Promise<model.VeeamLogLine[]> {
    const path = `${BASE}/sessions/${segment(sessionId)}/logs`;
    const raw = await this.#calls.get(path, `read the log of session "${sessionId}"`, VIEWER, signal);
    const at = await this.#calls.at(signal);
    return rowsOf(raw.records).map((row) => records.logLineOf(row, at)).toSorted((a, b) =>
      (a.started_at ?? "").localeCompare(b.started_at ?? "") || a.id - b.id
    );
  }

  /** Results per machine, oldest first. */
  async tasks(filter: SessionFilter, signal: AbortSignal): Promise<model.VeeamTask[]> {
    await this.#calls.need("tasks", "list the results per machine", signal);
    const at = await this.#calls.at(signal);
    // Unlike sessions, which take a list, tasks take one result.
    const wanted = filter.results ?? [undefined];
    const found: model.VeeamTask[] = [];
    for (const result of wanted) {
      const query = {
        orderColumn: "CreationTime",
        orderAsc: true,
        createdAfterFilter: filter.created_after,
        resultFilter: result,
      };
      const action = "list the results per machine";
      for await (const rows of this.#calls.list(`${BASE}/taskSessions`, query, action, VIEWER, signal)) {
        for (const row of rows) found.push(records.taskOf(row, at));
      }
    }
    return found.toSorted((a, b) => (a.created_at ?? "").localeCompare(b.created_at ?? ""));
  }

  async backups(jobId: string | undefined, signal: AbortSignal): Promise<model.VeeamBackup[]> {
    const query = { orderColumn: "CreationTime", orderAsc: true, jobIdFilter: jobId };
    return await this.#calls.all(
      `${BASE}/backups`,
      query,
      "list the backups",
      VIEWER,
      signal,
      records.backupOf,
    );
  }

  /** Names of the files of a backup by their ids; none where the revision or the role shows none. */
  async backupFiles(backupId: string, signal: AbortSignal): Promise<Map<string, string>> {
    const revision = await this.connection.open(signal);
    if (!has(revision, "backup_files")) return new Map();
    const path = `${BASE}/backups/${segment(backupId)}/backupFiles`;
    try {
      const files = await this.#calls.all(
        path,
        {},
        "list the files of a backup",
        VIEWER,
        signal,
        (row) => row,
      );
      return new Map(files.map((row): [string, string] => [id(row, "id") ?? "", text(row, "name") ?? ""]));
    } catch (error) {
      if (isPartial(error) || error instanceof HoldfastError && error.kind === "not_found") return new Map();
      throw error;
    }
  }

  /** Restore points in the order of their creation. */
  async restorePoints(
    filter: { backup_id?: string; created_after?: string; files?: ReadonlyMap<string, string> },
    signal: AbortSignal,
  ): Promise<model.VeeamRestorePoint[]> {
    // Renamed somewhere between 1.1-rev0 and 1.2-rev1; nobody wrote down where.
    const paths = has(await this.connection.open(signal), "tasks")
      ? [`${BASE}/restorePoints`]
      : [`${BASE}/restorePoints`, `${BASE}/objectRestorePoints`];
    const query = {
      orderColumn: "CreationTime",
      orderAsc: true,
      backupIdFilter: filter.backup_id,
      createdAfterFilter: filter.created_after,
    };
    for (const path of paths) {
      try {
        return await this.#calls.all(
          path,
          query,
          "list the restore points",
          VIEWER,
          signal,
          (row, at) => records.restorePointOf(row, at, filter.files),
        );
      } catch (error) {
        if (path === paths.at(-1) || !isAbsent(error)) throw error;
      }
    }
    return [];
  }

  async objects(signal: AbortSignal): Promise<model.VeeamObject[]> {
    const query = { orderColumn: "Name", orderAsc: true };
    return await this.#calls.all(
      `${BASE}/backupObjects`,
      query,
      "list what is backed up",
      VIEWER,
      signal,
      records.objectOf,
    );
  }

  /** When the newest restore point of an object was made, or null when there is none. */
  async lastRestorePoint(objectId: string, signal: AbortSignal): Promise<string | null> {
    const at = await this.#calls.at(signal);
    const path = `${BASE}/backupObjects/${segment(objectId)}/restorePoints`;
    const raw = await this.#calls.get(path, "list the restore points of an object", VIEWER, signal);
    const times = rowsOf(raw.data).flatMap((row) => records.restorePointOf(row, at).created_at ?? []);
    return times.toSorted().at(-1) ?? null;
  }

  async repositories(signal: AbortSignal): Promise<model.VeeamRepository[]> {
    const path = `${INFRASTRUCTURE}/repositories/states`;
    const query = { orderColumn: "Name", orderAsc: true };
    return await this.#calls.all(
      path,
      query,
      "list the repositories",
      VIEWER,
      signal,
      records.repositoryOf,
    );
  }

  async scaleOuts(signal: AbortSignal): Promise<records.ScaleOut[]> {
    const path = `${INFRASTRUCTURE}/scaleOutRepositories`;
    const query = { orderColumn: "Name", orderAsc: true };
    return await this.#calls.all(
      path,
      query,
      "list the scale-out repositories",
      VIEWER,
      signal,
      records.scaleOutOf,
    );
  }

  /** Proxies; whether they are online is told from 1.3-rev0 on. */
  async proxies(signal: AbortSignal): Promise<model.VeeamProxy[]> {
    const states = has(await this.connection.open(signal), "proxy_states");
    const path = `${INFRASTRUCTURE}/proxies${states ? "/states" : ""}`;
    const query = { orderColumn: "Name", orderAsc: true };
    return await this.#calls.all(
      path,
      query,
      "list the proxies",
      VIEWER,
      signal,
      records.proxyOf,
    );
  }

  async managedServers(signal: AbortSignal): Promise<model.VeeamManagedServer[]> {
    const query = { orderColumn: "Name", orderAsc: true };
    const path = `${INFRASTRUCTURE}/managedServers`;
    return await this.#calls.all(
      path,
      query,
      "list the managed servers",
      VIEWER,
      signal,
      records.managedServerOf,
    );
  }

  async license(signal: AbortSignal): Promise<model.VeeamLicense> {
    await this.#calls.need("license", "read the licence", signal);
    const raw = await this.#calls.get(`${BASE}/license`, "read the licence", ADMINISTRATOR, signal);
    return records.licenseOf(raw, await this.#calls.at(signal));
  }

  async malwareEvents(since: string, signal: AbortSignal): Promise<model.VeeamMalwareEvent[]> {
    const action = "list the malware events";
    await this.#calls.need("malware", action, signal);
    const revision = await this.connection.open(signal);
    const query = { orderColumn: "DetectionTimeUtc", orderAsc: true, detectedAfterTimeUtcFilter: since };
    return await this.#calls.all(
      `${BASE}/malwareDetection/events`,
      query,
      action,
      has(revision, "malware_for_viewers") ? VIEWER : ADMINISTRATOR,
      signal,
      records.malwareEventOf,
    );
  }

  async bestPractices(signal: AbortSignal): Promise<model.VeeamBestPractice[]> {
    const action = "read the best practices";
    await this.#calls.need("best_practices", action, signal);
    const at = await this.#calls.at(signal);
    const raw = await this.#calls.get(`${BASE}/securityAnalyzer/bestPractices`, action, SECURITY, signal);
    return rowsOf(raw.items).map((row) => records.bestPracticeOf(row, at));
  }

  async configBackup(signal: AbortSignal): Promise<model.VeeamConfigBackup> {
    const raw = await this.#calls.get(
      `${BASE}/configBackup`,
      "read the configuration backup",
      ADMINISTRATOR,
      signal,
    );
    return records.configBackupOf(raw, await this.#calls.at(signal));
  }

  /** Starts a job; the new session, or null where the server tells none. */
  async startJob(jobId: string, full: boolean, signal: AbortSignal): Promise<model.VeeamSession | null> {
    return await this.#act(jobId, "start", OPERATOR, { performActiveFull: full }, signal);
  }

  async stopJob(jobId: string, graceful: boolean, signal: AbortSignal): Promise<model.VeeamSession | null> {
    const revision = await this.connection.open(signal);
    // The oldest revision spells it with one letter more.
    const field = revision === "1.1-rev0" ? "gracefullStop" : "gracefulStop";
    return await this.#act(jobId, "stop", OPERATOR, { [field]: graceful }, signal);
  }

  /** True when the server can retry by itself. */
  async canRetry(signal: AbortSignal): Promise<boolean> {
    return has(await this.connection.open(signal), "retry");
  }

  async retryJob(jobId: string, signal: AbortSignal): Promise<model.VeeamSession | null> {
    return await this.#act(jobId, "retry", OPERATOR, { startChainedJobs: false }, signal);
  }

  async enableJob(jobId: string, enabled: boolean, signal: AbortSignal): Promise<void> {
    await this.#act(jobId, enabled ? "enable" : "disable", ADMINISTRATOR, undefined, signal);
  }

  async stopSession(sessionId: string, signal: AbortSignal): Promise<void> {
    const path = `${BASE}/sessions/${segment(sessionId)}/stop`;
    await this.connection.ask({ ...POST, path, action: "stop a session", role: OPERATOR, signal });
  }

  async #act(
    jobId: string,
    verb: string,
    role: string,
    json: unknown,
    signal: AbortSignal,
  ): Promise<model.VeeamSession | null> {
    const ask: Ask = {
      ...POST,
      path: `${BASE}/jobs/${segment(jobId)}/${verb}`,
      action: `${verb} job "${jobId}"`,
      role,
      signal,
      ...(json === undefined ? {} : { json }),
    };
    const raw = await this.connection.ask(ask);
    return id(raw, "id") === null ? null : records.sessionOf(raw, await this.#calls.at(signal));
  }
}
