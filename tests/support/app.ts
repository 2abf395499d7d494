/** The whole application without sockets and without time: real services, real database, requests as function calls. */
import { join } from "node:path";
import { type ApiFetch, createApi } from "../../src/api/app.ts";
import type { Peer } from "../../src/api/authenticate.ts";
import { type DaemonApp, openDaemonApp } from "../../src/app.ts";
import { allOperations } from "../../src/catalogue.ts";
import { loadConfig, type LoadedConfig } from "../../src/config/mod.ts";
import { type Clock, systemClock } from "../../src/lib/clock.ts";
import type { Role } from "../../src/lib/operation.ts";

/** An application in a temporary directory, removed with it. */
export interface TestApp extends AsyncDisposable {
  app: DaemonApp;
  /** What a listener is given. */
  api: ApiFetch;
  config: LoadedConfig["config"];
  dir: string;
  /** Sends a request as from another host; `token` (or an API key) goes into the bearer header. */
  request(method: string, path: string, options?: RequestOptions): Promise<Response>;
  /** The answer of a caller on this host, who may do everything. Throws unless it is a success. */
  local(method: string, path: string, json?: unknown): ReturnType<Response["json"]>;
  /** An API key with this role, limited to these servers unless absent; no password has to be hashed for it. */
  keyFor(role: Exclude<Role, "public">, servers?: readonly number[]): Promise<string>;
  /** A bearer token of a fresh user with this role, assigned to these servers. Costs two password hashes. */
  tokenFor(role: Exclude<Role, "public">, servers?: readonly number[]): Promise<string>;
}

export interface RequestOptions {
  token?: string | undefined;
  json?: unknown;
  headers?: Record<string, string>;
  body?: BodyInit;
  peer?: Peer;
  signal?: AbortSignal;
}

/** Password of every user these applications make. */
export const PASSWORD = "correct horse battery";
/** A caller on the Unix socket. */
export const SOCKET: Peer = { via: "socket", address: null };

/** Opens an application; `settings` are configuration values by key, or by the name of their variable. */
export async function testApp(
  settings: Record<string, string> = {},
  clock: Clock = systemClock,
): Promise<TestApp> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "holdfast-app-" }));
  const isVariable = ([name]: [string, string]) => /^[A-Z]/.test(name);
  const given = Object.entries(settings);
  const loaded = await loadConfig({
    args: { data_dir: join(dir, "state"), ...Object.fromEntries(given.filter((one) => !isVariable(one))) },
    env: Object.fromEntries(given.filter(isVariable)),
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
  let made = 0;
  const request: TestApp["request"] = (method, path, options = {}) =>
    api(requestOf(method, path, options), options.peer ?? { via: "tcp", address: "192.0.2.10" });
  const local: TestApp["local"] = async (method, path, json) => {
    const response = await request(method, path, { peer: SOCKET, json });
    const text = await response.text();
    if (!response.ok) throw new Error(`expected success, got ${response.status}: ${text}`);
    return text === "" ? null : JSON.parse(text);
  };
  return {
    app,
    api,
    config,
    dir,
    request,
    local,
    async keyFor(role, servers) {
      const { key } = await local("POST", "/api/v1/api-keys", { name: `${role}-${++made}`, role, servers });
      return String(key);
    },
    async tokenFor(role, servers = []) {
      const username = `${role}-${++made}`;
      await local("POST", "/api/v1/users", { name: username, role, password: PASSWORD, servers });
      const { access_token } = await local("POST", "/api/v1/auth/token", { username, password: PASSWORD });
      return String(access_token);
    },
    async [Symbol.asyncDispose]() {
      await app.stop(AbortSignal.abort());
      await app.close();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

function requestOf(
  method: string,
  path: string,
  { token, json, headers = {}, body, signal }: RequestOptions,
): Request {
  return new Request(`http://holdfast.test${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  });
}
