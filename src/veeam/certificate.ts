/** Looking at a server's certificate before anything is sent to it. */
import { isIP } from "node:net";
import { connect } from "node:tls";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import { normalizePin } from "../lib/relay.ts";
import { type Address, DEFAULT_PORT } from "./address.ts";

const TIMEOUT_MS = 15_000;

/** A certificate as it is shown. */
export interface Certificate {
  /** SHA-256, lower-case hex. */
  fingerprint: string;
  subject: string | null;
  /** ISO 8601 UTC; null where it cannot be read. */
  valid_until: string | null;
}

/**
 * True when the system's authorities vouch for the server. Errors: `upstream` with code `connect` when nobody answers there, or
 * somebody who does not speak TLS.
 */
export async function isTrusted(name: string, address: Address, signal: AbortSignal): Promise<boolean> {
  const { hostname, port } = address;
  let connection: Deno.TlsConn | undefined;
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const late = Promise.withResolvers<never>();
  const onLate = () => {
    connection?.close();
    late.reject(signal.aborted ? signal.reason : new Error(`no connection within ${TIMEOUT_MS / 1000} s`));
  };
  const either = AbortSignal.any([timeout, signal]);
  either.addEventListener("abort", onLate, { once: true });
  try {
    const connecting = Deno.connectTls({ hostname, port }).then(async (conn) => {
      connection = conn;
      if (either.aborted) return conn.close();
      await conn.handshake();
    });
    connecting.catch(() => {});
    await Promise.race([connecting, late.promise]);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (/certificate|UnknownIssuer|NotValidForName|CaUsedAsEndEntity/i.test(messageOf(error))) return false;
    throw unreachable(name, address, error);
  } finally {
    either.removeEventListener("abort", onLate);
    try {
      connection?.close();
    } catch {
      // Closed by the time limit already.
    }
  }
}

/** The certificate a server shows to whoever connects. Errors: as {@linkcode isTrusted}. */
export async function peek(name: string, address: Address, signal: AbortSignal): Promise<Certificate> {
  const { hostname, port } = address;
  const { promise, resolve, reject } = Promise.withResolvers<Certificate>();
  const socket = connect({
    host: hostname,
    port,
    rejectUnauthorized: false,
    ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
  });
  const timer = setTimeout(
    () => reject(new Error(`no connection within ${TIMEOUT_MS / 1000} s`)),
    TIMEOUT_MS,
  );
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  socket.once("error", reject);
  socket.once("secureConnect", () => {
    const shown = socket.getPeerCertificate();
    const until = Date.parse(String(shown.valid_to));
    resolve({
      fingerprint: normalizePin(String(shown.fingerprint256)),
      subject: typeof shown.subject?.CN === "string" ? shown.subject.CN : null,
      valid_until: Number.isNaN(until) ? null : new Date(until).toISOString(),
    });
  });
  try {
    return await promise;
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(name, address, error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    socket.destroy();
  }
}

/** Why nobody could be spoken to, in words that say what to look at. */
export function unreachable(name: string, { hostname, port }: Address, error: unknown): HoldfastError {
  const said = messageOf(deepest(error));
  const { reason, hint } = explain(said, hostname, port);
  return new HoldfastError(
    "upstream",
    `Cannot reach Veeam server "${name}" at ${hostname}:${port}: ${reason}`,
    {
      code: "connect",
      ...(hint === undefined ? {} : { hint }),
      cause: error,
    },
  );
}

/** fetch says only that it failed; what happened is below. */
function deepest(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? deepest(error.cause) : error;
}

function explain(said: string, hostname: string, port: number): { reason: string; hint?: string } {
  if (/refused/i.test(said)) {
    return {
      reason: "nothing listens on that port",
      hint: port === DEFAULT_PORT
        ? `is the Veeam Backup RESTful API Service running? 13.1 and later also answer on ${hostname}:443`
        : `the API is on port ${DEFAULT_PORT} unless somebody moved it`,
    };
  }
  if (/ENOTFOUND|EAI_AGAIN|failed to lookup|not known|no such host|name resolution/i.test(said)) {
    return { reason: "there is no host of that name", hint: "check the name, or use the address" };
  }
  if (/InvalidContentType|corrupt message|wrong version number|WRONG_VERSION|packet length/i.test(said)) {
    return {
      reason: "it does not speak TLS on that port",
      hint: `the API is on port ${DEFAULT_PORT} and speaks https only`,
    };
  }
  if (/timed out|no connection within/i.test(said)) {
    return { reason: "it does not answer", hint: "a firewall may drop the connection" };
  }
  return { reason: said };
}
