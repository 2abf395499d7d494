/**
 * Streams over a WebSocket: the same operations as server-sent events, as JSON texts.
 *
 * A program sends its credentials as headers; a browser cannot, so the first message may be the token, or
 * `{"token": "..."}`. Every minute the credentials are checked again: a connection does not outlive a revoked token.
 * A client that does not read is not sent more: the stream waits, its own buffer drops what comes again anyway, and
 * after half a minute the connection is closed.
 */
import { getLogger } from "@logtape/logtape";
import { HoldfastError, messageOf, toProblem } from "../lib/errors.ts";

const log = getLogger(["holdfast", "api"]);

/** The runtime takes messages of up to 64 MiB, so connections of nobody known are few: all, and of one address. */
const [MAX_STRANGERS, MAX_STRANGERS_EACH] = [16, 4];

/** Connections that have not shown a token yet, by address. */
export class Strangers {
  readonly #counts = new Map<string, number>();
  #all = 0;

  /** Counts one more; call what is returned when it is gone or known. Errors: `rate_limited`. */
  enter(address: string): () => void {
    const count = this.#counts.get(address) ?? 0;
    if (this.#all >= MAX_STRANGERS || count >= MAX_STRANGERS_EACH) {
      throw new HoldfastError(
        "rate_limited",
        "Cannot open the WebSocket: too many connections wait for their token",
        {
          retry_after_seconds: TOKEN_WITHIN_MS / 1000,
          hint: "send the token at once, or as a header",
        },
      );
    }
    this.#all++;
    this.#counts.set(address, count + 1);
    let counted = true;
    return () => {
      if (!counted) return;
      counted = false;
      this.#all--;
      const left = (this.#counts.get(address) ?? 1) - 1;
      if (left === 0) this.#counts.delete(address);
      else this.#counts.set(address, left);
    };
  }
}

/** What a connection needs. */
export interface SocketOptions {
  /** True when the headers carried credentials, or the peer needs none. */
  identified: boolean;
  /** Counts a connection that is not identified yet, see {@linkcode Strangers}. Throws when it refuses. */
  admit(): () => void;
  /** Begins the stream for the credentials; `token` is absent when the headers said it all. Throws when it refuses. */
  begin(signal: AbortSignal, token?: string): Promise<AsyncIterable<unknown>>;
  /** Checks the credentials again. Throws when they are no longer good. */
  recheck(token?: string): Promise<void>;
}

const TOKEN_WITHIN_MS = 10_000;
const RECHECK_MS = 60_000;
const MAX_BUFFERED_BYTES = 128 * 1024;
const SLOW_LIMIT_MS = 30_000;
const DRAIN_POLL_MS = 50;
const IDLE_SECONDS = 30;

/** Close codes: RFC 6455, and 4401 as for HTTP's 401. */
const [NORMAL, INTERNAL, TRY_LATER, UNAUTHENTICATED, FORBIDDEN] = [1000, 1011, 1013, 4401, 4403];

/** Answers an upgrade request. Errors: `invalid` when it is none. */
export function upgrade(request: Request, options: SocketOptions, requestId: string): Response {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new HoldfastError("invalid", "Cannot open the WebSocket: the request is no upgrade", {
      code: "upgrade_required",
      hint: "use a WebSocket client, or the same stream as server-sent events",
    });
  }
  const known = options.identified ? () => {} : options.admit();
  const { socket, response } = accept(request, known);
  socket.addEventListener("close", known);
  socket.addEventListener("error", known);
  const ended = new AbortController();
  socket.addEventListener("close", () => ended.abort());
  socket.addEventListener("error", () => ended.abort());
  const opened = new Promise<void>((resolve) => {
    socket.addEventListener("open", () => resolve());
    ended.signal.addEventListener("abort", () => resolve());
  });
  const run = async () => {
    await opened;
    const token = options.identified ? undefined : await firstToken(socket, ended.signal);
    const events = await options.begin(ended.signal, token);
    known();
    const timer = setInterval(() => {
      options.recheck(token).catch((error) => fail(socket, error, requestId));
    }, RECHECK_MS);
    ended.signal.addEventListener("abort", () => clearInterval(timer), { once: true });
    await pump(socket, events, ended.signal);
  };
  run().then(
    () => close(socket, NORMAL, "the stream ended"),
    (error) => fail(socket, error, requestId),
  ).finally(() => ended.abort());
  return response;
}

function accept(request: Request, refused: () => void): Deno.WebSocketUpgrade {
  try {
    return Deno.upgradeWebSocket(request, { idleTimeout: IDLE_SECONDS });
  } catch (error) {
    refused();
    throw new HoldfastError("invalid", `Cannot open the WebSocket: ${messageOf(error)}`, { cause: error });
  }
}

/** The token of the first message. Errors: `unauthenticated` when none comes in time. */
function firstToken(socket: WebSocket, ended: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const missing = () =>
      reject(
        new HoldfastError("unauthenticated", "Cannot open the stream: no token came as the first message"),
      );
    const timer = setTimeout(missing, TOKEN_WITHIN_MS);
    ended.addEventListener("abort", () => {
      clearTimeout(timer);
      missing();
    }, { once: true });
    socket.addEventListener("message", ({ data }) => {
      clearTimeout(timer);
      const token = typeof data === "string" ? tokenIn(data) : undefined;
      token === undefined ? missing() : resolve(token);
    }, { once: true });
  });
}

/** A bare token, or one under the names clients give it. */
function tokenIn(text: string): string | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith("{")) return trimmed === "" ? undefined : trimmed.replace(/^Bearer\s+/i, "");
  try {
    const message: unknown = JSON.parse(trimmed);
    for (const name of ["token", "access_token", "api_key", "authorization"]) {
      const value: unknown = typeof message === "object" && message !== null
        ? Reflect.get(message, name)
        : undefined;
      if (typeof value === "string" && value !== "") return value.replace(/^Bearer\s+/i, "");
    }
  } catch {
    // Not JSON: no token either.
  }
  return undefined;
}

async function pump(socket: WebSocket, events: AsyncIterable<unknown>, ended: AbortSignal): Promise<void> {
  for await (const event of events) {
    await drained(socket, ended);
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send(JSON.stringify(event));
  }
}

/** Waits until the client has taken most of what it was sent. Errors: `unavailable` when it does not. */
async function drained(socket: WebSocket, ended: AbortSignal): Promise<void> {
  for (
    let waited = 0;
    socket.bufferedAmount > MAX_BUFFERED_BYTES && !ended.aborted;
    waited += DRAIN_POLL_MS
  ) {
    if (waited >= SLOW_LIMIT_MS) {
      throw new HoldfastError(
        "unavailable",
        "Cannot go on: the client does not read",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
  }
}

function fail(socket: WebSocket, error: unknown, requestId: string): void {
  const problem = toProblem(error, requestId);
  if (problem.status >= 500 && problem.status !== 503) {
    log.error("A stream failed", { request_id: requestId, error });
  }
  if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount < MAX_BUFFERED_BYTES) {
    socket.send(JSON.stringify({ type: "error", ...problem }));
  }
  const codes: Record<number, number> = { 401: UNAUTHENTICATED, 403: FORBIDDEN, 503: TRY_LATER };
  close(socket, codes[problem.status] ?? INTERNAL, problem.detail);
}

/** A reason has at most 123 bytes (RFC 6455, section 5.5). */
function close(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState > WebSocket.OPEN) return;
  const bytes = new TextEncoder().encode(reason).slice(0, 120);
  socket.close(code, new TextDecoder().decode(bytes).replaceAll("\uFFFD", ""));
}
