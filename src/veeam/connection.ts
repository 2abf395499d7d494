/**
 * One Veeam server as something to ask: trust, revision, login and order of its calls.
 *
 * A server whose certificate no authority vouches for is pinned at first use; from then on another certificate is refused before
 * a byte is sent. The revision is found out once and remembered, so that an upgrade of the server changes nothing by itself.
 * A refresh token works once: it is forgotten before it is sent, and whenever its answer does not come the password is used
 * again. So one process can never spoil another's login, each has its own.
 */
import { HoldfastError } from "../lib/errors.ts";
import type { Clock } from "../lib/clock.ts";
import { normalizePin } from "../lib/relay.ts";
import { abortable, type Token, TokenCache } from "../lib/token.ts";
import { type Fetch, type Trust, Upstream, UpstreamError, type UpstreamRequest } from "../lib/upstream.ts";
import { type Address, parseAddress } from "./address.ts";
import { isTrusted, peek, unreachable } from "./certificate.ts";
import type { VeeamServerSettings } from "./config.ts";
import { number, type Raw, rawOf, text } from "./decode.ts";
import { inWords, isRevisionRefused, loginRefused, saidBy } from "./errors.ts";
import type { Known, Memory } from "./memory.ts";
import { compareRevisions, namedRevisions, REVISIONS } from "./revisions.ts";

/** Calls under way at once: the product's slow answers are the limit, more callers make them slower. */
const AT_ONCE = 3;

/** What a connection needs. */
export interface ConnectionOptions {
  name: string;
  settings: VeeamServerSettings;
  clock: Clock;
  memory: Memory;
  timeoutMs: number;
  /** Told what somebody should know: a certificate that was pinned, one that is not checked. */
  note: (text: string) => void;
  /** Instead of the network, in tests. */
  fetch?: Fetch;
}

/** A call: what it is for is said in errors. */
export interface Ask extends UpstreamRequest {
  /** `read the licence`. */
  action: string;
  /** Role that may. */
  role?: string;
}

/** A connection to one server, opened at the first call. */
export class Connection implements AsyncDisposable {
  readonly name: string;
  readonly address: Address;
  readonly username: string;
  readonly #options: ConnectionOptions;
  readonly #token: TokenCache;
  readonly #places = new Places(AT_ONCE);
  #refresh: string | null = null;
  #loggedIn = false;
  #revision: string | null = null;
  #opened: Promise<Upstream> | undefined;
  #redetected: Promise<void> | undefined;
  /** Ends opening, which is nobody's in particular. */
  #ends = new AbortController();

  /** Errors: `invalid` for a host, user name or password that is missing or wrong. */
  constructor(options: ConnectionOptions) {
    const { name, settings, clock } = options;
    for (const field of ["host", "username", "password"] as const) {
      if (settings[field] !== null) continue;
      const variable = field === "username" ? "VEEAM_USER" : `VEEAM_${field.toUpperCase()}`;
      throw new HoldfastError("invalid", `Cannot use Veeam server "${name}": its ${field} is not set`, {
        hint: `set ${name === "default" ? variable : `veeam.servers.${name}.${field}`}`,
      });
    }
    this.name = name;
    this.#options = options;
    this.username = settings.username!;
    this.address = parseAddress(settings.host!, settings.port);
    this.#token = new TokenCache(clock, () => this.#login());
  }

  /** The revision in use; null before the first call. */
  get revision(): string | null {
    return this.#revision;
  }

  /** Opens when needed; the revision in use. Errors: those of a server that cannot be reached or trusted. */
  async open(signal?: AbortSignal): Promise<string> {
    await this.#upstream(signal ?? new AbortController().signal);
    return this.#revision!;
  }

  /** Sends a call and reads its answer; an empty one is an empty object. Errors: in words a person can act on. */
  async ask({ action, role, ...request }: Ask): Promise<Raw> {
    const signal = request.signal ?? new AbortController().signal;
    const upstream = await this.#upstream(signal);
    const revision = this.#revision!;
    try {
      return await this.#send(upstream, { ...request, signal });
    } catch (error) {
      signal.throwIfAborted();
      // The place of the refused call is free by now: all who are refused at once ask again.
      if (isRevisionRefused(error) && await abortable(this.#redetect(error, revision), signal)) {
        return await this.ask({ action, ...(role === undefined ? {} : { role }), ...request });
      }
      if (error instanceof UpstreamError && error.code === "connect") {
        throw unreachable(this.name, this.address, error);
      }
      throw inWords(error, {
        server: this.name,
        username: this.username,
        revision: this.#revision,
        action,
        role,
      });
    }
  }

  async #send(upstream: Upstream, request: UpstreamRequest & { signal: AbortSignal }): Promise<Raw> {
    using _place = await this.#places.take(request.signal);
    return rawOf(await upstream.json(this.#versioned(request)));
  }

  /** The certificate the server shows now, and whether it is pinned; null without TLS. */
  async certificate(signal: AbortSignal) {
    if (!this.address.tls || this.#options.fetch !== undefined) return null;
    const shown = await peek(this.name, this.address, signal);
    const { settings, memory } = this.#options;
    const known = await memory.get(this.address.url);
    const pin = settings.fingerprint ?? known?.fingerprint ?? null;
    return { ...shown, pinned: pin === null ? null : normalizePin(pin), ca: settings.ca_file !== null };
  }

  /** Forgets what is known of the server: pins another certificate, or finds its revision out anew. */
  async remember(change: { fingerprint?: string; revision?: null }): Promise<Known> {
    const { memory } = this.#options;
    const before = await memory.get(this.address.url) ?? { fingerprint: null, revision: null };
    const known = { ...before, ...change };
    await memory.set(this.address.url, known);
    await this[Symbol.asyncDispose]();
    this.#ends = new AbortController();
    this.#opened = undefined;
    this.#loggedIn = false;
    this.#refresh = null;
    return known;
  }

  /** Ends the login; tokens of both kinds die there. What cannot be reached any more is left alone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ends.abort(
      new HoldfastError("unavailable", `Cannot ask Veeam server "${this.name}": it is being closed`),
    );
    const upstream = await this.#opened?.catch(() => undefined);
    if (upstream === undefined) return;
    if (this.#loggedIn) {
      const end = this.#versioned({ method: "POST", path: "/api/oauth2/logout", timeoutMs: 5000 });
      await upstream.request({ ...end, signal: AbortSignal.timeout(5000) }).catch(() => {});
    }
    await upstream[Symbol.asyncDispose]();
  }

  async #upstream(signal: AbortSignal): Promise<Upstream> {
    this.#opened ??= this.#open(this.#ends.signal).catch((error: unknown) => {
      // The next call tries anew.
      this.#opened = undefined;
      throw error;
    });
    return await abortable(this.#opened, signal);
  }

  async #open(signal: AbortSignal): Promise<Upstream> {
    const { name, settings, clock, timeoutMs, fetch, memory } = this.#options;
    const known = await memory.get(this.address.url);
    const trust = await this.#trust(known, signal);
    const upstream = new Upstream({
      name: `Veeam server "${name}"`,
      baseUrl: this.address.url,
      clock,
      trust: trust.trust,
      token: this.#token,
      timeoutMs,
      maxAnswerBytes: 64 * 1024 * 1024,
      secrets: () => [settings.password ?? "", this.#refresh ?? ""],
      ...(fetch === undefined ? {} : { fetch }),
    });
    try {
      this.#revision = settings.revision ?? known?.revision ?? await this.#detect(upstream, signal);
    } catch (error) {
      await upstream[Symbol.asyncDispose]();
      throw error instanceof UpstreamError && error.code === "connect"
        ? unreachable(name, this.address, error)
        : error;
    }
    const now: Known = { fingerprint: trust.fingerprint, revision: settings.revision ?? this.#revision };
    if (known?.fingerprint !== now.fingerprint || known.revision !== now.revision) {
      await this.#keep(now);
    }
    return upstream;
  }

  /** Remembers for the next process; where nothing can be kept the answers are still worth having. */
  async #keep(known: Known): Promise<void> {
    try {
      await this.#options.memory.set(this.address.url, known);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#options.note(
        `warning: ${error.message}; the certificate of Veeam server "${this.name}" will be believed anew`,
      );
    }
  }

  async #trust(
    known: Known | undefined,
    signal: AbortSignal,
  ): Promise<{ trust: Trust; fingerprint: string | null }> {
    const { name, settings, fetch, note } = this.#options;
    if (!this.address.tls || fetch !== undefined) return { trust: {}, fingerprint: null };
    if (settings.insecure) {
      note(
        `warning: the certificate of Veeam server "${name}" is not checked: whoever is in between sees the password`,
      );
      return { trust: { insecure: true }, fingerprint: known?.fingerprint ?? null };
    }
    if (settings.ca_file !== null) {
      return { trust: { ca: await readAuthorities(settings.ca_file) }, fingerprint: null };
    }
    const pin = settings.fingerprint ?? known?.fingerprint ?? null;
    if (pin !== null) return { trust: { pin }, fingerprint: known?.fingerprint ?? null };
    // What an authority vouched for once must not be pinned when it no longer does.
    if (known !== undefined || await isTrusted(name, this.address, signal)) {
      return { trust: {}, fingerprint: null };
    }
    const { fingerprint } = await peek(name, this.address, signal);
    note(
      `note: pinned the certificate of Veeam server "${name}" at ${this.address.hostname}:${this.address.port}, ` +
        `which no authority vouches for: SHA-256 ${fingerprint}`,
    );
    return { trust: { pin: fingerprint }, fingerprint };
  }

  /** Asks the one call that needs no login in the newest revision, then in older ones or those a refusal names. */
  async #detect(upstream: Upstream, signal: AbortSignal): Promise<string> {
    const known = REVISIONS.map(({ revision }) => revision);
    const tried = new Set<string>();
    let named: string[] = [];
    for (let candidate: string | undefined = known[0]; candidate !== undefined;) {
      tried.add(candidate);
      try {
        await upstream.json({
          method: "GET",
          path: "/api/v1/serverTime",
          headers: { "x-api-version": candidate },
          anonymous: true,
          signal,
        });
        return candidate;
      } catch (error) {
        if (!isRevisionRefused(error)) throw error;
        named = namedRevisions(saidBy(error.body).message ?? "").filter((one) => !tried.has(one));
      }
      const usable = named.filter((one) => known.includes(one)).toSorted(compareRevisions);
      candidate = usable.at(-1) ?? known.find((one) => !tried.has(one));
    }
    throw new HoldfastError(
      "upstream",
      `Cannot talk to Veeam server "${this.name}": it accepts no revision of the API that is known here${
        named.length === 0 ? "" : `; it speaks ${named.join(", ")}`
      }`,
      {
        code: "veeam_revision",
        hint: "12.0 and later are supported; veeam.servers.<name>.revision names one to try anyway",
      },
    );
  }

  /** After a refused revision that was remembered: the server may have been replaced by an older one. True for another one. */
  async #redetect(error: UpstreamError, refused: string): Promise<boolean> {
    if (this.#options.settings.revision !== null || saidBy(error.body).code !== "NotImplemented") {
      return false;
    }
    if (this.#revision === refused) {
      this.#redetected ??= this.#findRevision().finally(() => this.#redetected = undefined);
      await this.#redetected;
    }
    return this.#revision !== refused;
  }

  async #findRevision(): Promise<void> {
    const upstream = await this.#opened!;
    this.#revision = await this.#detect(upstream, this.#ends.signal);
    const known = await this.#options.memory.get(this.address.url);
    await this.#keep({ fingerprint: known?.fingerprint ?? null, revision: this.#revision });
  }

  async #login(): Promise<Token> {
    const refresh = this.#refresh;
    // Good for one use: whatever becomes of the answer, it is not sent again.
    this.#refresh = null;
    if (refresh !== null) {
      try {
        return await this.#grant({ grant_type: "refresh_token", refresh_token: refresh }, false);
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
      }
    }
    try {
      const { username, password } = this.#options.settings;
      return await this.#grant({ grant_type: "password", username: username!, password: password! }, true);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      const status = error.upstreamStatus;
      const { code } = saidBy(error.body);
      const refused = status === 401 || status === 403 || status === 400 && code !== "NotImplemented";
      throw refused ? loginRefused(this.name, this.username, error) : error;
    }
  }

  async #grant(form: Record<string, string>, idempotent: boolean): Promise<Token> {
    const upstream = await this.#opened!;
    const answer = rawOf(
      await upstream.json(
        this.#versioned({ method: "POST", path: "/api/oauth2/token", form, anonymous: true, idempotent }),
      ),
    );
    const value = text(answer, "access_token");
    if (value === null) {
      throw new HoldfastError(
        "upstream",
        `Cannot log in to Veeam server "${this.name}": it answered no token`,
      );
    }
    this.#refresh = text(answer, "refresh_token");
    this.#loggedIn = true;
    // Documents disagree on 15 or 60 minutes; the answer knows.
    const seconds = number(answer, "expires_in") ?? 900;
    return { value, expiresAt: this.#options.clock.now() + seconds * 1000 };
  }

  #versioned(request: UpstreamRequest): UpstreamRequest {
    return { ...request, headers: { ...request.headers, "x-api-version": this.#revision! } };
  }
}

async function readAuthorities(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new HoldfastError("invalid", `Cannot read the certificate authorities "${path}"`, { cause: error });
  }
}

/** So many places, taken in order. */
class Places {
  #free: number;
  #waiting: (() => void)[] = [];

  constructor(free: number) {
    this.#free = free;
  }

  async take(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    return {
      [Symbol.dispose]: () => {
        const next = this.#waiting.shift();
        if (next === undefined) this.#free++;
        else next();
      },
    };
  }

  /** Whoever goes away while waiting gives its turn up. */
  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting = this.#waiting.filter((other) => other !== start);
        reject(signal.reason);
      };
      const start = () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(start);
    });
  }
}
