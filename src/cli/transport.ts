/**
 * How a command reaches the services: the daemon's socket, a remote daemon, or this process itself.
 *
 * All three take the same operations and give the same answers and errors.
 */
import { localIdentity, localUser } from "../lib/caller.ts";
import { fromProblem, HoldfastError, messageOf } from "../lib/errors.ts";
import { type Caller, invoke, isStream, type Kernel, type Operation, parseRoute } from "../lib/operation.ts";
import { at } from "./cells.ts";

/** A way to call operations. */
export interface Transport {
  /** `process` holds the data directory, so that what it starts ends with it; `standalone` holds nothing. */
  readonly kind: "process" | "standalone" | "socket" | "remote";
  /**
   * `report` takes the events of an operation with `progress` until its answer is there; `take` the rows of one with `parts`,
   * where they come from this process.
   */
  call(
    op: Operation,
    input: Record<string, unknown>,
    signal: AbortSignal,
    report?: (event: unknown) => void,
    take?: (rows: readonly unknown[]) => void,
  ): Promise<unknown>;
  stream(op: Operation, input: Record<string, unknown>, signal: AbortSignal): AsyncIterable<unknown>;
  close(): Promise<void>;
}

/** The transport into this process: the same operations, the same checks, no daemon. */
export function processTransport(
  kind: "process" | "standalone",
  kernel: Kernel<unknown>,
  signal: AbortSignal,
  close: () => Promise<void>,
): Transport {
  const caller = (): Caller => ({
    ...localIdentity(localUser()),
    request_id: crypto.randomUUID(),
    operation: "",
    signal,
    trail: { lines: 0 },
  });
  return {
    kind,
    call: (op, input, _, report, take) =>
      Promise.resolve(invoke(kernel, op, input, {
        ...caller(),
        ...(report === undefined ? {} : { report }),
        ...(take === undefined ? {} : { take }),
      })),
    async *stream(op, input) {
      const events = await invoke(kernel, op, input, caller());
      if (isStream(events)) yield* events;
    },
    close,
  };
}

/** Where a daemon answers over HTTP. */
export interface HttpTarget {
  kind: "socket" | "remote";
  /** `https://host:8420`, or any name for a socket. */
  url: string;
  socketPath?: string;
  headers: Record<string, string>;
}

/** A transport over HTTP. */
export function httpTransport(target: HttpTarget): Transport {
  const client = target.socketPath === undefined
    ? undefined
    : Deno.createHttpClient({ proxy: { transport: "unix", path: target.socketPath } });

  async function send(
    op: Operation,
    input: Record<string, unknown>,
    signal: AbortSignal,
    accept: Record<string, string> = {},
  ): Promise<Response> {
    const { url, init } = requestOf(op, input, target.url);
    let response: Response;
    try {
      response = await fetch(url, {
        ...init,
        headers: { ...init.headers, ...accept, ...target.headers },
        signal,
        redirect: "error",
        ...(client === undefined ? {} : { client }),
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw unreachable(target, error);
    }
    // Operations whose status tells something answer in their own shape; a problem document stays a problem.
    const own = typeof op.status === "object" && typeOf(response) === "application/json";
    if (response.ok || own) return response;
    throw withKeyHint(await failureOf(response), target);
  }

  /** What broke while an answer was read. */
  function broken(error: unknown, signal: AbortSignal): unknown {
    if (error instanceof HoldfastError) return error;
    if (signal.aborted) return signal.reason;
    return new HoldfastError(
      "unavailable",
      `Cannot read the answer of ${target.url}: the connection was lost`,
      {
        cause: error,
      },
    );
  }

  async function* eventsOf(response: Response, signal: AbortSignal): AsyncIterable<unknown> {
    try {
      if (response.body !== null) yield* readEvents(response.body);
    } catch (error) {
      throw broken(error, signal);
    }
  }

  return {
    kind: target.kind,
    async call(op, input, signal, report) {
      const watched = report !== undefined && op.progress === true;
      const response = await send(op, input, signal, watched ? EVENTS_FIRST : {});
      if (watched && isEvents(response)) return await resultOf(eventsOf(response, signal), report);
      const text = await response.text().catch((error: unknown) => {
        throw broken(error, signal);
      });
      if (text === "") return undefined;
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new HoldfastError("upstream", `Cannot read the answer of ${target.url}: it is not JSON`, {
          cause: error,
        });
      }
    },
    async *stream(op, input, signal) {
      const response = await send(op, input, signal);
      if (!isEvents(response)) {
        await response.body?.cancel();
        throw new HoldfastError("upstream", `Cannot read the answer of ${target.url}: it is no event stream`);
      }
      yield* eventsOf(response, signal);
    },
    close() {
      client?.close();
      return Promise.resolve();
    },
  };
}

/** A daemon that has no events to tell answers as always. */
const EVENTS_FIRST = { accept: "text/event-stream, application/json;q=0.5" };

/** What work that is watched ended with; its other events are reported. */
async function resultOf(
  events: AsyncIterable<unknown>,
  report: (event: unknown) => void,
): Promise<unknown> {
  let result: { result: unknown } | undefined;
  for await (const event of events) {
    if (at(event, "type") === "result") result = { result: at(event, "result") };
    else report(event);
  }
  if (result !== undefined) return result.result;
  throw new HoldfastError("upstream", "Cannot tell the result: the stream ended early");
}

function isEvents(response: Response): boolean {
  return typeOf(response) === "text/event-stream";
}

function typeOf(response: Response): string {
  return (response.headers.get("content-type") ?? "").split(";")[0]!.trim();
}

function requestOf(
  op: Operation,
  input: Record<string, unknown>,
  base: string,
): { url: string; init: RequestInit } {
  const { method, path } = parseRoute(op.route);
  const rest = { ...input };
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = rest[name];
    delete rest[name];
    return segment(op, name, String(value ?? ""));
  });
  const url = new URL(base.replace(/\/+$/, "") + filled);
  const { body, ...besideText } = rest;
  if (op.body === "text") {
    addQuery(url, besideText);
    return {
      url: url.href,
      init: { method, headers: { "content-type": "text/plain" }, body: String(body ?? "") },
    };
  }
  if (method === "GET" || method === "DELETE") {
    addQuery(url, rest);
    return { url: url.href, init: { method } };
  }
  return {
    url: url.href,
    init: { method, headers: { "content-type": "application/json" }, body: JSON.stringify(rest) },
  };
}

/** A value as one segment of a path. Errors: `invalid` for the values an address cannot carry in that place. */
function segment(op: Operation, name: string, value: string): string {
  if (!["", ".", ".."].includes(value)) return encodeURIComponent(value);
  throw new HoldfastError("invalid", `Cannot ${op.name}: ${name}: must not be "${value}"`);
}

function addQuery(url: URL, fields: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === null) continue;
    for (const item of Array.isArray(value) ? value : [value]) {
      url.searchParams.append(name, typeof item === "object" ? JSON.stringify(item) : String(item));
    }
  }
}
async function failureOf(response: Response): Promise<HoldfastError> {
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = { detail: `The server answered ${response.status} without a reason` };
  }
  const wait = Number(response.headers.get("retry-after"));
  return fromProblem(response.status, body, wait > 0 ? wait : undefined);
}

function unreachable(target: HttpTarget, error: unknown): HoldfastError {
  if (target.kind === "socket" && /permission denied/i.test(messageOf(rootOf(error)))) {
    return new HoldfastError(
      "forbidden",
      `Cannot reach the daemon: "${target.socketPath}" is not for this user`,
      {
        cause: error,
        hint: "run as the daemon's user or root, or use --api-url with --api-key-file",
      },
    );
  }
  if (target.kind === "socket") {
    return new HoldfastError(
      "unavailable",
      `Cannot reach the daemon: nobody answers on "${target.socketPath}"`,
      {
        cause: error,
        hint: `start the daemon; if it was killed and is not meant to run, remove that file`,
      },
    );
  }
  const raw = messageOf(rootOf(error));
  const [, reason, hint] = NETWORK_REASONS.find(([pattern]) => pattern.test(raw)) ?? [];
  return new HoldfastError("unavailable", `Cannot reach ${target.url}: ${reason ?? raw}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** What the runtime says of a network, and what a person says. */
const NETWORK_REASONS: readonly (readonly [RegExp, string, string])[] = [
  [/connection refused/i, "connection refused", "does the daemon run there, and is that its port?"],
  [/corrupt message|InvalidContentType/i, "what answers there speaks no TLS", "is it http:// there?"],
  [/lookup address|name resolution|dns error/i, "no host has that name", "look at api.url"],
  [
    /UnknownIssuer|certificate/i,
    "its certificate is not trusted on this host",
    "add its authority to this host's",
  ],
];

/** Over the network a login is a key, which the command line is given in a file. */
function withKeyHint(error: HoldfastError, { kind, headers }: HttpTarget): HoldfastError {
  if (kind !== "remote" || error.kind !== "unauthenticated") return error;
  const { message, code, errors, cause, retryAfterSeconds } = error;
  const hint = headers["x-api-key"] === undefined
    ? "give a key with --api-key-file FILE; on that host: holdfast api-keys create"
    : "look there whether the key is still good: holdfast api-keys list";
  return new HoldfastError("unauthenticated", message, {
    code,
    errors,
    cause,
    hint,
    ...(retryAfterSeconds === undefined ? {} : { retry_after_seconds: retryAfterSeconds }),
  });
}

function rootOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? rootOf(error.cause) : error;
}

/** Events of a server-sent stream; an event `error` is thrown as what it stands for. Errors: `upstream` for what is no event. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncIterable<unknown> {
  let buffer = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    buffer += chunk;
    for (let end = buffer.indexOf("\n\n"); end >= 0; end = buffer.indexOf("\n\n")) {
      const lines = buffer.slice(0, end).split("\n");
      buffer = buffer.slice(end + 2);
      const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (data === "") continue;
      const event = parseEvent(data);
      if (
        lines.includes("event: error") && typeof event === "object" && event !== null && "status" in event
      ) {
        throw fromProblem(Number(event.status), event);
      }
      yield event;
    }
  }
}

function parseEvent(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch (error) {
    throw new HoldfastError("upstream", "Cannot read an event: it is not JSON", { cause: error });
  }
}
