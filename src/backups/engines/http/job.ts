/** One backup at the service: started, asked for until it is done, cancelled. */
import { HoldfastError } from "../../../lib/errors.ts";
import { systemClock } from "../../../lib/clock.ts";
import { formatDuration } from "../../../lib/duration.ts";
import type { UpstreamAnswer } from "../../../lib/upstream.ts";
import type { EngineContext } from "../../engine.ts";
import type { Service } from "./service.ts";
import { addressOf, valueAt, wordOf } from "./values.ts";

const DONE = ["done", "completed", "success", "succeeded", "finished"];
const FAILED = ["failed", "error", "cancelled", "canceled", "aborted"];
const INTERVAL_SECONDS = 5;
const TIMEOUT_SECONDS = 3600;
/** How long asking to cancel may take, in milliseconds. */
const CANCEL_MS = 10_000;

/** A backup that the service has made. */
export interface Finished {
  /** Where its status is told; undefined when the start's answer was all. */
  statusUrl: URL | undefined;
  /** Answers, the last one first: values are looked for in this order. */
  answers: unknown[];
}

/** Starts a backup and waits until it is done. When that fails it is cancelled, where the options say how. */
export async function runJob(service: Service, context: EngineContext): Promise<Finished> {
  const { start, poll, timeout_seconds = TIMEOUT_SECONDS } = service.options;
  const limit = AbortSignal.timeout(timeout_seconds * 1000);
  const url = new URL(start.url);
  context.progress({ phase: "read", done_bytes: 0, done_items: 0 });
  const first = await service.send({ method: start.method ?? "POST", url, json: start.json });
  const started = bodyOf(first, url);
  if (poll === undefined) return { statusUrl: undefined, answers: [started] };
  const answers = [started];
  try {
    const statusUrl = statusUrlOf(service, first, started);
    answers.unshift(await waitUntilDone(service, statusUrl, context, limit));
    return { statusUrl, answers };
  } catch (error) {
    await cancel(service, answers, context);
    context.signal.throwIfAborted();
    if (!limit.aborted) throw error;
    const waited = formatDuration(timeout_seconds);
    throw new HoldfastError("unavailable", `Cannot wait for ${url.host}: it was not done within ${waited}`, {
      code: "timeout",
    });
  }
}

function statusUrlOf(service: Service, { headers }: UpstreamAnswer, started: unknown): URL {
  const { start, poll } = service.options;
  const location = headers.get("location");
  if (poll?.url !== undefined) return addressOf(poll.url, [started], start.url);
  if (location !== null) return new URL(location, start.url);
  throw new HoldfastError(
    "upstream",
    `Cannot ask ${new URL(start.url).host} for a status: it named no Location`,
    {
      code: "no_value",
      hint: "say where with poll.url",
    },
  );
}

async function waitUntilDone(
  service: Service,
  url: URL,
  context: EngineContext,
  limit: AbortSignal,
): Promise<unknown> {
  const interval = (service.options.poll?.interval_seconds ?? INTERVAL_SECONDS) * 1000;
  const signal = AbortSignal.any([context.signal, limit]);
  let last: string | undefined;
  while (true) {
    const { status, answer } = await askStatus(service, url, signal);
    if (status !== last) context.log("info", `${url.host}: ${service.secrets.clean(status)}`);
    last = status;
    const percent = Number(valueAt(answer, service.options.poll?.percent ?? "/"));
    if (percent >= 0) {
      context.progress({ phase: "read", done_bytes: 0, done_items: percent, total_items: 100 });
    }
    if (isDone(service, status)) return answer;
    if ((service.options.poll?.failed ?? FAILED).includes(status)) throw failed(service, url, status, answer);
    await systemClock.sleep(interval, signal);
  }
}

/** True for a status of success. */
export function isDone(service: Service, status: string): boolean {
  return (service.options.poll?.done ?? DONE).includes(status);
}

/** What the service says of a backup. */
export async function askStatus(
  service: Service,
  url: URL,
  signal: AbortSignal,
): Promise<{ status: string; answer: unknown }> {
  const { poll } = service.options;
  const answer = bodyOf(await service.send({ method: "GET", url, headers: poll?.headers, signal }), url);
  const status = wordOf(valueAt(answer, poll?.status ?? ""));
  if (status !== undefined) return { status, answer };
  throw new HoldfastError(
    "upstream",
    `Cannot read the status at ${url.host}: its answer has none at ${poll?.status}`,
    {
      code: "no_value",
    },
  );
}

function failed(service: Service, url: URL, status: string, answer: unknown): HoldfastError {
  const { message } = service.options.poll ?? {};
  const said = message === undefined ? undefined : wordOf(valueAt(answer, message));
  const why = service.secrets.clean(said === undefined ? "" : `: ${said.slice(0, 500)}`);
  return new HoldfastError(
    "upstream",
    `Cannot make a backup at ${url.host}: its status is "${status}"${why}`,
    {
      code: "job_failed",
    },
  );
}

async function cancel(service: Service, answers: readonly unknown[], context: EngineContext): Promise<void> {
  const { cancel, start } = service.options;
  if (cancel === undefined) return;
  try {
    const url = addressOf(cancel.url, answers, start.url);
    await service.send({ method: cancel.method ?? "POST", url, signal: AbortSignal.timeout(CANCEL_MS) });
  } catch {
    context.log("warning", "The backup could not be cancelled at the service and may go on there");
  }
}

/** An empty answer is none; others have to be JSON. */
function bodyOf({ text }: UpstreamAnswer, url: URL): unknown {
  if (text.trim() === "") return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HoldfastError("upstream", `Cannot read the answer of ${url.host}: it is not JSON`, {
      code: "not_json",
      cause: error,
    });
  }
}
