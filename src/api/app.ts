/**
 * The HTTP projection of the operations: one route each, one handler for all.
 *
 * A request becomes a caller and an input; `invoke()` does the rest. The same application serves TCP, where
 * credentials count, and the Unix socket, where the file mode has already decided.
 */
import { getLogger } from "@logtape/logtape";
import { Hono } from "hono";
import { isDeepStrictEqual } from "node:util";
import { addressGroup } from "../lib/address.ts";
import type { Identity } from "../lib/caller.ts";
import type { Clock } from "../lib/clock.ts";
import { noteRequest } from "../lib/courtesy.ts";
import { HoldfastError, type Problem } from "../lib/errors.ts";
import { hasRole, invoke, isStream, type Kernel, type Operation, parseRoute } from "../lib/operation.ts";
import { watchWork } from "../lib/progress.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Authenticate, Peer } from "./authenticate.ts";
import { Callers, requestId } from "./callers.ts";
import { docsRoutes } from "./docs.ts";
import { eventStream, headersFor, json, problem } from "./respond.ts";
import { prefersEvents, readInput } from "./request.ts";
import { Strangers, upgrade } from "./websocket.ts";

/** What the API is made of. */
export interface ApiOptions {
  kernel: Kernel<unknown>;
  operations: readonly Operation[];
  authenticate: Authenticate;
  metrics: Metrics;
  clock: Clock;
  settings: {
    max_body_bytes: number;
    rate_per_minute: number;
    rate_burst: number;
    cors_origins: readonly string[];
    trusted_proxies: readonly string[];
    metrics_public: boolean;
  };
}

/** The application as a function of a request and where it came from. */
export type ApiFetch = (request: Request, peer: Peer) => Promise<Response>;

interface Env {
  Bindings: { peer: Peer };
}

const log = getLogger(["holdfast", "api"]);

/** Builds the application. */
export function createApi(options: ApiOptions): ApiFetch {
  const app = new Hono<Env>();
  const handle = handler(options);
  for (const op of options.operations) {
    for (const route of [op.route, ...(op.aliases ?? [])]) {
      const { method, path } = parseRoute(route);
      const pattern = path.replaceAll(/\{(\w+)\}/g, ":$1");
      app.on(method, pattern, (c) => handle(op, path, c.req.raw, c.req.param(), c.env.peer));
    }
  }
  for (const op of options.operations) {
    if (op.websocket !== undefined) app.get(op.websocket, (c) => handle.websocket(op, c.req.raw, c.env.peer));
  }
  app.get("/metrics", (c) => handle.metrics(c.req.raw, c.env.peer));
  docsRoutes(app, options.operations, requestId);
  const { routes } = app;
  app.notFound((c) => notFound(c.req.raw, c.req.path, routes));
  app.onError((error, c) => problem(error, requestId(c.req.raw)));
  const cors = corsPolicy(options.settings.cors_origins);
  return async (request, peer) => {
    noteRequest();
    const origin = request.headers.get("origin");
    const allowed = origin !== null && cors(origin);
    const answer = allowed && request.method === "OPTIONS"
      ? new Response(null, { status: 204, headers: headersFor(requestId(request), null) })
      : await app.fetch(request, { peer });
    if (allowed) addCors(answer.headers, origin);
    return answer;
  };
}

interface Route {
  method: string;
  path: string;
}

/** 405 with what is allowed where the path is known, else 404. */
function notFound(request: Request, path: string, routes: readonly Route[]): Response {
  const id = requestId(request);
  const methods = new Set(routes.filter((route) => matches(route.path, path)).map((route) => route.method));
  if (methods.size === 0) {
    const error = new HoldfastError("not_found", `Cannot find ${path}: no such path`, {
      hint: "see /docs for what there is",
    });
    return problem(error, id);
  }
  if (methods.has("GET")) methods.add("HEAD");
  return wrongMethod(`${request.method} ${path}`, [...methods].sort().join(", "), id);
}

function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split("/"), path.split("/")];
  return wanted.length === given.length &&
    wanted.every((part, i) => part.startsWith(":") ? given[i] !== "" : part === given[i]);
}

/** What only HTTP knows of and no operation can throw (RFC 9110 section 15.5.6). */
function wrongMethod(asked: string, allow: string, requestId: string): Response {
  const body: Problem = {
    detail: `Cannot ${asked}: allowed are ${allow}`,
    status: 405,
    title: "Method not allowed",
    code: "method_not_allowed",
    request_id: requestId,
    errors: [],
  };
  const headers = { ...headersFor(requestId, "application/problem+json"), allow };
  return new Response(JSON.stringify(body), { status: body.status, headers });
}

interface Handler {
  (
    op: Operation,
    route: string,
    request: Request,
    path: Record<string, string>,
    peer: Peer,
  ): Promise<Response>;
  metrics(request: Request, peer: Peer): Promise<Response>;
  websocket(op: Operation, request: Request, peer: Peer): Promise<Response>;
}

function handler(options: ApiOptions): Handler {
  const { kernel, settings, metrics } = options;
  const callers = new Callers(options);
  const strangers = new Strangers();

  async function answer(
    op: Operation,
    request: Request,
    path: Record<string, string>,
    peer: Peer,
  ): Promise<Response> {
    const caller = await callers.of(request, peer, { exempt: op.exempt, open: op.role === "public" });
    // Role before body: a stranger's megabyte is not read.
    const early = op.role !== "public" && !hasRole(caller.role, op.role);
    const url = request.url.includes("?") ? new URL(request.url) : null;
    const input = early ? {} : await readInput(op, request, url, path, settings.max_body_bytes);
    const over = new AbortController();
    const watched = op.progress === true && prefersEvents(request);
    const asking = op.stream || watched
      ? { ...caller, signal: AbortSignal.any([caller.signal, over.signal]) }
      : caller;
    const output = watched
      ? watchWork((report) => invoke(kernel, op, input, { ...asking, report }), () => over.abort())
      : await invoke(kernel, op, input, asking);
    if (isStream(output)) {
      const identity = callers.remember(request, peer);
      const recheck = async () => {
        try {
          requireSame(caller, await identity());
        } catch (error) {
          over.abort();
          throw error;
        }
      };
      const stream = eventStream(await begun(output), caller.request_id, recheck);
      // To HEAD only the headers go; events that nobody will read must not pile up.
      if (request.method === "HEAD") stream.body?.cancel().catch(() => {});
      return stream;
    }
    const status = typeof op.status === "object" ? op.status.of(output) : op.status ?? 200;
    return json(output, status, caller.request_id);
  }

  const handle = async (
    op: Operation,
    route: string,
    request: Request,
    path: Record<string, string>,
    peer: Peer,
  ) => {
    const started = performance.now();
    let response: Response;
    try {
      response = await answer(op, request, path, peer);
    } catch (error) {
      const id = requestId(request);
      response = problem(error, id);
      if (response.status >= 500) {
        log.error("{operation} failed", { operation: op.name, request_id: id, error });
      }
    }
    const seconds = (performance.now() - started) / 1000;
    metrics.request(route, request.method, response.status, seconds);
    if (log.isEnabledFor("debug")) {
      log.debug("{method} {route} {status}", {
        method: request.method,
        route,
        status: response.status,
        duration_ms: Math.round(seconds * 1000),
        request_id: response.headers.get("x-request-id"),
      });
    }
    return response;
  };

  const websocketAnswer = async (op: Operation, request: Request, peer: Peer) => {
    const id = requestId(request);
    try {
      const caller = await callers.of(request, peer, {});
      const input = await readInput(op, request, new URL(request.url), {}, settings.max_body_bytes);
      const identified = caller.kind !== "anonymous";
      // A refusal that is already certain is told by the status; what the first message brings comes later.
      if (identified && !hasRole(caller.role, op.role)) await invoke(kernel, op, input, caller);
      // Once upgraded, the request can be asked nothing more.
      const identity = callers.remember(request, peer);
      let began: Identity = caller;
      return upgrade(request, {
        identified,
        admit: () => strangers.enter(addressGroup(caller.address)),
        async begin(signal, token) {
          const fresh = { request_id: id, operation: "", signal, trail: { lines: 0 } };
          began = await identity(token);
          const output = await invoke(kernel, op, input, { ...began, ...fresh });
          if (!isStream(output)) throw new TypeError(`Operation "${op.name}" is no stream`);
          return output;
        },
        recheck: async (token) => requireSame(began, await identity(token)),
      }, id);
    } catch (error) {
      return problem(error, id);
    }
  };

  const metricsAnswer = async (request: Request, peer: Peer) => {
    try {
      const caller = await callers.of(request, peer, { exempt: true, open: settings.metrics_public });
      if (!settings.metrics_public && !hasRole(caller.role, "user")) {
        throw new HoldfastError("unauthenticated", "Cannot read metrics: log in or send an API key first", {
          hint: "metrics.public opens them",
        });
      }
      const { body, type } = await metrics.text();
      return new Response(body, { headers: headersFor(caller.request_id, type) });
    } catch (error) {
      return problem(error, requestId(request));
    }
  };
  return Object.assign(handle, { metrics: metricsAnswer, websocket: websocketAnswer });
}

/** What a stream shows was decided when it began; who may see less or more by now has to open it again. */
function requireSame(before: Identity, now: Identity): void {
  if (now.role === before.role && isDeepStrictEqual(now.servers, before.servers)) return;
  throw new HoldfastError("unauthenticated", "Cannot go on: what you may see has changed", {
    code: "rights_changed",
    hint: "open the stream again",
  });
}

/** A stream that has nothing to say yet is begun without waiting longer. */
const FIRST_EVENT_MS = 250;

/** A stream whose first event is there: what is wrong with the request is told by the status, not inside a 200. */
async function begun<T>(events: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const iterator = events[Symbol.asyncIterator]();
  const first = iterator.next();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise((resolve) => timer = setTimeout(resolve, FIRST_EVENT_MS));
  await Promise.race([first, limit]).finally(() => clearTimeout(timer));
  // It may still fail when the client is gone and nobody awaits it.
  first.catch(() => {});
  let begins = true;
  // No generator: one that was not begun ends without ending what it yields from.
  return {
    [Symbol.asyncIterator]: () => ({
      next() {
        if (!begins) return iterator.next();
        begins = false;
        return first;
      },
      async return() {
        return await iterator.return?.() ?? { done: true, value: undefined };
      },
    }),
  };
}

function corsPolicy(origins: readonly string[]): (origin: string) => boolean {
  if (origins.includes("*")) return () => true;
  const allowed = new Set(origins);
  return (origin) => allowed.has(origin);
}

/** Tokens travel in headers, never in cookies, so credentials mode stays off. */
function addCors(headers: Headers, origin: string): void {
  headers.set("access-control-allow-origin", origin);
  headers.append("vary", "origin");
  headers.set("access-control-allow-methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
  headers.set(
    "access-control-allow-headers",
    "authorization, content-type, x-api-key, x-request-id, last-event-id",
  );
  headers.set("access-control-expose-headers", "x-request-id, retry-after");
  headers.set("access-control-max-age", "600");
}
