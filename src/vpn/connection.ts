/**
 * The way to one tenant: token, pacing, retries, and errors in the words of this client.
 *
 * The key goes into the header of the token call (HTTP Basic), never into an address, where proxies would log it. Every other
 * call carries the token. There is no request signing in this API: no HMAC, no signature header, no timestamp.
 */
import { z } from "zod";
import { type Clock, systemClock } from "../lib/clock.ts";
import { TokenCache } from "../lib/token.ts";
import {
  type Fetch,
  type Trust,
  Upstream,
  type UpstreamAnswer,
  UpstreamError,
  type UpstreamRequest,
} from "../lib/upstream.ts";
import { originOf, pathOf, type TenantAddress } from "./address.ts";
import { ApiError, AuthenticationError, errorOf, NetworkError, ValidationError } from "./errors.ts";
import { Limiter } from "./limiter.ts";
import { secretsIn } from "./secrets.ts";
import { fieldsTooNew, isAtLeast, type Version } from "./versions.ts";

/** What makes a connection. */
export interface ConnectionOptions extends TenantAddress {
  clientId: string;
  clientSecret: string;
  /** What the tenant is called in messages; default: its host. */
  name?: string | undefined;
  /** The release the tenant runs, where it is known: newer calls and fields are then refused here, with the reason. */
  version?: Version | undefined;
  /** Time limit of one try, in milliseconds; default 30,000. */
  timeoutMs?: number | undefined;
  /** Longest time one call waits between its tries after failures, pacing apart, in milliseconds; default 120,000. */
  retryBudgetMs?: number | undefined;
  /** Told before each wait: milliseconds, and why. */
  onWait?: ((ms: number, reason: string) => void) | undefined;
  fetch?: Fetch | undefined;
  clock?: Clock | undefined;
  trust?: Trust | undefined;
  /** In [0, 1), for jitter; default `Math.random`. */
  random?: (() => number) | undefined;
}

/** What each method takes besides what it is about. */
export interface CallOptions {
  /** Ends the call, waits included. */
  signal?: AbortSignal | undefined;
}

/** One call. */
export interface Call extends CallOptions {
  /** For errors: `list networks`. */
  action: string;
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Below `/api/v1`, ids as `{id}`. */
  path: string;
  ids?: Record<string, string>;
  query?: Record<string, string | number | boolean | undefined>;
  json?: unknown;
  text?: string;
  /** Release that brought the call. */
  since?: Version | undefined;
}

const PREFIX = "/api/v1";
/** As the vendor's own client: no answer is anywhere near that. */
const MAX_ANSWER_BYTES = 10_000_000;
const MAX_TOKEN_BYTES = 1_000_000;
const RETRIES = 8;

const TokenAnswer = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().positive().nullish(),
});

/** A connection to one tenant. */
export class Connection implements AsyncDisposable {
  /** `CloudConnexa tenant "acme"`. */
  readonly tenant: string;
  readonly limiter: Limiter;
  /** The release the tenant runs, stated or found out. */
  version: Version | undefined;
  readonly #upstream: Upstream;
  /** Secrets of calls under way, which an answer may repeat. */
  readonly #sent = new Set<readonly string[]>();
  readonly #options: ConnectionOptions;

  /** Errors: `ValidationError` for an address that is none, or no key; before any call. */
  constructor(options: ConnectionOptions) {
    const baseUrl = originOf(options);
    if (options.clientId.trim() === "") throw empty("client id");
    if (options.clientSecret.trim() === "") throw empty("client secret");
    const { clock = systemClock, onWait, random } = options;
    this.#options = options;
    this.version = options.version;
    this.tenant = `CloudConnexa tenant "${options.name ?? new URL(baseUrl).host}"`;
    this.limiter = new Limiter({ clock, onWait, random });
    this.#upstream = new Upstream({
      name: this.tenant,
      baseUrl,
      clock,
      token: new TokenCache(clock, (signal) => this.#obtainToken(clock, signal)),
      timeoutMs: options.timeoutMs ?? 30_000,
      retries: RETRIES,
      retryBudgetMs: options.retryBudgetMs ?? 120_000,
      maxAnswerBytes: MAX_ANSWER_BYTES,
      pace: (request, signal) => request.anonymous === true ? undefined : this.limiter.turn(request, signal),
      onAnswer: (status, headers, request) => this.limiter.answered(status, headers, request),
      secrets: () => [options.clientSecret, ...[...this.#sent].flat()],
      ...(onWait === undefined ? {} : { onWait }),
      ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
      ...(options.trust === undefined ? {} : { trust: options.trust }),
    });
  }

  /** The answer, judged by a schema. Errors: those of this family, and the signal's reason. */
  async json<T>(call: Call, schema: z.ZodType<T>): Promise<T> {
    const { text } = await this.#send(call, "application/json");
    const wrong = (what: string, code: string, cause?: unknown) =>
      new ApiError(`Cannot ${call.action} at ${this.tenant}: the answer is ${what}`, { code, cause });
    const value = parseJson(text);
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    if (text.trim() === "") throw wrong("empty", "empty");
    if (value === undefined) {
      throw wrong(
        isHtml(text) ? "an HTML page, as a proxy or a login page sends it" : "not JSON",
        "not_json",
      );
    }
    const [issue] = result.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? "" : ` at ${issue.path.join(".")}`;
    throw wrong(`not what it should be${where}`, "unexpected_answer", result.error);
  }

  /** The answer as text, as profiles, tokens and some settings come. */
  async text(call: Call): Promise<string> {
    const { text } = await this.#send(call, "text/plain, */*");
    if (!isHtml(text)) return text;
    throw new ApiError(
      `Cannot ${call.action} at ${this.tenant}: the answer is an HTML page, as a proxy or a login page sends it`,
      { code: "not_text" },
    );
  }

  /** A call whose answer says nothing beyond its status. */
  async done(call: Call): Promise<void> {
    await this.#send(call, "*/*");
  }

  async #send(call: Call, accept: string): Promise<UpstreamAnswer> {
    this.#refuseTooNew(call);
    // The limiter knows a call by this very object.
    const request = this.#requestOf(call, accept);
    const secrets = secretsIn(call.json);
    this.#sent.add(secrets);
    try {
      return await this.#upstream.request(request);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      throw await this.#unreachable(error) ?? errorOf(error, {
        action: call.action,
        tenant: this.tenant,
        hint: this.#versionHint(call),
        retryAfterSeconds: Math.ceil(error.waitSeconds ?? this.limiter.intervalSeconds),
      });
    } finally {
      this.#sent.delete(secrets);
      this.limiter.ended(request);
    }
  }

  #requestOf(
    { action, method, path, ids = {}, query, json, text, signal }: Call,
    accept: string,
  ): UpstreamRequest {
    return {
      method,
      path: PREFIX + pathOf(path, ids, action),
      headers: { accept },
      ...(query === undefined ? {} : { query }),
      ...(json === undefined ? {} : { json }),
      ...(text === undefined ? {} : { text }),
      ...(signal === undefined ? {} : { signal }),
    };
  }

  #refuseTooNew({ action, since, json }: Call): void {
    const { version } = this;
    if (version === undefined) return;
    if (since !== undefined && !isAtLeast(version, since)) {
      throw new ValidationError(
        `Cannot ${action} at ${this.tenant}: that came with release ${since} of the API, the tenant runs ${version}`,
        { code: "vpn_version" },
      );
    }
    const [field] = fieldsTooNew(json, version);
    if (field === undefined) return;
    throw new ValidationError(
      `Cannot ${action} at ${this.tenant}: ${field.path} came with release ${field.since} of the API, the tenant runs ${version}`,
      { code: "vpn_version", errors: [{ path: field.path, message: `needs release ${field.since}` }] },
    );
  }

  #versionHint({ since, path }: Call): string | undefined {
    if (since === undefined) return undefined;
    return path.includes("{id}")
      ? `or the tenant runs a release of the API before ${since}, which brought this call`
      : `the call came with release ${since} of the API, the tenant seems to run an older one`;
  }

  async #obtainToken(
    clock: Clock,
    signal: AbortSignal,
  ): Promise<{ value: string; expiresAt: number | null }> {
    const { clientId, clientSecret } = this.#options;
    const action = "get a token";
    const answer = await this.#upstream.json({
      method: "POST",
      path: `${PREFIX}/oauth/token`,
      json: { grant_type: "client_credentials", scope: "default" },
      headers: { authorization: `Basic ${basic(clientId, clientSecret)}` },
      anonymous: true,
      // Asking twice for a token does no harm.
      idempotent: true,
      maxAnswerBytes: MAX_TOKEN_BYTES,
      signal,
    }).catch(async (error: unknown) => {
      if (!(error instanceof UpstreamError)) throw error;
      throw await this.#unreachable(error) ?? tokenError(error, action, this.tenant);
    });
    const token = TokenAnswer.safeParse(answer);
    if (!token.success) {
      throw new ApiError(`Cannot ${action} at ${this.tenant}: the answer holds none`, { code: "no_token" });
    }
    const { access_token, expires_in } = token.data;
    return { value: access_token, expiresAt: expires_in ? clock.now() + expires_in * 1000 : null };
  }

  /** Why nobody could be spoken to, in words that say what to look at; undefined for any other error. */
  async #unreachable(error: UpstreamError): Promise<NetworkError | undefined> {
    if (error.code !== "connect") return undefined;
    const { hostname, port, protocol } = new URL(originOf(this.#options));
    const { unreachable } = await import("../lib/certificate.ts");
    const place = {
      name: this.tenant,
      hostname,
      port: Number(port) || (protocol === "https:" ? 443 : 80),
      hints: { closed: "is that the address of the tenant?", plain: "the API speaks https only" },
    };
    const { message, hint } = unreachable(place, error);
    return new NetworkError(message, { cause: error, ...(hint === undefined ? {} : { hint }) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#upstream[Symbol.asyncDispose]();
  }
}

/** Whatever way the token call says no, it is the key that is refused. */
function tokenError(error: UpstreamError, action: string, tenant: string): Error {
  const refused = [400, 401, 403].includes(error.upstreamStatus ?? 0);
  const mapped = errorOf(error, { action, tenant });
  if (!refused || mapped instanceof AuthenticationError) return mapped;
  return new AuthenticationError(`Cannot ${action} at ${tenant}: the API key was refused`, {
    api_status: error.upstreamStatus,
    body: error.body,
    cause: error,
    hint: "see the portal: the key may be expired, or API access switched off for the tenant",
  });
}

/** The value of a JSON text; undefined when it is none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isHtml(text: string): boolean {
  return /^\s*<(!doctype|html)/i.test(text);
}

/** UTF-8, as RFC 7617 asks for. */
function basic(user: string, password: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(`${user}:${password}`)));
}

function empty(what: string): ValidationError {
  return new ValidationError(`Cannot use the CloudConnexa tenant: the ${what} is empty`);
}
