/** Answers: JSON, problem documents, event streams, and the headers all of them carry. */
import { getLogger } from "@logtape/logtape";
import { HoldfastError, toProblem } from "../lib/errors.ts";

const log = getLogger(["holdfast", "api"]);

/** On every answer: nothing is sniffed, framed, cached or referred to. */
const SECURE_HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

/** Headers of an answer; a plain record, which the runtime turns into its own form once. */
export function headersFor(requestId: string, type: string | null): Record<string, string> {
  const headers = { ...SECURE_HEADERS, "x-request-id": requestId };
  return type === null ? headers : { ...headers, "content-type": type };
}

/** A JSON answer; status 204 has no body. */
export function json(value: unknown, status: number, requestId: string): Response {
  if (status === 204) return new Response(null, { status, headers: headersFor(requestId, null) });
  return new Response(JSON.stringify(value ?? null), {
    status,
    headers: headersFor(requestId, "application/json"),
  });
}

/** Any thrown value as `application/problem+json`. */
export function problem(error: unknown, requestId: string): Response {
  const body = toProblem(error, requestId);
  const headers = headersFor(requestId, "application/problem+json");
  if (error instanceof HoldfastError && error.retryAfterSeconds !== undefined) {
    headers["retry-after"] = String(Math.ceil(error.retryAfterSeconds));
  }
  if (body.status === 401) headers["www-authenticate"] = 'Bearer realm="holdfast"';
  return new Response(JSON.stringify(body), { status: body.status, headers });
}

/** Between events: keeps proxies from closing the connection, and finds out about clients that are gone. */
const HEARTBEAT_MS = 15_000;

/** Heartbeats between two looks at the credentials: a minute, as over a WebSocket. */
const RECHECK_BEATS = 4;

/**
 * Server-sent events from an async iterable. An event's `type` is its name and its `id`, if it has one, its id. An
 * error in the middle becomes an event `error` holding the problem document; the status is long sent by then. So does
 * an error of `recheck`, which is asked every minute whether the client may still read.
 */
export function eventStream(
  events: AsyncIterable<unknown>,
  requestId: string,
  recheck: () => Promise<void> = () => Promise.resolve(),
): Response {
  const iterator = events[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  let timer: ReturnType<typeof setInterval> | undefined;
  let cancelled = false;
  let beats = 0;
  const stop = () => clearInterval(timer);
  const fail = (controller: ReadableStreamDefaultController<Uint8Array>, error: unknown) => {
    stop();
    // Nobody reads any more: what the iterator says about that is no news.
    if (cancelled) return;
    cancelled = true;
    const body = toProblem(error, requestId);
    if (body.status >= 500) log.error("A stream failed", { request_id: requestId, error });
    controller.enqueue(encoder.encode(formatEvent({ type: "error", ...body })));
    controller.close();
  };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      timer = setInterval(() => {
        // A client that does not read gets no heartbeats piled up either.
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(":\n\n"));
        if (++beats % RECHECK_BEATS === 0) recheck().catch((error: unknown) => fail(controller, error));
      }, HEARTBEAT_MS);
      controller.enqueue(encoder.encode(":\n\n"));
    },
    async pull(controller) {
      try {
        const next = await iterator.next();
        if (cancelled) return;
        if (next.done) {
          stop();
          controller.close();
        } else {
          controller.enqueue(encoder.encode(formatEvent(next.value)));
        }
      } catch (error) {
        fail(controller, error);
      }
    },
    async cancel() {
      cancelled = true;
      stop();
      await iterator.return?.();
    },
  }, { highWaterMark: 2 });
  return new Response(body, { headers: headersFor(requestId, "text/event-stream") });
}

function formatEvent(event: unknown): string {
  const named = typeof event === "object" && event !== null ? event : {};
  const id = "id" in named ? fieldLine("id", named.id) : "";
  const type = "type" in named ? fieldLine("event", named.type) : "";
  return `${id}${type}data: ${JSON.stringify(event)}\n\n`;
}

/** A field of one line; a value that would begin another one is left out. */
function fieldLine(name: string, value: unknown): string {
  if (typeof value !== "string" && typeof value !== "number") return "";
  return /[\r\n\0]/.test(String(value)) ? "" : `${name}: ${value}\n`;
}
