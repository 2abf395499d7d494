/**
 * A Veeam ONE server for tests: tokens that expire, refresh tokens that work once, pages, `Filter`, alarms that can be
 * resolved; answers in the vendor's words. It keeps what it was asked.
 */
import type { Clock } from "../../src/lib/clock.ts";
import type { Fetch } from "../../src/lib/upstream.ts";

type Row = Record<string, unknown>;

/** A call and its answer. */
export interface Exchange {
  method: string;
  path: string;
  query: Record<string, string>;
  body: string;
  status: number;
  answer: string;
}

export const USER = "ACME\\holdfast";
export const PASSWORD = "correct horse";

export class FakeOne {
  user = USER;
  password = PASSWORD;
  /** Versions it answers. */
  versions = ["v2.3", "v2.2"];
  /** Life of an access token in seconds. */
  tokenSeconds = 899;
  /** Paths (below the version) it forbids, or has not. */
  readonly forbidden = new Set<string>();
  readonly absent = new Set<string>();
  /** Told as `totalCount` instead of the truth. */
  lie: number | undefined;
  /** Rows it gives at a time, however many are asked for. */
  cap = 1000;
  /** Refuses every `Filter`. */
  refusesFilter = false;
  /** Called before each page, to change things meanwhile. */
  onPage: (path: string, offset: number) => void = () => {};
  /** Answers a call instead of the server. */
  instead: (path: string) => Response | undefined = () => undefined;
  readonly exchanges: Exchange[] = [];
  readonly lists = new Map<string, Row[]>();
  readonly #clock: Clock;
  readonly #access = new Map<string, number>();
  readonly #refresh = new Set<string>();
  #issued = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    furnish(this.lists);
  }

  /** Number of log-ins by password and by refresh token. */
  logins = { password: 0, refresh_token: 0 };

  readonly fetch: Fetch = async (url, init) => await this.answer(new Request(url, init));

  async answer(request: Request): Promise<Response> {
    const body = await request.clone().text();
    const response = this.#route(request, body);
    const url = new URL(request.url);
    this.exchanges.push({
      method: request.method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      body,
      status: response.status,
      answer: await response.clone().text(),
    });
    return response;
  }

  /** Serves over HTTP on loopback, or over HTTPS with a certificate. */
  serve(tls: { cert?: string; key?: string } = {}): { url: string; port: number } & AsyncDisposable {
    const handler = (request: Request) => this.answer(request);
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    const { cert, key } = tls;
    const server = cert === undefined || key === undefined
      ? Deno.serve(options, handler)
      : Deno.serve({ ...options, cert, key }, handler);
    const { port } = server.addr;
    const scheme = cert === undefined ? "http" : "https";
    return { url: `${scheme}://127.0.0.1:${port}`, port, [Symbol.asyncDispose]: () => server.shutdown() };
  }

  /** Ends every session, as another program with the same user does. */
  endSessions(): void {
    this.#access.clear();
  }

  #route(request: Request, body: string): Response {
    const { pathname, searchParams } = new URL(request.url);
    const special = this.instead(pathname);
    if (special !== undefined) return special;
    if (pathname === "/api/token" && request.method === "POST") return this.#token(new URLSearchParams(body));
    const [, version = "", rest = ""] = /^\/api\/(v[\d.]+)(\/.*)$/.exec(pathname) ?? [];
    const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
    if ((this.#access.get(token) ?? 0) <= this.#clock.now()) return problem(401, "The token is not valid");
    if (!this.versions.includes(version) || this.absent.has(rest)) return problem(404, "Not found");
    if (this.forbidden.has(rest)) return problem(403, "Access is denied");
    if (rest === "/about") {
      return Response.json({ name: "Veeam ONE", version: "13.0.1.100", machine: "one-1", logPath: null });
    }
    if (rest === "/alarms/triggeredAlarms/resolve" && request.method === "POST") return this.#resolve(body);
    return this.#get(rest, searchParams);
  }

  #get(path: string, query: URLSearchParams): Response {
    const one = /^\/alarms\/triggeredAlarms\/(\d+)(\/triggeredChildAlarms)?$/.exec(path);
    if (one !== null) {
      const alarm = this.lists.get("/alarms/triggeredAlarms")!.find((row) =>
        row.triggeredAlarmId === Number(one[1])
      );
      if (alarm === undefined) return problem(404, `The alarm ${one[1]} was not found`);
      if (one[2] === undefined) return Response.json(alarm);
      const { triggeredAlarmId: id, triggeredTime, description } = alarm;
      const children = id !== 4711 ? [] : [{
        childAlarmId: 1,
        triggeredAlarmId: id,
        triggeredTime,
        status: "Warning",
        source: "db-01",
        description,
        repeatCount: 1,
        comment: null,
      }];
      return page(children, query, this.cap, undefined);
    }
    const rows = this.lists.get(path);
    if (rows === undefined) return problem(404, "Not found");
    this.onPage(path, Number(query.get("Offset") ?? 0));
    const filter = query.get("Filter");
    if (filter !== null && this.refusesFilter) return problem(400, "The filter is not valid");
    return page(filter === null ? rows : rows.filter(conditionOf(filter)), query, this.cap, this.lie);
  }

  #resolve(body: string): Response {
    const { triggeredAlarmIds, comment } = JSON.parse(body);
    for (const alarm of this.lists.get("/alarms/triggeredAlarms")!) {
      if (!triggeredAlarmIds.includes(alarm.triggeredAlarmId)) continue;
      alarm.status = "Resolved";
      alarm.comment = comment;
    }
    return new Response(null, { status: 200 });
  }

  #token(form: URLSearchParams): Response {
    const kind = form.get("grant_type");
    if (kind === "refresh_token") {
      if (!this.#refresh.delete(form.get("refresh_token") ?? "")) {
        return problem(400, "The refresh token is not valid");
      }
    } else if (kind !== "password") return problem(400, "The grant type is not valid");
    else if (form.get("username") !== this.user || form.get("password") !== this.password) {
      return problem(400, "The user name or password is incorrect");
    }
    this.logins[kind]++;
    const number = ++this.#issued;
    this.#access.set(`access-${number}`, this.#clock.now() + this.tokenSeconds * 1000);
    this.#refresh.add(`refresh-${number}`);
    return Response.json({
      access_token: `access-${number}`,
      refresh_token: `refresh-${number}`,
      token_type: "Bearer",
      expires_in: this.tokenSeconds,
    });
  }
}

function problem(status: number, detail: string): Response {
  return Response.json({ type: "about:blank", title: "Error", status, detail }, {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}

function page(rows: readonly Row[], query: URLSearchParams, cap: number, lie: number | undefined): Response {
  const offset = Number(query.get("Offset") ?? 0);
  const limit = Math.min(cap, Number(query.get("Limit") ?? 100));
  return Response.json({ items: rows.slice(offset, offset + limit), totalCount: lie ?? rows.length });
}

function conditionOf(text: string): (row: Row) => boolean {
  const { property, operation, value } = JSON.parse(text);
  return (row) => operation === "in" ? value.includes(row[property]) : row[property] === value;
}

const UID = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

/** A small installation: two backup servers, tapes, alarms, a repository without end. */
function furnish(lists: Map<string, Row[]>): void {
  lists.set("/vbr/backupServers", [
    server(1, "vbr-1", "Connected", null),
    { ...server(2, "vbr-2", "Disconnected", "The RPC server is unavailable"), enterpriseManagerId: 1 },
  ]);
  lists.set("/vbr/repositories", [
    repository(11, "Main repository", 1, 10_995_116_277_760, 1_099_511_627_776, 12),
    repository(12, "Archive bucket", 2, 0, 0, null),
  ]);
  lists.set("/vbr/scaleoutRepositories", [{
    scaleoutRepositoryId: 21,
    scaleoutRepositoryUidInVbr: UID(21),
    backupServerId: 1,
    name: "Scale-out 1",
    capacityBytes: 21_990_232_555_520,
    freeSpaceBytes: 10_995_116_277_760,
    runningTasks: 0,
    outOfSpaceInDays: null,
    state: "Normal",
    scaleoutRepositoryPolicy: "DataLocality",
  }]);
  lists.set("/vbr/tapeServers", [{
    tapeServerId: 31,
    tapeServerUidInVbr: UID(31),
    backupServerId: 1,
    name: "tape-1",
    version: "13.0.1.1071",
    upgradeRequired: false,
  }]);
  lists.set("/alarms/triggeredAlarms", [
    alarm(
      4711,
      "Backup repository free space is low",
      "Error",
      "2030-01-14T03:04:05.1234567Z",
      "Main repository",
    ),
    alarm(4712, "Job state", "Warning", "2030-01-14T05:00:00", "Daily VMs"),
    alarm(4713, "Backup server connection failure", "Resolved", "2030-01-13T05:00:00+01:00", "vbr-2"),
  ]);
  lists.set("/vbrJobs/vmBackupJobs", [
    job("vmBackupJobUid", 41, "Daily VMs", 1, "Warning", "2030-01-14T01:00:00Z"),
    job("vmBackupJobUid", 42, "Databases", 2, "Failed", "2030-01-14T02:00:00Z"),
  ]);
  lists.set("/vbrJobs/backupToTapeJobs", [
    job("backupToTapeJobUid", 51, "Weekly to tape", 1, "Success", "2030-01-12T20:00:00Z"),
  ]);
  for (const kind of EMPTY) lists.set(`/vbrJobs/${kind}`, []);
}

const EMPTY = [
  "vmReplicationJobs",
  "vmCopyJobs",
  "vmSnapshotOnlyJobs",
  "sureBackupJobs",
  "backupCopyJobs",
  "agentBackupJobs",
  "agentPolicies",
  "applicationBackupJobs",
  "transactionLogBackupJobs",
  "fileBackupJobs",
  "fileCopyJobs",
  "objectStorageBackupJobs",
  "cloudDirectorBackupJobs",
  "cloudDirectorReplicationJobs",
  "cdpPolicies",
  "fileToTapeJobs",
  "objectToTapeJobs",
];

function server(id: number, name: string, connectionState: string, connectionError: string | null): Row {
  return {
    backupServerId: id,
    name,
    version: "13.0.1.1071",
    isCluster: false,
    connectionState,
    connectionError,
    isConfigurationBackupEnabled: id === 1,
  };
}

function repository(
  id: number,
  name: string,
  owner: number,
  capacity: number,
  free: number,
  days: number | null,
): Row {
  return {
    repositoryId: id,
    repositoryUidInVbr: UID(id),
    backupServerId: owner,
    name,
    type: "LinuxHardened",
    capacityBytes: capacity,
    freeSpaceBytes: free,
    runningTasks: 1,
    maxConcurrentTasks: 4,
    outOfSpaceInDays: days,
    state: "Normal",
    path: "/mnt/backup",
    isImmutable: true,
    immutabilityIntervalDays: 7,
  };
}

function alarm(id: number, name: string, status: string, triggeredTime: string, objectName: string): Row {
  return {
    triggeredAlarmId: id,
    name,
    alarmTemplateId: 1,
    predefinedAlarmId: 1,
    triggeredTime,
    status,
    description: `${name}: ${objectName}`,
    comment: null,
    repeatCount: 2,
    alarmSource: { objectId: id, objectName, objectType: "Repository" },
    childAlarmsCount: id === 4711 ? 1 : 0,
    remediation: { items: [{ description: "Add space", mode: "Manual" }] },
  };
}

/** One job as its list has it. */
export function job(
  uid: string,
  n: number,
  name: string,
  owner: number,
  status: string,
  lastRun: string | null,
): Row {
  return {
    [uid]: UID(n),
    platform: "VMware",
    backupServerId: owner,
    status,
    details: status === "Failed" ? ["db-01: no space left"] : [],
    name,
    description: null,
    lastRun,
    lastRunDurationSec: 754,
    avgDurationSec: 700,
    lastTransferredDataBytes: 48_318_382_080,
  };
}
