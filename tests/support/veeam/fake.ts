/**
 * A Veeam Backup & Replication server to test against: it has state, its tokens end and rotate, it speaks each revision in that
 * revision's words, and it can be told to behave as real ones were seen to.
 */
import { type Context, Hono } from "hono";
import type { Clock } from "../../../src/lib/clock.ts";
import type { Exchange } from "../openapi.ts";
import * as answers from "./answers.ts";
import {
  type FakeJob,
  type FakePoint,
  type FakeRepository,
  type FakeSession,
  instant,
  type Revision,
  since,
  SPOKEN,
} from "./model.ts";
import { bearerOf, only, problem, revisionOf } from "./replies.ts";
import { addRoutes } from "./routes.ts";

export type Role = "Administrator" | "Operator" | "Viewer";

/** What the fake is made of. */
export interface FakeVeeamOptions {
  clock: Clock;
  /** Newest revision it speaks; default the newest there is. */
  speaks?: Revision;
  jobs?: number;
  sessions?: number;
  /** Milliseconds each answer takes; real time. */
  latencyMs?: number;
  role?: Role;
}

/** One call and its answer, as they were. */
export interface Recorded extends Exchange {
  revision: string | null;
  status: number;
  answer: unknown;
}

interface Grant {
  access: string;
  refresh: string;
  expires: number;
  refreshExpires: number;
}

const MINUTE = 60_000;
const BUILDS: Record<Revision, string> = {
  "1.1-rev0": "12.0.0.1420",
  "1.2-rev1": "12.3.1.1139",
  "1.3-rev0": "13.0.0.4967",
  "1.3-rev1": "13.0.1.180",
  "1.3-rev2": "13.1.0.411",
};

/** One server. */
export class FakeVeeam {
  readonly clock: Clock;
  readonly jobs: FakeJob[] = [];
  readonly sessions: FakeSession[] = [];
  readonly repositories: FakeRepository[] = [];
  readonly points: FakePoint[] = [];
  /** Machines that are backed up, with the job that does. */
  readonly machines: { name: string; job: number }[] = [];
  readonly requests: Recorded[] = [];
  readonly practices: string[] = ["OK", "Violation"];
  user = "svc-holdfast";
  password = "correct horse battery";
  speaks: Revision;
  role: Role;
  latencyMs: number;
  /** Keep what was asked and answered; off for measuring. */
  recording = true;
  accessSeconds = 900;
  refreshSeconds = 14 * 86_400;
  /** `total` of lists, whatever there is. */
  lyingTotal: number | undefined;
  /** Most rows of one page, whatever is asked for. */
  maxPage = Infinity;
  /** Called after each page; rows may be added here. */
  onPage: ((path: string) => void) | undefined;
  /** Answers instead of the fake when it returns something. */
  override: ((request: Exchange) => Response | undefined) | undefined;
  mfa = false;
  /** False: what is started ends at once. */
  startsRun = true;
  licenseDays = 200;
  configBackupAgeDays: number | null = 0.5;
  malware: { machine: string; at: number }[] = [];
  logins = 0;
  refreshes = 0;
  logLines: string[] = ["Job started", "Processing web-01", "Processing db-01", "Job finished"];
  #grants: Grant[] = [];
  #deadRefresh = new Set<string>();
  readonly app = new Hono();

  constructor(options: FakeVeeamOptions) {
    this.clock = options.clock;
    this.speaks = options.speaks ?? "1.3-rev2";
    this.role = options.role ?? "Administrator";
    this.latencyMs = options.latencyMs ?? 0;
    this.#fill(options.jobs ?? 5, options.sessions ?? 20);
    this.#routes();
  }

  /** As `fetch`, for clients in this process. */
  readonly fetch = async (url: string, init: RequestInit): Promise<Response> =>
    await this.handle(new Request(url, init));

  /** Answers one request. */
  readonly handle = async (request: Request): Promise<Response> => {
    if (this.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, this.latencyMs));
    return await this.app.fetch(request);
  };

  /** Listens on loopback. */
  serve(tls?: { cert: string; key: string }): AsyncDisposable & { url: string; port: number } {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...(tls ?? {}) },
      this.handle,
    );
    const { port } = server.addr;
    return {
      url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
      port,
      [Symbol.asyncDispose]: () => server.shutdown(),
    };
  }

  /** Settings of a server of the configuration that is this one. */
  get settings() {
    return {
      host: "http://127.0.0.1:9419",
      port: null,
      username: this.user,
      password: this.password,
      ca_file: null,
      fingerprint: null,
      insecure: false,
      revision: null,
    };
  }

  /** Ends every login there is, as a restart of the service does. */
  forgetLogins(): void {
    this.#grants = [];
  }

  addSession(fields: Partial<FakeSession> & { job: number }): FakeSession {
    const job = this.jobs.find(({ n }) => n === fields.job);
    const created = fields.created ?? this.clock.now();
    const session: FakeSession = {
      n: this.sessions.length + 1,
      name: job?.name ?? `Job ${fields.job}`,
      type: "BackupJob",
      ended: created + 5 * MINUTE,
      result: "Success",
      message: "",
      ...fields,
      created,
    };
    this.sessions.push(session);
    if (job !== undefined) {
      job.session = session.n;
      job.lastRun = session.created;
      job.running = session.ended === null;
      job.result = session.result;
    }
    return session;
  }

  addJob(fields: Partial<FakeJob> & { name: string }): FakeJob {
    const job: FakeJob = {
      n: this.jobs.length + 1,
      type: "VSphereBackup",
      disabled: false,
      running: false,
      result: "Success",
      lastRun: null,
      session: null,
      repository: 1,
      ...fields,
    };
    this.jobs.push(job);
    return job;
  }

  #fill(jobs: number, sessions: number): void {
    const now = this.clock.now();
    const repository = (name: string, fields: Partial<FakeRepository> = {}) =>
      this.repositories.push({
        n: this.repositories.length + 1,
        name,
        type: "LinuxLocal",
        capacity: 299.4,
        free: 217.8,
        used: 173.4,
        scaleOut: null,
        ...fields,
      });
    repository("Main store");
    repository("Archive bucket", { type: "AmazonS3", capacity: 0, free: 0, used: 512 });
    repository("Extent A", { capacity: 1000, free: 100, used: 850, scaleOut: 1 });
    repository("Extent B", { capacity: 1000, free: 300, used: 650, scaleOut: 1 });
    for (let i = 1; i <= jobs; i++) {
      this.addJob({
        name: i === 1 ? "Daily VMs" : `Job ${String(i).padStart(4, "0")}`,
        type: i === 2 ? "WindowsAgentBackup" : i === 3 ? "BackupCopy" : "VSphereBackup",
        repository: i % 2 === 0 ? 3 : 1,
      });
    }
    for (let i = 0; i < sessions; i++) {
      const created = now - (sessions - i) * 10 * MINUTE;
      const job = this.jobs[i % Math.max(1, jobs)];
      this.addSession({
        job: job?.n ?? 1,
        created,
        ended: created + 5 * MINUTE,
        type: job?.type === "BackupCopy"
          ? "BackupCopyJob"
          : job?.type.includes("Agent")
          ? "AgentBackup"
          : "BackupJob",
      });
    }
    for (let i = 1; i <= 4; i++) {
      const machine = `vm-${i}`;
      this.machines.push({ name: machine, job: 1 });
      // The last one has not been backed up for a week.
      const age = i === 4 ? 8 * 24 * 60 : 60;
      for (let k = 0; k < 3; k++) {
        this.points.push({
          n: this.points.length + 1,
          machine,
          job: 1,
          created: now - (age + (2 - k) * 1440) * MINUTE,
          type: k === 0 ? "Full" : "Increment",
        });
      }
    }
    this.malware.push({ machine: "vm-2", at: now - 120 * MINUTE });
  }

  #routes(): void {
    const { app } = this;
    app.use("*", async (c, next) => {
      const url = new URL(c.req.url);
      const text = c.req.method === "GET" ? "" : await c.req.raw.clone().text();
      const contentType = c.req.header("content-type") ?? null;
      const exchange: Exchange = {
        method: c.req.method,
        path: url.pathname,
        query: url.searchParams,
        headers: c.req.raw.headers,
        body: text === ""
          ? undefined
          : contentType?.includes("json")
          ? JSON.parse(text)
          : Object.fromEntries(new URLSearchParams(text)),
        contentType,
      };
      const own = this.override?.(exchange);
      if (own !== undefined) return own;
      const refused = this.#gate(c);
      if (refused === undefined) await next();
      else c.res = refused;
      if (this.recording) {
        const body = await c.res.clone().text();
        this.requests.push({
          ...exchange,
          revision: c.req.header("x-api-version") ?? null,
          status: c.res.status,
          answer: body === "" ? undefined : JSON.parse(body),
        });
      }
      this.onPage?.(url.pathname);
    });
    app.onError((error) => {
      throw error;
    });
    app.notFound((c) => problem(c, 404, "NotFound", "There is no such resource."));
    app.post("/api/oauth2/token", async (c) => this.#token(c, Object.fromEntries(await c.req.formData())));
    app.post("/api/oauth2/logout", (c) => {
      this.#grants = this.#grants.filter(({ access }) => access !== bearerOf(c));
      return c.json({});
    });
    app.get("/api/v1/serverTime", (c) =>
      c.json({
        serverTime: instant(this.clock.now()),
        timeZone: "(UTC+02:00) Somewhere",
        ...(revisionOf(c) === "1.3-rev2" ? { ianaTimeZoneId: "Africa/Johannesburg" } : {}),
      }));
    app.get(
      "/api/v1/serverInfo",
      (c) => only(this, c, "Administrator") ?? c.json(answers.serverInfo(BUILDS[this.speaks], revisionOf(c))),
    );
    addRoutes(this);
  }

  /** Version and login, before anything else. */
  #gate(c: Context): Response | undefined {
    const asked = c.req.header("x-api-version");
    if (asked === undefined) {
      return problem(c, 400, "UnexpectedContent", "The x-api-version header is required.");
    }
    const spoken = SPOKEN.filter((one) => since(this.speaks, one));
    if (!spoken.some((one) => one === asked)) {
      const names = spoken.map((one) => `v${one}`).join(", ");
      return problem(
        c,
        400,
        "NotImplemented",
        `Unsupported RESTAPI version. The following versions are supported: ${names}.`,
      );
    }
    if (c.req.path === "/api/oauth2/token" || c.req.path === "/api/v1/serverTime") return undefined;
    const grant = this.#grants.find(({ access }) => access === bearerOf(c));
    if (grant === undefined) return problem(c, 401, "InvalidToken", "The token is not valid.");
    return grant.expires <= this.clock.now()
      ? problem(c, 401, "ExpiredToken", "The token has expired.")
      : undefined;
  }

  #token(c: Context, form: Record<string, unknown>): Response {
    if (form.grant_type === "refresh_token") {
      const refresh = String(form.refresh_token);
      const grant = this.#grants.find((one) => one.refresh === refresh && !this.#deadRefresh.has(refresh));
      if (grant === undefined || grant.refreshExpires <= this.clock.now()) {
        return problem(c, 401, "InvalidToken", "The refresh token is not valid.");
      }
      this.refreshes++;
      this.#deadRefresh.add(refresh);
      this.#grants = this.#grants.filter((one) => one !== grant);
      return c.json(this.#grant());
    }
    const right = form.username === this.user && form.password === this.password;
    if (this.mfa || !right) return problem(c, 401, "AccessDenied", "Authentication failed");
    this.logins++;
    return c.json(this.#grant());
  }

  #grant() {
    const now = this.clock.now();
    const grant: Grant = {
      access: `access-${crypto.randomUUID()}`,
      refresh: `refresh-${crypto.randomUUID()}`,
      expires: now + this.accessSeconds * 1000,
      refreshExpires: now + this.refreshSeconds * 1000,
    };
    this.#grants.push(grant);
    return {
      access_token: grant.access,
      token_type: "bearer",
      refresh_token: grant.refresh,
      expires_in: this.accessSeconds,
      ".issued": instant(now),
      ".expires": instant(grant.expires),
    };
  }
}
