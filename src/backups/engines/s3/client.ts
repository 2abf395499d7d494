/**
 * A storage as a run talks to it: signed requests to one bucket, each tried again while it may pass, and only to
 * addresses that are allowed.
 */
import { isPublicAddress } from "../../../lib/address.ts";
import { systemClock } from "../../../lib/clock.ts";
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import { openRelay, type Relay } from "../../../lib/relay.ts";
import type { EngineContext } from "../../engine.ts";
import { Secrets } from "../tools/secrets.ts";
import type { S3Settings } from "./options.ts";
import { type Credentials, sign } from "./sign.ts";
import { textOf } from "./xml.ts";

/** What a client needs of a context. */
export type S3Context = Pick<EngineContext, "signal" | "secret">;

/** One request. */
export interface S3Request {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Absent: the bucket itself. */
  key?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
  /** Instead of the run's: for what is to be done after it was cancelled. */
  signal?: AbortSignal;
  /** The body may take any time: whoever reads it sees to it that bytes keep coming. */
  streamed?: boolean;
}

/** Attempts of one request, and the pause before the second. */
const ATTEMPTS = 4;
const PAUSE_MS = 300;
/** Longest time of one attempt: a part of an upload over a thin line. What is streamed is limited up to its first byte. */
const LIMIT_MS = 600_000;
const MAY_PASS = [408, 425, 429, 500, 502, 503, 504];
/** Largest answer read whole. */
const MAX_ANSWER_BYTES = 64 << 20;

/** A connection to one bucket, closed by `await using`. */
export class S3Client implements AsyncDisposable {
  readonly #settings: S3Settings;
  readonly #bucket: string;
  readonly #credentials: Credentials;
  readonly #secrets: Secrets;
  readonly #signal: AbortSignal;
  readonly #http: Deno.HttpClient;
  readonly #relay: Relay | undefined;
  readonly #limitMs: number;

  private constructor(parts: {
    settings: S3Settings;
    bucket: string;
    credentials: Credentials;
    secrets: Secrets;
    signal: AbortSignal;
    http: Deno.HttpClient;
    relay: Relay | undefined;
    limitMs: number;
  }) {
    [this.#settings, this.#bucket, this.#credentials] = [parts.settings, parts.bucket, parts.credentials];
    [this.#secrets, this.#signal] = [parts.secrets, parts.signal];
    [this.#http, this.#relay, this.#limitMs] = [parts.http, parts.relay, parts.limitMs];
  }

  /**
   * Reads secrets and authorities; nothing is sent. Errors: `not_found` for a secret, `invalid` for the file. Tests have a
   * shorter limit of one attempt.
   */
  static async open(
    settings: S3Settings,
    bucket: string,
    context: S3Context,
    limitMs = LIMIT_MS,
  ): Promise<S3Client> {
    const secrets = new Secrets(context);
    const { access_key_id, secret_access_key, session_token, region = "us-east-1" } = settings;
    const credentials: Credentials = {
      access_key_id: typeof access_key_id === "string" ? access_key_id : await secrets.read(access_key_id),
      secret_access_key: await secrets.read(secret_access_key),
      ...(session_token === undefined ? {} : { session_token: await secrets.read(session_token) }),
      region,
    };
    const { relay, http } = await wayTo(settings, bucket);
    const { signal } = context;
    return new S3Client({ settings, bucket, credentials, secrets, signal, http, relay, limitMs });
  }

  /** Sends a request; answers 2xx, with the body unread. Errors: `upstream`, `not_found` for a key, `forbidden` for an address. */
  async send(request: S3Request): Promise<Response> {
    const signal = request.signal ?? this.#signal;
    for (let attempt = 1;; attempt++) {
      signal.throwIfAborted();
      const failure = await this.#attempt(request, signal);
      if (failure instanceof Response) return failure;
      if (!failure.again || attempt === ATTEMPTS) throw failure.error;
      await pause(PAUSE_MS * 2 ** attempt, signal);
    }
  }

  /** The same, read whole as text. */
  async text(request: S3Request): Promise<string> {
    const response = await this.send(request);
    try {
      return new TextDecoder().decode(await readAll(response));
    } catch (error) {
      (request.signal ?? this.#signal).throwIfAborted();
      throw error instanceof HoldfastError ? error : this.#unreachable(error).error;
    }
  }

  /** The same without an answer that matters. */
  async done(request: S3Request): Promise<Headers> {
    const response = await this.send(request);
    await response.body?.cancel();
    return response.headers;
  }

  async #attempt(
    request: S3Request,
    cancelled: AbortSignal,
  ): Promise<Response | { error: unknown; again: boolean }> {
    const url = urlOf(this.#settings, this.#bucket, request);
    const { method, headers = {}, body } = request;
    // The storage compares the time with its own clock, whatever a run counts by.
    // What is signed is the address of the storage; the relay is spoken to without TLS.
    const signed = await sign({ method, url, headers, body }, this.#credentials, systemClock.now());
    const plain = new URL(url);
    if (this.#relay !== undefined) plain.protocol = "http:";
    const limit = request.streamed === true
      ? limitToLift(this.#limitMs)
      : { signal: AbortSignal.timeout(this.#limitMs), lift: () => {} };
    try {
      const response = await fetch(plain, {
        method,
        headers: signed,
        redirect: "manual",
        client: this.#http,
        signal: AbortSignal.any([cancelled, limit.signal]),
        ...(body === undefined ? {} : { body }),
      });
      if (response.ok) return response;
      return { error: await this.#refused(request, response), again: MAY_PASS.includes(response.status) };
    } catch (error) {
      cancelled.throwIfAborted();
      return this.#unreachable(this.#relay?.failure() ?? error);
    } finally {
      limit.lift();
    }
  }

  async #refused({ method, key }: S3Request, response: Response): Promise<HoldfastError> {
    const text = new TextDecoder().decode(await readAll(response).catch(() => new Uint8Array()));
    const { status, headers } = response;
    const code = textOf(text, "Code") ?? "";
    const at = `s3://${this.#bucket}${key === undefined ? "" : `/${key}`}`;
    if (status === 404 && key !== undefined && ["", "NoSuchKey", "NoSuchUpload"].includes(code)) {
      return new HoldfastError("not_found", `Cannot ${method} "${at}": it is not there`, {
        code: "no_such_key",
      });
    }
    const said = this.#secrets.clean(textOf(text, "Message") ?? "").slice(0, 300);
    const region = headers.get("x-amz-bucket-region");
    const why = [`it answered ${status}`, code, said].filter((part) => part !== "").join(": ");
    const wrong = status === 401 || status === 403;
    const hint = wrong
      ? "check the keys and what they may do; a secret is set with: holdfast secrets set NAME"
      : status >= 300 && status < 400 && region !== null
      ? `set region to ${region}, and the endpoint to the one of that region`
      : undefined;
    return new HoldfastError("upstream", `Cannot ${method} "${at}" at ${this.#host}: ${why}`, {
      code: wrong ? "wrong_credentials" : MAY_PASS.includes(status) ? "busy" : "refused",
      ...(hint === undefined ? {} : { hint }),
    });
  }

  #unreachable(error: unknown): { error: HoldfastError; again: boolean } {
    if (error instanceof HoldfastError && error.code === "address_refused") {
      const message = `Cannot use ${this.#host}: its address is not public`;
      const hint = "an administrator can set allow_private to true";
      return { error: new HoldfastError("forbidden", message, { code: error.code, hint }), again: false };
    }
    const pinned = error instanceof HoldfastError && error.code === "certificate_changed";
    const message = `Cannot reach ${this.#host}: ${this.#secrets.clean(messageOf(error))}`;
    return {
      error: new HoldfastError("upstream", message, {
        code: pinned ? "certificate_changed" : "connect",
        cause: error,
      }),
      again: !pinned,
    };
  }

  get #host(): string {
    return new URL(this.#settings.endpoint).host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#relay === undefined) this.#http.close();
    else await this.#relay[Symbol.asyncDispose]();
  }
}

/** A time limit that holds until it is lifted. */
function limitToLift(ms: number): { signal: AbortSignal; lift: () => void } {
  const limit = new AbortController();
  const timer = setTimeout(() => {
    limit.abort(new DOMException(`no answer within ${ms / 1000} s`, "TimeoutError"));
  }, ms);
  return { signal: limit.signal, lift: () => clearTimeout(timer) };
}

/** The address of a request: with the bucket in the path, or in the host's name. */
export function urlOf(
  settings: S3Settings,
  bucket: string,
  { key = "", query = {} }: Partial<S3Request>,
): URL {
  const url = new URL(settings.endpoint);
  const names = settings.path_style === false ? [] : [bucket];
  if (settings.path_style === false) putInFront(bucket, url);
  if (key !== "") names.push(...key.split("/"));
  url.pathname = "/" + names.map(escapeName).join("/");
  url.search = Object.entries(query).map(([name, value]) => `${escapeName(name)}=${escapeName(value)}`).join(
    "&",
  );
  return url;
}

/** Errors: `invalid` for a host that takes no name in front; the address would silently be that of the storage itself. */
function putInFront(bucket: string, url: URL): void {
  const [host, wanted] = [url.hostname, `${bucket}.${url.hostname}`];
  url.hostname = wanted;
  if (url.hostname === wanted) return;
  throw new HoldfastError("invalid", `Cannot put bucket "${bucket}" in front of "${host}": it is no name`, {
    hint: "leave path_style out, so that the bucket stands in the path",
  });
}

/** As the signature has it: everything but letters, digits and `-._~` (RFC 3986, section 2.3). */
function escapeName(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Through a relay where fetch alone cannot keep to what is allowed or pinned. */
async function wayTo(
  settings: S3Settings,
  bucket: string,
): Promise<{ relay: Relay | undefined; http: Deno.HttpClient }> {
  const url = urlOf(settings, bucket, {});
  const tls = url.protocol === "https:";
  const ca = settings.ca_file === undefined ? undefined : await readAuthorities(settings.ca_file);
  if (settings.allow_private === true && (settings.pin === undefined || !tls)) {
    return { relay: undefined, http: Deno.createHttpClient(ca === undefined ? {} : { caCerts: [ca] }) };
  }
  const relay = await openRelay({
    hostname: url.hostname,
    port: Number(url.port) || (tls ? 443 : 80),
    tls,
    ...(settings.pin === undefined ? {} : { pin: settings.pin }),
    ...(ca === undefined ? {} : { ca }),
    ...(settings.allow_private === true ? {} : { allowAddress: isPublicAddress }),
  });
  return { relay, http: relay.client };
}

async function readAuthorities(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new HoldfastError("invalid", `Cannot read ca_file "${path}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function readAll(response: Response): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    if (size > MAX_ANSWER_BYTES) {
      throw new HoldfastError("upstream", "Cannot read the storage's answer: it is too large");
    }
    pieces.push(piece);
  }
  return new Uint8Array(await new Blob(pieces.map((piece) => new Uint8Array(piece))).arrayBuffer());
}

/** Resolves after a time; rejects with the signal's reason. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal.addEventListener("abort", abort, { once: true });
  });
}
