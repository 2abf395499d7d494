/** Fetching a finished backup, piece by piece. */
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import { openRelay, type Relay } from "../../../lib/relay.ts";
import type { EngineContext } from "../../engine.ts";
import { formatSize } from "../../../lib/size.ts";
import { Meter } from "../tools/meter.ts";
import type { Service } from "./service.ts";

const MAX_REDIRECTS = 5;
const STALL_SECONDS = 60;

/** Hands the content of an address to `take`. Follows redirects, to allowed addresses and without headers to other origins. */
export async function download(
  service: Service,
  url: URL,
  context: EngineContext,
  take: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const { download: options } = service.options;
  let headers = await service.headersFor(url, options?.headers);
  let at = url;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    await using way = await openWay(service, at);
    const next = await fetchOnce(service, way, at, headers, context, take);
    if (next === undefined) return;
    if (next.origin !== at.origin) headers = {};
    at = next;
  }
  throw new HoldfastError(
    "upstream",
    `Cannot download from ${url.host}: more than ${MAX_REDIRECTS} redirects`,
  );
}

interface Way extends AsyncDisposable {
  relay: Relay | undefined;
  client: Deno.HttpClient;
}

/** To exactly the address that was judged, or with what the options trust. */
async function openWay({ trust }: Service, url: URL): Promise<Way> {
  const tls = url.protocol === "https:";
  if (trust.allowAddress === undefined && (trust.pin === undefined || !tls)) {
    const client = Deno.createHttpClient(trust.ca === undefined ? {} : { caCerts: [trust.ca] });
    return { relay: undefined, client, [Symbol.asyncDispose]: () => Promise.resolve(client.close()) };
  }
  const relay = await openRelay({
    hostname: url.hostname,
    port: Number(url.port) || (tls ? 443 : 80),
    tls,
    ...(trust.pin === undefined ? {} : { pin: trust.pin }),
    ...(trust.ca === undefined ? {} : { ca: trust.ca }),
    ...(trust.allowAddress === undefined ? {} : { allowAddress: trust.allowAddress }),
  });
  return { relay, client: relay.client, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
}

/** Where a redirect leads, or undefined when the content was taken. */
async function fetchOnce(
  service: Service,
  { relay, client }: Way,
  url: URL,
  headers: Record<string, string>,
  context: EngineContext,
  take: (bytes: Uint8Array) => Promise<void>,
): Promise<URL | undefined> {
  const stall = new Stall((service.options.download?.stall_seconds ?? STALL_SECONDS) * 1000);
  const plain = new URL(url);
  // The relay speaks TLS; without a port in the address the host's name is sent as it was signed.
  if (relay !== undefined) plain.protocol = "http:";
  try {
    const signal = AbortSignal.any([context.signal, stall.signal]);
    const response = await fetch(plain, { headers, redirect: "manual", signal, client });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      return redirectOf(response, url);
    }
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw refused(url, response.status);
    }
    await takeAll(service, response, response.body, url, context, stall, take);
    return undefined;
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof HoldfastError) throw error;
    throw worded(service, url, relay?.failure() ?? error, stall.signal.aborted);
  } finally {
    stall.end();
  }
}

async function takeAll(
  service: Service,
  response: Response,
  body: ReadableStream<Uint8Array>,
  url: URL,
  context: EngineContext,
  stall: Stall,
  take: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const { max_bytes } = service.options.download ?? {};
  const meter = new Meter(context);
  const total = Number(response.headers.get("content-length") ?? NaN);
  const totals = Number.isNaN(total) ? {} : { total_bytes: total };
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (max_bytes !== undefined && bytes > max_bytes) {
      throw new HoldfastError(
        "upstream",
        `Cannot download from ${url.host}: it is larger than ${formatSize(max_bytes)}`,
        {
          code: "too_large",
          hint: "raise download.max_bytes",
        },
      );
    }
    stall.pause();
    await take(piece);
    stall.go();
    meter.report({ phase: "read", done_bytes: bytes, done_items: 0, ...totals });
  }
  meter.report({ phase: "read", done_bytes: bytes, done_items: 0, ...totals }, true);
}

function redirectOf(response: Response, url: URL): URL {
  const location = response.headers.get("location") ?? "";
  const next = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined;
  if (next !== undefined && /^https?:$/.test(next.protocol)) return next;
  throw new HoldfastError("upstream", `Cannot download from ${url.host}: it redirects to nowhere`);
}

function refused(url: URL, status: number): HoldfastError {
  const credentials = status === 401 || status === 403;
  return new HoldfastError("upstream", `Cannot download from ${url.host}: it answered ${status}`, {
    code: credentials ? "wrong_credentials" : "refused",
    ...(credentials ? { hint: "check the headers of download" } : {}),
  });
}

function worded(service: Service, url: URL, error: unknown, stalled: boolean): HoldfastError {
  if (error instanceof HoldfastError && error.code === "address_refused") {
    const hint = "an administrator can set allow_private to true";
    return new HoldfastError("forbidden", `Cannot use ${url.host}: its address is not public`, {
      code: error.code,
      hint,
    });
  }
  const why = stalled ? "nothing came for too long" : service.secrets.clean(messageOf(error));
  return new HoldfastError("upstream", `Cannot download from ${url.host}: ${why}`, {
    code: stalled ? "timeout" : "connect",
    cause: error,
  });
}

/** Aborts when nothing comes for a time; time spent on our side does not count. */
class Stall {
  readonly #controller = new AbortController();
  readonly #ms: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number) {
    this.#ms = ms;
    this.go();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  go(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(), this.#ms);
  }

  pause(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
