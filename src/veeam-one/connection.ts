/**
 * One Veeam ONE server as something to ask: trust, login, version of its API, and errors in words a person can act on.
 *
 * The certificate is pinned at first use where no authority vouches for it, and the version of the API (a part of every
 * path) is found out once; both are remembered. A refresh token is used once and forgotten before it is sent; when its
 * answer does not come, the password is used again. Nothing is revoked at the end: the product ties sessions to users, and
 * revoking one could end another program's.
 */
import { z } from "zod";
import { isLoopbackAddress } from "../lib/address.ts";
import { trustFor, unreachable } from "../lib/certificate.ts";
import type { Clock } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { StateDirectory } from "../lib/state.ts";
import { abortable, type Token, TokenCache } from "../lib/token.ts";
import { type Fetch, Upstream, UpstreamError, type UpstreamRequest } from "../lib/upstream.ts";
import type { OneServerSettings } from "./config.ts";
import { count, type Raw, rawOf, text } from "./decode.ts";

/** The port of the API on every release. */
export const DEFAULT_PORT = 1239;

/** Versions of the API, newest first: ONE 13, 12.2 and 12.3, 12.0. A newer server answers older ones too. */
const VERSIONS = ["v2.3", "v2.2", "v2.1"] as const;

/** What is remembered of servers, by address; never a token. */
const Remembered = z.object({
  servers: z.record(z.string(), z.object({ fingerprint: z.string().nullable(), version: z.string() }))
    .default({}),
});

export interface ConnectionOptions {
  name: string;
  settings: OneServerSettings;
  clock: Clock;
  state: StateDirectory;
  timeoutMs: number;
  note: (sentence: string) => void;
  /** Instead of the network, in tests. */
  fetch?: Fetch;
}

/** A call below `/api/<version>`; what it is for is said in errors. */
export interface Ask extends UpstreamRequest {
  /** `list alarms`. */
  action: string;
}

/** A connection to one server, opened at the first call. */
export class Connection implements AsyncDisposable {
  /** `https://one.example.org:1239`. */
  readonly address: string;
  readonly #options: ConnectionOptions;
  readonly #url: URL;
  readonly #username: string;
  readonly #password: string;
  readonly #memory;
  readonly #token: TokenCache;
  #opened: Promise<Upstream> | undefined;
  #version: Promise<string> | undefined;
  #refresh: string | null = null;
  /** Ends opening, which is nobody's in particular. */
  readonly #ends = new AbortController();

  /** Errors: `invalid` for a host, user name or password that is missing, or a user name without its domain. */
  constructor(options: ConnectionOptions) {
    const { name, settings, clock, state } = options;
    this.#options = options;
    this.#url = urlOf(required(name, "host", settings.host));
    this.address = `${this.#url.protocol}//${this.#url.hostname}:${portOf(this.#url)}`;
    this.#username = withDomain(name, required(name, "username", settings.username));
    this.#password = required(name, "password", settings.password);
    this.#memory = state.file("veeam-one", Remembered);
    this.#token = new TokenCache(clock, (signal) => this.#login(signal));
  }

  /** What errors call the server. */
  get title(): string {
    return `Veeam ONE server "${this.#options.name}"`;
  }

  /** The version of the API in use: `v2.3`. */
  async version(signal: AbortSignal): Promise<string> {
    this.#version ??= this.#detect(this.#ends.signal).catch((error) => {
      this.#version = undefined;
      throw error;
    });
    return await abortable(this.#version, signal);
  }

  /** Sends a call and reads its answer; an empty one is an empty object. Errors: in words a person can act on. */
  async ask({ action, ...request }: Ask): Promise<Raw> {
    const signal = request.signal ?? new AbortController().signal;
    const version = await this.version(signal);
    return await this.#ask(action, { ...request, path: `/api/${version}${request.path}`, signal });
  }

  async #ask(action: string, request: UpstreamRequest & { signal: AbortSignal }): Promise<Raw> {
    const upstream = await this.#upstream(request.signal);
    try {
      return rawOf(await upstream.json(request));
    } catch (error) {
      request.signal.throwIfAborted();
      throw this.#inWords(action, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ends.abort(new HoldfastError("unavailable", `Cannot ask ${this.title}: it is being closed`));
    const upstream = await this.#opened?.catch(() => undefined);
    await upstream?.[Symbol.asyncDispose]();
  }

  async #upstream(signal: AbortSignal): Promise<Upstream> {
    this.#opened ??= this.#open(this.#ends.signal).catch((error) => {
      // The next call tries anew.
      this.#opened = undefined;
      throw error;
    });
    return await abortable(this.#opened, signal);
  }

  async #open(signal: AbortSignal): Promise<Upstream> {
    const { settings, clock, timeoutMs, fetch, note } = this.#options;
    const place = { name: this.title, hostname: bare(this.#url.hostname), port: portOf(this.#url) };
    const known = this.#memory.read().servers[this.address]?.fingerprint;
    const checked = this.#url.protocol === "https:" && fetch === undefined;
    const { trust, remember } = checked
      ? await trustFor(place, { ...settings, known, note }, signal)
      : { trust: {}, remember: known };
    if (remember !== known) await this.#remember({ fingerprint: remember ?? null });
    return new Upstream({
      name: this.title,
      baseUrl: this.address,
      clock,
      trust,
      token: this.#token,
      timeoutMs,
      secrets: () => [this.#password, this.#refresh ?? ""],
      ...(fetch === undefined ? {} : { fetch }),
    });
  }

  /** The newest version the server answers, or the one remembered. */
  async #detect(signal: AbortSignal): Promise<string> {
    const known = this.#memory.read().servers[this.address]?.version;
    for (const version of known ? [known, ...VERSIONS] : VERSIONS) {
      try {
        await this.#ask("read the version", { method: "GET", path: `/api/${version}/about`, signal });
        if (version !== known) await this.#remember({ version });
        return version;
      } catch (error) {
        if (!(error instanceof HoldfastError) || error.kind !== "not_found") throw error;
      }
    }
    throw new HoldfastError(
      "upstream",
      `Cannot talk to ${this.title}: it knows none of the versions ${VERSIONS.join(", ")} of the API`,
      {
        code: "veeam_one_version",
        hint: "Veeam ONE 12 and later have it; is that really a Veeam ONE server?",
      },
    );
  }

  async #remember(change: { fingerprint?: string | null; version?: string }): Promise<void> {
    try {
      await this.#memory.update(({ servers }) => ({
        servers: {
          ...servers,
          [this.address]: { fingerprint: null, version: "", ...servers[this.address], ...change },
        },
      }));
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#options.note(`warning: ${error.message}; the certificate of ${this.title} will be believed anew`);
    }
  }

  async #login(signal: AbortSignal): Promise<Token> {
    const refresh = this.#refresh;
    this.#refresh = null;
    if (refresh !== null) {
      try {
        return await this.#grant({ grant_type: "refresh_token", refresh_token: refresh }, signal);
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
      }
    }
    const grant = { grant_type: "password", username: this.#username, password: this.#password };
    try {
      return await this.#grant(grant, signal);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      throw [400, 401, 403].includes(error.upstreamStatus ?? 0) ? this.#refusedLogin(error) : error;
    }
  }

  async #grant(form: Record<string, string>, signal: AbortSignal): Promise<Token> {
    const upstream = await this.#upstream(signal);
    const idempotent = form.grant_type === "password";
    const answer = rawOf(
      await upstream.json({ method: "POST", path: "/api/token", form, anonymous: true, idempotent, signal }),
    );
    const value = text(answer, "access_token");
    if (value === null) {
      throw new HoldfastError("upstream", `Cannot log in to ${this.title}: it answered no token`);
    }
    this.#refresh = text(answer, "refresh_token");
    // About a quarter of an hour; the answer knows.
    const seconds = count(answer, "expires_in") ?? 600;
    return { value, expiresAt: this.#options.clock.now() + seconds * 1000 };
  }

  #refusedLogin(error: UpstreamError): HoldfastError {
    return new HoldfastError(
      "upstream",
      `Cannot log in to ${this.title} as "${this.#username}": ${saidBy(error) ?? "it refused"}`,
      {
        code: "veeam_one_login",
        hint:
          "check the password, and that the user is written DOMAIN\\user or user@domain, MACHINE\\user for a " +
          "local one; an account with multi-factor authentication cannot log in here",
        cause: error,
      },
    );
  }

  #inWords(action: string, error: unknown): unknown {
    if (!(error instanceof UpstreamError)) return error;
    const start = `Cannot ${action} of ${this.title}`;
    const said = saidBy(error);
    const tail = said === null ? "" : `: ${said}`;
    switch (error.upstreamStatus) {
      case null: {
        if (error.code !== "connect") return error;
        const place = { name: this.title, hostname: bare(this.#url.hostname), port: portOf(this.#url) };
        return unreachable(place, error.cause ?? error);
      }
      case 401:
        return new HoldfastError("upstream", `${start}: it ended the login of "${this.#username}"${tail}`, {
          code: "veeam_one_login",
          hint:
            "Veeam ONE mixes up sessions of one user in several programs: give Holdfast an account of its own",
          cause: error,
        });
      case 403:
        return new HoldfastError("upstream", `${start}: "${this.#username}" may not${tail}`, {
          code: "veeam_one_forbidden",
          hint: "its role in Veeam ONE lacks the right; resolving alarms takes more than reading",
          cause: error,
        });
      case 404:
        return new HoldfastError("not_found", `${start}: there is no such thing${tail}`, { cause: error });
      case 400:
        return new HoldfastError("upstream", `${start}: it did not accept the request${tail}`, {
          code: "veeam_one_request",
          cause: error,
        });
      default:
        return error;
    }
  }
}

function required(name: string, field: "host" | "username" | "password", value: string | null): string {
  if (value !== null) return value;
  const variable = `VEEAM_ONE_${field === "username" ? "USER" : field.toUpperCase()}`;
  throw new HoldfastError("invalid", `Cannot use Veeam ONE server "${name}": its ${field} is not set`, {
    hint: `set ${name === "default" ? variable : `veeam_one.servers.${name}.${field}`}`,
  });
}

/** The product refuses a bare name without saying why. */
function withDomain(name: string, username: string): string {
  if (/^[^\\@]+[\\@][^\\@]+$/.test(username)) return username;
  throw new HoldfastError(
    "invalid",
    `Cannot log in to Veeam ONE server "${name}" as "${username}": the user needs its domain`,
    {
      code: "veeam_one_user",
      hint: "write DOMAIN\\user or user@domain, for a local account MACHINE\\user; in a shell in quotes, " +
        "VEEAM_ONE_USER='DOMAIN\\user', or the backslash is lost",
    },
  );
}

function urlOf(host: string): URL {
  const text = host.trim();
  const url = URL.canParse(/^https?:\/\//i.test(text) ? text : `https://${text}`)
    ? new URL(/^https?:\/\//i.test(text) ? text : `https://${text}`)
    : undefined;
  if (url === undefined || (url.protocol === "http:" && !isLoopbackAddress(url.hostname))) {
    throw new HoldfastError(
      "invalid",
      `Cannot use Veeam ONE server "${host}": expected host, host:port or address`,
    );
  }
  return url;
}

/** The port that is written, even the scheme's own, which URL leaves out; else the API's. */
function portOf(url: URL): number {
  return url.port === "" ? DEFAULT_PORT : Number(url.port);
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** What a problem document says, or null. */
function saidBy(error: UpstreamError): string | null {
  try {
    const raw = rawOf(JSON.parse(error.body));
    return text(raw, "detail") ?? text(raw, "title") ?? text(raw, "error_description");
  } catch {
    return null;
  }
}
