/** The answers of a router: the envelope is read from the body, whatever its content type, and errors get words of ours. */
import { type UpstreamAnswer, UpstreamError } from "../lib/upstream.ts";

/** What went wrong, as a code. */
export type VyosCode =
  | "wrong_key"
  | "locked"
  | "confirm_pending"
  | "empty"
  | "refused"
  | "lost"
  | "proxy"
  | "connect"
  | "certificate_changed";

interface Envelope {
  success: boolean | undefined;
  data: unknown;
  error: string | null;
}

function envelopeOf(text: string): Envelope | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { success, data, error }: { success?: unknown; data?: unknown; error?: unknown } = value;
  return {
    success: typeof success === "boolean" ? success : undefined,
    // What was put to work in the background is told without envelope.
    data: "data" in value ? data ?? null : value,
    error: typeof error === "string" ? unescape(error) : null,
  };
}

/** Later releases escape these three in `error`, never in `data`. */
function unescape(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** The data of an answer of status 2xx. Errors: {@linkcode UpstreamError} for HTML, for no envelope, and for a refusal. */
export function dataOf(
  router: string,
  what: string,
  answer: UpstreamAnswer,
  clean: (text: string) => string,
): unknown {
  const envelope = envelopeOf(answer.text);
  if (envelope === undefined) {
    throw fault(router, what, "proxy", answer.status, "it is no answer of the router's API but of a proxy", {
      hint: "is the API switched on? See service https api",
    });
  }
  // Release 1.3 answers 200 with only `error` when its API is not there.
  if (envelope.success === undefined && envelope.error !== null) {
    throw fault(router, what, "proxy", answer.status, clean(envelope.error));
  }
  if (envelope.success === false) {
    throw refusal(router, what, answer.status, clean(envelope.error ?? "it gives no reason"));
  }
  return envelope.data;
}

/** An error of the call as an error of the router: what it means, and whether the call may have been done. */
export function meaningOf(router: string, what: string, error: unknown, write: boolean): unknown {
  if (!(error instanceof UpstreamError)) return error;
  const { upstreamStatus: status, body } = error;
  if (status === null) {
    // Nothing was sent when nobody was there; whatever broke later may have arrived.
    const unsent = error.code === "certificate_changed" || error.code === "address_refused" ||
      /refused|resolve|lookup|dns|unreachable|no route/i.test(error.message);
    if (!write || unsent) return error;
    return fault(router, what, "lost", null, "the answer was lost", { cause: error });
  }
  const envelope = envelopeOf(body);
  const said = (envelope?.error ?? errorIn(body))?.trim();
  if (status === 401) {
    return fault(router, what, "wrong_key", status, "it does not accept the API key", {
      hint: "set network.routers.<name>.api_key to a key of: show configuration commands | match https",
    });
  }
  if (status === 400 && said !== undefined) return refusal(router, what, status, said);
  if (status === 403) {
    return fault(router, what, "refused", status, "this host is not allowed", {
      hint: "see service https allow-client on the router",
    });
  }
  if (status === 413) return fault(router, what, "refused", status, "the request is larger than it takes");
  if (status === 500 && said?.includes("queue is full")) return refusal(router, what, status, said);
  if (status === 503 || status < 500) {
    return fault(router, what, "proxy", status, said ?? "it answered with a page of its proxy");
  }
  // 500, 502 and 504 say nothing about what became of the commit.
  return write
    ? fault(router, what, "lost", status, `the answer was lost (it answered ${status})`, { cause: error })
    : fault(router, what, "proxy", status, said ?? "it answered with a page of its proxy");
}

/** Long bodies were cut and are no JSON any more. */
function errorIn(body: string): string | undefined {
  const [, text] = /"error"\s*:\s*"((?:[^"\\]|\\.)*)/.exec(body) ?? [];
  return text === undefined ? undefined : unescape(text.replaceAll("\\n", "\n").replaceAll('\\"', '"'));
}

function refusal(router: string, what: string, status: number, text: string): UpstreamError {
  const said = text.trim().split(/\s*\n\s*/).filter((line) => line !== "").join("; ");
  if (/temporarily locked/i.test(said)) {
    return fault(router, what, "locked", status, "its configuration is locked by another commit", {
      hint: "somebody is committing on the router; try again shortly",
    });
  }
  if (/another confirm is pending/i.test(said)) {
    return fault(router, what, "confirm_pending", status, "another change waits there to be confirmed");
  }
  if (/under specified path is empty/i.test(said)) {
    return fault(router, what, "empty", status, "nothing is set there");
  }
  return fault(router, what, "refused", status, said.slice(0, 600));
}

function fault(
  router: string,
  what: string,
  code: VyosCode,
  status: number | null,
  reason: string,
  details: { hint?: string; cause?: unknown } = {},
): UpstreamError {
  return new UpstreamError(`Cannot ${what} on ${router}: ${reason}`, { status, code, ...details });
}

/** True for an error of a router with this code. */
export function isVyos(error: unknown, ...codes: VyosCode[]): error is UpstreamError {
  return error instanceof UpstreamError && codes.some((code) => code === error.code);
}
