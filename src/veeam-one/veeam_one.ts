/** What can be asked of the configured Veeam ONE servers. */
import type { Clock } from "../lib/clock.ts";
import { HoldfastError, nearest } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { StateDirectory } from "../lib/state.ts";
import type { Fetch } from "../lib/upstream.ts";
import { type Condition, OneClient } from "./client.ts";
import type { VeeamOneConfig } from "./config.ts";
import { Connection } from "./connection.ts";
import type { ServerNames } from "./decode.ts";
import {
  ALARM_STATUSES,
  isJobKind,
  JOB_KINDS,
  JOB_STATUSES,
  type JobKind,
  type OneAbout,
  type OneAlarm,
  type OneAlarmDetails,
  type OneBackupServer,
  type OneJob,
  type OneJobs,
  type OneRepository,
  type OneTapeServer,
} from "./model.ts";

/** What the service is made of. */
export interface VeeamOneOptions {
  settings: VeeamOneConfig;
  clock: Clock;
  /** For pinned certificates and the version of the API. */
  state: StateDirectory;
  note: (sentence: string) => void;
  /** Instead of the network, in tests. */
  fetch?: Fetch;
}

/** Which Veeam ONE server is meant; it may be left out where there is one. */
export interface Asked {
  server?: string | undefined;
}

/** Lists of jobs that are read at once: more make the product slower. */
const AT_ONCE = 3;

/** Questions to the Veeam ONE servers; connections are opened at first use. */
export class VeeamOne implements AsyncDisposable {
  readonly #options: VeeamOneOptions;
  readonly #open = new Map<string, { connection: Connection; client: OneClient }>();

  constructor(options: VeeamOneOptions) {
    this.#options = options;
  }

  /** True when there is a server to ask. */
  get isConfigured(): boolean {
    return this.#names.length > 0;
  }

  async about({ server }: Asked, caller: Caller): Promise<OneAbout> {
    const name = this.#choose(server);
    const { connection, client } = this.#at(name);
    const api = await connection.version(caller.signal);
    return { server: name, address: connection.address, api, ...await client.about(caller.signal) };
  }

  /** Alarms, newest first; by default those that are not over. */
  async alarms(
    { server, status, object }: Asked & {
      status?: readonly string[] | undefined;
      object?: string | undefined;
    },
    { signal }: Caller,
  ): Promise<OneAlarm[]> {
    const wanted = status?.map((one) => knownWord(one, ALARM_STATUSES, "status")) ??
      ALARM_STATUSES.filter((one) => !OVER.has(one));
    const condition: Condition = { property: "status", operation: "in", value: wanted };
    const alarms = await this.#client(server).alarms(condition, signal);
    return alarms
      .filter((alarm) =>
        alarm.status === null || wanted.includes(alarm.status) || isNew(alarm.status, status)
      )
      .filter(({ object_name }) => contains(object_name, object))
      .sort((a, b) => (b.triggered_at ?? "").localeCompare(a.triggered_at ?? ""));
  }

  async alarm({ server, alarm }: Asked & { alarm: string }, { signal }: Caller): Promise<OneAlarmDetails> {
    const client = this.#client(server);
    if (!/^\d{1,15}$/.test(alarm)) {
      throw new HoldfastError("not_found", `Cannot find alarm "${alarm}": an alarm's id is a number`, {
        hint: "list them with: holdfast veeam-one alarms list",
      });
    }
    const [details, child_alarms] = await Promise.all([
      client.alarm(Number(alarm), signal),
      client.childAlarms(Number(alarm), signal),
    ]);
    return { ...details, child_alarms };
  }

  /** Resolves alarms with a comment; all of them must exist. */
  async resolve(
    { server, alarms, comment }: Asked & { alarms: readonly number[]; comment: string },
    { signal }: Caller,
  ): Promise<OneAlarm[]> {
    const client = this.#client(server);
    const ids = [...new Set(alarms)];
    // The product says nothing of ids it does not know.
    for (const id of ids) await client.alarm(id, signal);
    await client.resolve(ids, comment, signal);
    return await Promise.all(ids.map((id) => client.alarm(id, signal)));
  }

  async backupServers({ server }: Asked, { signal }: Caller): Promise<OneBackupServer[]> {
    return sortByName(await this.#client(server).backupServers(signal));
  }

  async repositories({ server }: Asked, { signal }: Caller): Promise<OneRepository[]> {
    const client = this.#client(server);
    return sortByName(await client.repositories(await namesOf(client, signal), signal));
  }

  /** Jobs of the given kinds; kinds this server or account does not show are named. */
  async jobs(
    { server, kind, status, name }: Asked & {
      kind?: readonly JobKind[] | undefined;
      status?: readonly string[] | undefined;
      name?: string | undefined;
    },
    { signal }: Caller,
  ): Promise<OneJobs> {
    const kinds = kind ?? Object.keys(JOB_KINDS).filter(isJobKind);
    const wanted = status?.map((one) => knownWord(one, JOB_STATUSES, "status"));
    const { jobs, hidden } = await this.#jobs(this.#client(server), kinds, wanted, signal);
    return {
      jobs: sortByName(
        jobs.filter((job) =>
          (wanted === undefined || wanted.includes(job.status ?? "Unknown")) && contains(job.name, name)
        ),
      ),
      hidden,
    };
  }

  async tapeServers({ server }: Asked, { signal }: Caller): Promise<OneTapeServer[]> {
    const client = this.#client(server);
    return sortByName(await client.tapeServers(await namesOf(client, signal), signal));
  }

  /** Ends connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map(({ connection }) => connection[Symbol.asyncDispose]()));
  }

  async #jobs(
    client: OneClient,
    kinds: readonly JobKind[],
    wanted: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<OneJobs> {
    const condition: Condition | undefined = wanted === undefined
      ? undefined
      : { property: "status", operation: "in", value: wanted };
    const names = await namesOf(client, signal);
    const jobs: OneJob[] = [];
    const hidden: OneJobs["hidden"] = [];
    const queue = [...kinds];
    const work = async () => {
      for (let kind = queue.shift(); kind !== undefined; kind = queue.shift()) {
        try {
          jobs.push(...await client.jobs(kind, names, condition, signal));
        } catch (error) {
          const reason = hiddenBecause(error);
          if (reason === undefined) throw error;
          hidden.push({ kind, reason });
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (hidden.length === kinds.length && kinds.length > 0) {
      throw new HoldfastError("upstream", `Cannot list jobs: ${hidden[0]!.reason}`, {
        code: "veeam_one_forbidden",
      });
    }
    return { jobs, hidden: hidden.sort((a, b) => a.kind.localeCompare(b.kind)) };
  }

  get #names(): string[] {
    return Object.keys(this.#options.settings.servers).sort();
  }

  #client(server: string | undefined): OneClient {
    return this.#at(this.#choose(server)).client;
  }

  #choose(server: string | undefined): string {
    const names = this.#names;
    if (names.length === 0) {
      throw new HoldfastError("invalid", "Cannot ask Veeam ONE: no server is configured", {
        hint:
          "set VEEAM_ONE_HOST, VEEAM_ONE_USER and VEEAM_ONE_PASSWORD, or veeam_one.servers in the configuration",
      });
    }
    if (server === undefined && names.length === 1) return names[0]!;
    if (server === undefined) {
      throw new HoldfastError("invalid", "Cannot choose a Veeam ONE server: there are several", {
        hint: `add --server with one of ${names.join(", ")}`,
      });
    }
    if (names.includes(server)) return server;
    const meant = nearest(server, names);
    throw new HoldfastError("not_found", `Cannot find Veeam ONE server "${server}"`, {
      hint: meant === undefined ? `there are: ${names.join(", ")}` : `did you mean "${meant}"?`,
    });
  }

  #at(name: string): { connection: Connection; client: OneClient } {
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    const { settings, clock, state, note, fetch } = this.#options;
    const connection = new Connection({
      name,
      settings: settings.servers[name]!,
      clock,
      state,
      note,
      timeoutMs: settings.timeout_seconds * 1000,
      ...(fetch === undefined ? {} : { fetch }),
    });
    const made = { connection, client: new OneClient(connection, settings.page_size) };
    this.#open.set(name, made);
    return made;
  }
}

/** Statuses of alarms nobody has to look at any more. */
const OVER: ReadonlySet<string> = new Set(["Resolved", "Remediated", "Success"]);

/** A word a newer server writes counts as not over, so that nothing is hidden that nobody asked to hide. */
function isNew(status: string, asked: readonly string[] | undefined): boolean {
  return asked === undefined && !ALARM_STATUSES.some((known) => known === status);
}

async function namesOf(client: OneClient, signal: AbortSignal): Promise<ServerNames> {
  return new Map(
    (await client.backupServers(signal)).map((server) => [server.backup_server_id, server.name]),
  );
}

/** Why a kind of jobs is not shown, if that is what the error says. */
function hiddenBecause(error: unknown): string | undefined {
  if (!(error instanceof HoldfastError)) return undefined;
  if (error.kind === "not_found") return "this version of Veeam ONE has no such list";
  return error.code === "veeam_one_forbidden" ? "the account may not see them" : undefined;
}

/** A word in its usual spelling. Errors: `invalid`. */
function knownWord(word: string, known: readonly string[], what: string): string {
  const found = known.find((one) => one.toLowerCase() === word.toLowerCase());
  if (found !== undefined) return found;
  throw new HoldfastError("invalid", `Cannot ask for ${what} "${word}": expected one of ${known.join(", ")}`);
}

function contains(text: string | null, part: string | undefined): boolean {
  return part === undefined || (text ?? "").toLowerCase().includes(part.toLowerCase());
}

function sortByName<T extends { name: string | null }>(rows: T[]): T[] {
  return rows.sort((a, b) => (a.name ?? "").localeCompare(b.name ?? ""));
}
