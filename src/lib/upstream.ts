/**
 * What every upstream client shares: base address, trust, one token for parallel callers, time limits, retries that
 * are safe, pacing, bounded answers, and errors that name the upstream and hold no secret.
 *
 * Not built on an HTTP library: retries, pacing and token renewal have to run on the clock that is given, so that
 * hours of rate limits are tested in milliseconds; what would be left for a library is the call of fetch.
 */
import { type Clock, systemClock } from "./clock.ts";
import { Deadlines } from "./deadlines.ts";
import { HoldfastError, messageOf } from "./errors.ts";
import { redactText } from "./redact.ts";
import type { TokenCache } from "./token.ts";
import {
  deepest,
  notJson,
  reasonOf,
  type UpstreamAnswer,
  UpstreamError,
  waitSeconds,
} from "./upstream_answer.ts";
import { type Fetch, openWay, type Trust, type Way } from "./upstream_way.ts";

export { reasonOf, type UpstreamAnswer, UpstreamError, waitSeconds } from "./upstream_answer.ts";
export type { Fetch, Trust } from "./upstream_way.ts";

/** What makes an upstream. */
export interface UpstreamOptions {
  /** For errors: `Veeam server "vbr-1"`. */
  name: string;
  /** `https://host:9419`, with or without a path. */
  baseUrl: string;
  clock?: Clock;
  fetch?: Fetch;
  trust?: Trust;
  /** Token for each call; absent for upstreams without one. */
  token?: TokenCache;
  /** Headers of each call. */
  headers?: Record<string, string>;
  /** Time limit of one attempt, answer included, in milliseconds; default 30,000. */
  timeoutMs?: number;
  /** Largest answer read, in bytes; default 32 MiB. */
  maxAnswerBytes?: number;
  /** Further attempts after a failure that may pass; default 3. */
  retries?: number;
  /** Longest total wait between attempts of one call, in milliseconds; default 60,000. */
  retryBudgetMs?: number;
  /** Waits for this call's turn. */
  pace?: (request: UpstreamRequest, signal: AbortSignal) => Promise<void> | undefined;
  /** Sees each answer's status and headers, for learning limits. */
  onAnswer?: (status: number, headers: Headers, request: UpstreamRequest) => void;
  /** Told before each wait, for a line of progress. */
  onWait?: (ms: number, reason: string) => void;
  /** Secrets that must not show in errors, whatever the upstream echoes. */
  secrets?: () => readonly string[];
}

/** One call. */
export interface UpstreamRequest {
  method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the base address; ids in it are escaped by the client. */
  path: string;
  query?: Record<string, string | number | boolean | readonly string[] | undefined>;
  json?: unknown;
  form?: Record<string, string>;
  /** A body that is plain text. */
  text?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** May be sent twice without harm; default: GET, HEAD, PUT and DELETE. */
  idempotent?: boolean;
  /** Sent without token: the token call itself. */
  anonymous?: boolean;
  timeoutMs?: number;
  maxAnswerBytes?: number;
}

/** Further attempts on one that never answered yet: most likely it is not there, or called otherwise. */
const RETRIES_BEFORE_FIRST = 2;
const SAFE_TWICE: ReadonlySet<string> = new Set(["GET", "HEAD", "PUT", "DELETE"]);
const MAY_PASS: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
/** The upstream did nothing yet when it answers these, so that any call may be repeated. */
const REFUSED_UNDONE: ReadonlySet<number> = new Set([429, 503]);

/** A connection to one upstream. */
export class Upstream implements AsyncDisposable {
  readonly name: string;
  readonly #options: UpstreamOptions;
  readonly #base: URL;
  readonly #clock: Clock;
  readonly #deadlines = new Deadlines();
  #way: Promise<Way> | undefined;
  #answered = false;

  constructor(options: UpstreamOptions) {
    this.name = options.name;
    this.#options = options;
    this.#base = new URL(options.baseUrl.endsWith("/") ? options.baseUrl : `${options.baseUrl}/`);
    // What is asked comes behind it.
    this.#base.search = this.#base.hash = "";
    this.#clock = options.clock ?? systemClock;
  }

  /** Sends a call; answers 2xx. Errors: `UpstreamError` for any other answer or none, the signal's reason on abort. */
  async request(request: UpstreamRequest): Promise<UpstreamAnswer> {
    const { retries = 3, retryBudgetMs = 60_000 } = this.#options;
    const signal = request.signal ?? new AbortController().signal;
    let [budget, renewed] = [retryBudgetMs, false];
    for (let attempt = 0;; attempt++) {
      await this.#options.pace?.(request, signal);
      const token = request.anonymous ? undefined : await this.#options.token?.get(signal);
      try {
        const answer = await this.#send(request, token, signal);
        if (answer.status >= 200 && answer.status < 300) return answer;
        throw this.#refused(request, answer);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof UpstreamError)) throw error;
        if (error.upstreamStatus === 401 && token !== undefined && !renewed) {
          // Once: a token that was revoked or has just expired; a second 401 is an answer.
          renewed = true;
          this.#options.token?.drop(token);
          attempt--;
          continue;
        }
        const wait = retryDelay(error, attempt);
        const most = error.code === "connect" && !this.#answered
          ? Math.min(retries, RETRIES_BEFORE_FIRST)
          : retries;
        if (attempt >= most || !mayRepeat(request, error) || wait > budget) throw error;
        budget -= wait;
        this.#options.onWait?.(wait, error.message);
        await this.#clock.sleep(wait, signal);
      }
    }
  }

  /** Sends a call and parses its answer as JSON; an empty answer is undefined. Errors: as `request`, and for what is no JSON. */
  async json(request: UpstreamRequest): Promise<unknown> {
    const answer = await this.request({
      ...request,
      headers: { accept: "application/json", ...request.headers },
    });
    if (answer.text.trim() === "") return undefined;
    try {
      return JSON.parse(answer.text);
    } catch (error) {
      throw new UpstreamError(
        `Cannot read the answer of ${this.name} to ${request.method} ${request.path}: ${notJson(answer)}`,
        {
          status: answer.status,
          body: this.#clean(answer.text),
          code: "not_json",
          cause: error,
        },
      );
    }
  }

  async #send(
    request: UpstreamRequest,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<UpstreamAnswer> {
    const way = await (this.#way ??= openWay(this.#base, this.#options));
    const { body, type } = bodyOf(request);
    const headers = headersOf({ "content-type": type }, this.#options.headers, request.headers);
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    const limit = this.#deadlines.start(request.timeoutMs ?? this.#options.timeoutMs ?? 30_000);
    const init: RequestInit & { client?: Deno.HttpClient } = {
      method: request.method,
      headers,
      ...(body === undefined ? {} : { body }),
      redirect: "manual",
      signal: request.signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal]),
      ...(way.client === undefined ? {} : { client: way.client }),
    };
    try {
      const response = await (this.#options.fetch ?? fetch)(way.base + belowBase(request), init);
      this.#answered = true;
      this.#options.onAnswer?.(response.status, response.headers, request);
      const most = request.maxAnswerBytes ?? this.#options.maxAnswerBytes ?? 32 * 1024 * 1024;
      const text = await readBounded(
        response,
        most,
        () => `Cannot read the answer of ${this.name} to ${request.method} ${request.path}`,
      );
      return { status: response.status, headers: response.headers, text };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof UpstreamError) throw error;
      throw this.#unreachable(request, way.relay?.failure() ?? error, limit.signal.aborted);
    } finally {
      this.#deadlines.clear(limit);
    }
  }

  #refused(request: UpstreamRequest, answer: UpstreamAnswer): UpstreamError {
    const body = this.#clean(answer.text);
    const said = reasonOf(body) ??
      (answer.status >= 300 && answer.status < 400 ? "a redirect, which is not followed" : undefined);
    return new UpstreamError(
      `Cannot ${request.method} ${request.path} at ${this.name}: it answered ${answer.status}${
        said === undefined ? "" : `: ${said}`
      }`,
      { status: answer.status, body, wait: waitSeconds(answer.headers, this.#clock.now()) },
    );
  }

  #unreachable(request: UpstreamRequest, error: unknown, timedOut: boolean): UpstreamError {
    if (error instanceof HoldfastError) {
      return new UpstreamError(error.message, {
        status: null,
        code: error.code,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        cause: error,
      });
    }
    const reason = timedOut ? "no answer in time" : this.#clean(plainReason(messageOf(deepest(error))));
    return new UpstreamError(`Cannot reach ${this.name} for ${request.method} ${request.path}: ${reason}`, {
      status: null,
      code: timedOut ? "timeout" : "connect",
      cause: error,
    });
  }

  #clean(text: string): string {
    let clean = redactText(text);
    for (const secret of this.#options.secrets?.() ?? []) {
      if (secret.length < 4) continue;
      // As it is, as a form was sent, inside JSON, and inside JSON that a text in JSON repeats.
      const [once, twice] = [escaped(secret), escaped(escaped(secret))];
      for (const form of [twice, once, secret, encodeURIComponent(secret.toWellFormed())]) {
        clean = clean.replaceAll(form, "***");
      }
    }
    return clean.slice(0, 2000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const way = await this.#way?.catch(() => undefined);
    await way?.relay?.[Symbol.asyncDispose]();
    if (way?.relay === undefined) way?.client?.close();
  }
}

/** What fetch says without the whole address, which may be long, and without the layers it came through. */
function plainReason(text: string): string {
  return text.replace(
    /^error sending request (?:from \S+ )?for url \(.*?\)(?: \([^)]*\))?: (?:client error \(\w+\): )?/,
    "",
  );
}

/** A text as it stands inside a text of JSON. */
function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Path and query, put behind a base address that ends in a slash: whatever they hold, the host stays the same. */
function belowBase({ path, query = {} }: UpstreamRequest): string {
  const below = path.replace(/^\/+/, "");
  let [url, separator] = [below, below.includes("?") ? "&" : "?"];
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const item of typeof value === "object" ? value : [value]) {
      const text = typeof item === "string" ? encodeURIComponent(item.toWellFormed()) : item;
      url += `${separator}${encodeURIComponent(name)}=${text}`;
      separator = "&";
    }
  }
  return url;
}

/** Headers by their names in lower case, the last one counts. A plain record: `fetch` takes it in half the time. */
function headersOf(
  ...parts: (Readonly<Record<string, string | undefined>> | undefined)[]
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const part of parts) {
    for (const [name, value] of Object.entries(part ?? {})) {
      if (value !== undefined) headers[name.toLowerCase()] = value;
    }
  }
  return headers;
}

/** The body and what it is, unless the caller's headers know better. */
function bodyOf({ json, form, text }: UpstreamRequest): { body?: string; type?: string } {
  if (json !== undefined) return { body: JSON.stringify(json), type: "application/json" };
  if (text !== undefined) return { body: text, type: "text/plain" };
  if (form === undefined) return {};
  return { body: new URLSearchParams(form).toString(), type: "application/x-www-form-urlencoded" };
}

async function readBounded(response: Response, limit: number, failure: () => string): Promise<string> {
  if (response.body === null) return "";
  // Reading at once is several times faster; a size that is told is the size that comes, unless it is packed.
  const told = response.headers.get("content-length");
  if (told !== null && Number(told) <= limit && !response.headers.has("content-encoding")) {
    return await response.text();
  }
  const decoder = new TextDecoder();
  let [text, size] = ["", 0];
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > limit) {
      throw new UpstreamError(`${failure()}: it is larger than ${limit} bytes`, {
        status: response.status,
        code: "too_large",
      });
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function mayRepeat(request: UpstreamRequest, error: UpstreamError): boolean {
  const status = error.upstreamStatus;
  if (status !== null && !MAY_PASS.has(status)) return false;
  if (["certificate_changed", "address_refused", "too_large", "not_json"].includes(error.code)) return false;
  if (status !== null && REFUSED_UNDONE.has(status)) return true;
  return request.idempotent ?? SAFE_TWICE.has(request.method);
}

/** What the upstream asks for, else doubling from half a second, with jitter so that callers do not come back together. */
function retryDelay(error: UpstreamError, attempt: number): number {
  if (error.waitSeconds !== undefined) return error.waitSeconds * 1000 + Math.random() * 250;
  return Math.min(30_000, 500 * 2 ** attempt) * (0.75 + Math.random() / 2);
}
