/** Looking at a backup server's certificate before anything is sent to it; how that is done stands in `lib/certificate.ts`. */
import * as certificate from "../lib/certificate.ts";
import type { HoldfastError } from "../lib/errors.ts";
import { type Address, DEFAULT_PORT } from "./address.ts";

export type { Certificate } from "../lib/certificate.ts";

/**
 * True when the system's authorities vouch for the server. Errors: `upstream` with code `connect` when nobody answers there, or
 * somebody who does not speak TLS.
 */
export async function isTrusted(name: string, address: Address, signal: AbortSignal): Promise<boolean> {
  return await certificate.isTrusted(placeOf(name, address), signal);
}

/** The certificate a server shows to whoever connects. Errors: as {@linkcode isTrusted}. */
export async function peek(
  name: string,
  address: Address,
  signal: AbortSignal,
): Promise<certificate.Certificate> {
  return await certificate.peek(placeOf(name, address), signal);
}

/** Why nobody could be spoken to, in words that say what to look at. */
export function unreachable(name: string, address: Address, error: unknown): HoldfastError {
  return certificate.unreachable(placeOf(name, address), error);
}

function placeOf(name: string, { hostname, port }: Address): certificate.TlsPlace {
  return {
    name: `Veeam server "${name}"`,
    hostname,
    port,
    hints: {
      closed: port === DEFAULT_PORT
        ? `is the Veeam Backup RESTful API Service running? 13.1 and later also answer on ${hostname}:443`
        : `the API is on port ${DEFAULT_PORT} unless somebody moved it`,
      plain: `the API is on port ${DEFAULT_PORT} and speaks https only`,
    },
  };
}
