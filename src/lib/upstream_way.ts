/** How calls reach an upstream: directly, or through a relay that judges certificates and addresses. */
import { openRelay, type Relay, type RelayTarget } from "./relay.ts";

/** As much of `fetch` as is used; a Hono application is one too. */
export type Fetch = (
  url: string,
  init: RequestInit & { client?: Deno.HttpClient },
) => Promise<Response> | Response;

/** Whom an upstream's certificate is believed. By default the system's authorities. */
export interface Trust {
  /** Authorities to believe instead (PEM). */
  ca?: string;
  /** SHA-256 fingerprint of the one certificate to believe. */
  pin?: string;
  /** Believes everybody. The caller warns about it, each time. */
  insecure?: boolean;
  /** Judges the address a name resolves to; the connection goes to exactly that address. */
  allowAddress?: (address: string) => boolean;
}

/** How calls leave the process. */
export interface Way {
  client: Deno.HttpClient | undefined;
  relay: Relay | undefined;
  /** What every address given to fetch starts with; through a relay it is plain HTTP. */
  base: string;
}

/** Opens the way; through a relay where trust asks for more than the system's authorities. */
export async function openWay(
  base: URL,
  { trust = {}, fetch }: { trust?: Trust; fetch?: Fetch },
): Promise<Way> {
  const direct = { relay: undefined, base: base.href };
  if (fetch !== undefined) return { ...direct, client: undefined };
  const tls = base.protocol === "https:";
  const relayed = (tls && (trust.pin !== undefined || trust.insecure)) || trust.allowAddress !== undefined;
  if (!relayed) {
    return {
      ...direct,
      client: trust.ca === undefined ? undefined : Deno.createHttpClient({ caCerts: [trust.ca] }),
    };
  }
  const target: RelayTarget = {
    hostname: base.hostname,
    port: Number(base.port) || (tls ? 443 : 80),
    tls,
    ...(trust.pin === undefined ? {} : { pin: trust.pin }),
    ...(trust.ca === undefined ? {} : { ca: trust.ca }),
    ...(trust.insecure ? { insecure: true } : {}),
    ...(trust.allowAddress === undefined ? {} : { allowAddress: trust.allowAddress }),
  };
  const relay = await openRelay(target);
  const plain = new URL(base);
  plain.protocol = "http:";
  if (base.port === "") plain.port = String(target.port);
  return { client: relay.client, relay, base: plain.href };
}
