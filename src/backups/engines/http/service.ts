/** The service that makes backups, as one run talks to it: trust, headers, secrets, and only addresses that are allowed. */
import { isPublicAddress } from "../../../lib/address.ts";
import { HoldfastError } from "../../../lib/errors.ts";
import {
  type Trust,
  Upstream,
  type UpstreamAnswer,
  UpstreamError,
  type UpstreamRequest,
} from "../../../lib/upstream.ts";
import type { EngineContext } from "../../engine.ts";
import { SecretRef, Secrets } from "../tools/secrets.ts";
import type { HttpOptions } from "./options.ts";

/** Largest answer that tells a status, in bytes. */
const MAX_ANSWER_BYTES = 4 << 20;

type HeaderOptions = Record<string, string | SecretRef> | undefined;

/** A request to any address. */
export interface Call {
  method: UpstreamRequest["method"];
  url: URL;
  /** Headers of this call; default: those of start, at the same origin. */
  headers?: HeaderOptions;
  json?: unknown;
  signal?: AbortSignal;
}

/** Talks to the service; connections are closed by `await using`. */
export class Service implements AsyncDisposable {
  readonly options: HttpOptions;
  readonly secrets: Secrets;
  readonly trust: Trust;
  readonly #signal: AbortSignal;
  readonly #upstreams = new Map<string, Upstream>();
  readonly #texts: string[] = [];

  private constructor(options: HttpOptions, context: Pick<EngineContext, "secret" | "signal">, trust: Trust) {
    [this.options, this.trust, this.#signal] = [options, trust, context.signal];
    this.secrets = new Secrets(context);
  }

  /** Reads what the options name. Errors: `invalid` for a file of authorities that cannot be read. */
  static async open(
    options: HttpOptions,
    context: Pick<EngineContext, "secret" | "signal">,
  ): Promise<Service> {
    const { ca_file, pin, allow_private } = options;
    return new Service(options, context, {
      ...(ca_file === undefined ? {} : { ca: await readAuthorities(ca_file) }),
      ...(pin === undefined ? {} : { pin }),
      // The connection goes to exactly the address that was judged.
      ...(allow_private === true ? {} : { allowAddress: isPublicAddress }),
    });
  }

  /** Sends a call; answers 2xx. Errors: `UpstreamError`, with code `wrong_credentials` for 401 and 403. */
  async send({ method, url, json, signal, ...given }: Call): Promise<UpstreamAnswer> {
    const headers = await this.headersFor(url, given.headers);
    try {
      return await this.#upstream(url).request({
        method,
        path: url.pathname + url.search,
        headers: { accept: "application/json", ...headers },
        signal: signal ?? this.#signal,
        ...(json === undefined ? {} : { json: await this.#withSecrets(json) }),
      });
    } catch (error) {
      throw this.worded(error, url);
    }
  }

  /** An error of a call in the words of this engine. */
  worded(error: unknown, url: URL): unknown {
    if (!(error instanceof UpstreamError)) return error;
    const { upstreamStatus: status, message, code, body, cause } = error;
    const details = { status, body, cause: cause ?? error };
    if (status === 401 || status === 403) {
      const hint = "check the headers; a secret is set with: holdfast secrets set NAME";
      return new UpstreamError(this.secrets.clean(message), { ...details, code: "wrong_credentials", hint });
    }
    if (code === "address_refused") {
      const hint = "an administrator can set allow_private to true";
      return new HoldfastError("forbidden", `Cannot use ${url.host}: its address is not public`, {
        code,
        hint,
      });
    }
    return error;
  }

  /** Headers of start go to no other origin by themselves. */
  async headersFor(url: URL, given: HeaderOptions): Promise<Record<string, string>> {
    const own = given ??
      (url.origin === new URL(this.options.start.url).origin ? this.options.start.headers : undefined);
    const headers = await this.secrets.readAll(own ?? {});
    this.#texts.push(...Object.values(headers));
    return headers;
  }

  /** A body in which each reference to a secret is the secret. */
  async #withSecrets(value: unknown): Promise<unknown> {
    const ref = SecretRef.safeParse(value);
    if (ref.success) {
      const text = await this.secrets.read(ref.data);
      this.#texts.push(text);
      return text;
    }
    if (Array.isArray(value)) return await Promise.all(value.map((item) => this.#withSecrets(item)));
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(async ([key, item]) => [key, await this.#withSecrets(item)]);
    return Object.fromEntries(await Promise.all(entries));
  }

  #upstream(url: URL): Upstream {
    const known = this.#upstreams.get(url.origin);
    if (known !== undefined) return known;
    const upstream = new Upstream({
      name: url.host,
      baseUrl: url.origin,
      trust: this.trust,
      maxAnswerBytes: MAX_ANSWER_BYTES,
      secrets: () => this.#texts,
    });
    this.#upstreams.set(url.origin, upstream);
    return upstream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const upstream of this.#upstreams.values()) await upstream[Symbol.asyncDispose]();
  }
}

async function readAuthorities(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new HoldfastError("invalid", `Cannot read ca_file "${path}"`, { cause: error });
  }
}
