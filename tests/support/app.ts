/** The whole application without sockets and without time: real services, real database, requests as function calls. */
import { join } from "node:path";
import { createApi } from "../../src/api/app.ts";
import type { Peer } from "../../src/api/authenticate.ts";
import { type DaemonApp, openDaemonApp } from "../../src/app.ts";
import { allOperations } from "../../src/catalogue.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { type Clock, systemClock } from "../../src/lib/clock.ts";
import type { Role } from "../../src/lib/operation.ts";

/** An application in a temporary directory, removed with it. */
export interface TestApp extends AsyncDisposable {
  app: DaemonApp;
  dir: string;
  /** Sends a request as from another host; `token` goes into the bearer header. */
  request(method: string, path: string, options?: RequestOptions): Promise<Response>;
  /** A bearer token of a fresh user with this role, assigned to these servers. */
  tokenFor(role: Exclude<Role, "public">, servers?: readonly number[]): Promise<string>;
}

export interface RequestOptions {
  token?: string;
  json?: unknown;
  headers?: Record<string, string>;
  body?: BodyInit;
  peer?: Peer;
}

const PASSWORD = "correct horse battery";

/** Opens an application; `settings` are configuration values by key. */
export async function testApp(settings: Record<string, string> = {}, clock: Clock = systemClock): Promise<TestApp> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-app-" });
  const loaded = await loadConfig({
    args: { data_dir: join(dir, "state"), ...settings },
    env: {},
    cwd: dir,
    systemFile: join(dir, "none.yaml"),
  });
  const app = await openDaemonApp(loaded, clock);
  await app.start();
  const { config } = loaded;
  const api = createApi({
    kernel: app.kernel,
    operations: await allOperations(),
    authenticate: app.authenticate,
    metrics: app.metrics,
    clock,
    settings: { ...config.api, metrics_public: config.metrics.public },
  });
  let users = 0;
  const request: TestApp["request"] = (method, path, { token, json, headers = {}, body, peer } = {}) =>
    api(
      new Request(`http://holdfast.test${path}`, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(json === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        ...(body === undefined ? {} : { body }),
      }),
      peer ?? { via: "tcp", address: "192.0.2.10" },
    );
  return {
    app,
    dir,
    request,
    async tokenFor(role, servers = []) {
      const username = `${role}-${++users}`;
      const local: RequestOptions = { peer: { via: "socket", address: null } };
      await expectOk(request("POST", "/api/v1/users", { ...local, json: { name: username, role, password: PASSWORD } }));
      if (servers.length > 0) {
        await expectOk(request("POST", `/api/v1/users/${username}/servers`, { ...local, json: { servers } }));
      }
      const answer = await expectOk(request("POST", "/api/v1/auth/token", { json: { username, password: PASSWORD } }));
      const { access_token } = await answer.json();
      return String(access_token);
    },
    async [Symbol.asyncDispose]() {
      await app.stop(AbortSignal.abort());
      await app.close();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

async function expectOk(pending: Promise<Response>): Promise<Response> {
  const response = await pending;
  if (!response.ok) throw new Error(`expected success, got ${response.status}: ${await response.text()}`);
  return response;
}
