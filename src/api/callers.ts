/** Requests to callers: who is asking, and whether they ask too often. */
import { Buckets } from "../lib/bucket.ts";
import { type Identity, localIdentity } from "../lib/caller.ts";
import type { Clock } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { addressGroup } from "../lib/address.ts";
import { type Authenticate, clientAddress, type Peer, trustedProxies } from "./authenticate.ts";

/** What decides about callers. */
export interface CallersOptions {
  authenticate: Authenticate;
  clock: Clock;
  settings: { rate_per_minute: number; rate_burst: number; trusted_proxies: readonly string[] };
}

/** Makes callers of requests. */
export class Callers {
  readonly #options: CallersOptions;
  readonly #trusted: ReturnType<typeof trustedProxies>;
  readonly #buckets: Buckets;

  constructor(options: CallersOptions) {
    const { rate_per_minute: perMinute, rate_burst: burst, trusted_proxies } = options.settings;
    this.#options = options;
    this.#trusted = trustedProxies(trusted_proxies);
    this.#buckets = new Buckets({ perMinute, burst });
  }

  /**
   * The caller of a request. `exempt` is not counted; `open` is what anybody may ask: clients send an expired token
   * along with its refresh, and must get through. Errors: `unauthenticated`, `rate_limited`.
   */
  async of(
    request: Request,
    peer: Peer,
    { exempt = false, open = false }: { exempt?: boolean | undefined; open?: boolean },
  ): Promise<Caller> {
    const identity = await this.#identify(request, peer, open);
    if (!exempt && peer.via === "tcp") this.#limit(identity);
    return {
      ...identity,
      request_id: requestId(request),
      operation: "",
      // Made when somebody asks: most operations end before anybody could go away.
      get signal() {
        return request.signal;
      },
      trail: { lines: 0 },
    };
  }

  /**
   * Who is behind a request, to be asked again later, also when the request itself is long gone (a WebSocket): with
   * the credentials of its headers, or with a token that came another way. Errors: as `of`.
   */
  remember(request: Request, peer: Peer): (token?: string) => Promise<Identity> {
    const address = this.#addressOf(request, peer);
    const own = credentialsOf(request);
    const claimed = request.headers.get("x-holdfast-user");
    return async (token) => {
      if (peer.via === "socket") return localIdentity(claimed);
      try {
        return await this.#options.authenticate({
          address,
          ...(token === undefined ? own : { authorization: `Bearer ${token}` }),
        });
      } catch (error) {
        this.#take(`address:${addressGroup(address)}`);
        throw error;
      }
    };
  }

  #addressOf(request: Request, peer: Peer): string | null {
    return clientAddress(peer.address, request.headers.get("x-forwarded-for"), this.#trusted);
  }

  async #identify(request: Request, peer: Peer, open: boolean): Promise<Identity> {
    if (peer.via === "socket") return localIdentity(request.headers.get("x-holdfast-user"));
    const address = this.#addressOf(request, peer);
    try {
      return await this.#options.authenticate({ address, ...credentialsOf(request) });
    } catch (error) {
      // Wrong credentials count too, by address, so that keys cannot be guessed at full speed.
      if (!open) {
        this.#take(`address:${addressGroup(address)}`);
        throw error;
      }
      return await this.#options.authenticate({ address });
    }
  }

  #limit(identity: Identity): void {
    const known = identity.kind !== "anonymous";
    this.#take(known ? `${identity.kind}:${identity.id}` : `address:${addressGroup(identity.address)}`);
  }

  #take(key: string): void {
    const wait = this.#buckets.take(key, this.#options.clock.now());
    if (wait === 0) return;
    const { rate_per_minute } = this.#options.settings;
    throw new HoldfastError("rate_limited", `Cannot answer: more than ${rate_per_minute} requests a minute`, {
      retry_after_seconds: wait,
      hint: `try again in ${wait} s; api.rate_per_minute sets the limit`,
    });
  }
}

function credentialsOf(request: Request): { authorization?: string; apiKey?: string } {
  const authorization = request.headers.get("authorization");
  const apiKey = request.headers.get("x-api-key");
  return { ...(authorization === null ? {} : { authorization }), ...(apiKey === null ? {} : { apiKey }) };
}

const REQUEST_IDS = new WeakMap<Request, string>();

/** The request's id: the client's own when it is harmless, else a new one; the same on each call. */
export function requestId(request: Request): string {
  const known = REQUEST_IDS.get(request);
  if (known !== undefined) return known;
  const given = request.headers.get("x-request-id");
  const id = given !== null && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : crypto.randomUUID();
  REQUEST_IDS.set(request, id);
  return id;
}
