/**
 * Looking at a server's certificate before anything is sent to it, and whether to believe it at first use.
 *
 * Products that people run inside their network show certificates no authority vouches for. Such a one is pinned when
 * it is first seen, and said so; from then on another is refused before a byte is sent (see `relay.ts`).
 */
import { isIP } from "node:net";
import { connect } from "node:tls";
import { HoldfastError, messageOf } from "./errors.ts";
import { normalizePin } from "./relay.ts";
import type { Trust } from "./upstream.ts";

const TIMEOUT_MS = 15_000;

/** Where a TLS server is, and what errors call it: `Veeam ONE server "north"`. */
export interface TlsPlace {
  name: string;
  hostname: string;
  port: number;
  /** What to look at when nothing listens there, and when what does speaks no TLS. */
  hints?: { closed: string; plain: string };
}

/** A certificate as it is shown. */
export interface Certificate {
  /** SHA-256, lower-case hex. */
  fingerprint: string;
  subject: string | null;
  /** ISO 8601 UTC; null where it cannot be read. */
  valid_until: string | null;
}

/** What settings and memory say about trust. */
export interface TrustQuestion {
  /** Believe everybody; said each time. */
  insecure: boolean;
  /** File of authorities (PEM). */
  ca_file: string | null;
  /** SHA-256 fingerprint that settings name. */
  fingerprint: string | null;
  /** What was found at first use; undefined when the server was never seen, null when authorities vouched for it. */
  known: string | null | undefined;
  note: (sentence: string) => void;
}

/** Whom to believe, and what to remember of it. Errors: `upstream`, `invalid` for a file that cannot be read. */
export async function trustFor(
  place: TlsPlace,
  { insecure, ca_file, fingerprint, known, note }: TrustQuestion,
  signal: AbortSignal,
): Promise<{ trust: Trust; remember: string | null | undefined }> {
  if (insecure) {
    note(`warning: the certificate of ${place.name} is not checked: whoever is in between sees the password`);
    return { trust: { insecure: true }, remember: known };
  }
  if (ca_file !== null) return { trust: { ca: await readAuthorities(place, ca_file) }, remember: known };
  if (fingerprint !== null) return { trust: { pin: fingerprint }, remember: known };
  if (typeof known === "string") return { trust: { pin: known }, remember: known };
  // What an authority vouched for once must not be pinned when it no longer does.
  if (known === null || await isTrusted(place, signal)) return { trust: {}, remember: null };
  const shown = await peek(place, signal);
  note(
    `note: pinned the certificate of ${place.name} at ${place.hostname}:${place.port}, which no authority ` +
      `vouches for: SHA-256 ${shown.fingerprint}`,
  );
  return { trust: { pin: shown.fingerprint }, remember: shown.fingerprint };
}

async function readAuthorities({ name }: TlsPlace, path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new HoldfastError("invalid", `Cannot read the authorities for ${name}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** True when the system's authorities vouch for the server. Errors: `upstream` with code `connect`. */
export async function isTrusted(place: TlsPlace, signal: AbortSignal): Promise<boolean> {
  const { hostname, port } = place;
  const { promise: late, reject } = Promise.withResolvers<never>();
  const limit = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), signal]);
  const onLimit = () => reject(signal.aborted ? signal.reason : tooLate());
  limit.addEventListener("abort", onLimit, { once: true });
  const connecting = Deno.connectTls({ hostname, port }).then(async (connection) => {
    try {
      await connection.handshake();
    } finally {
      connection.close();
    }
  });
  connecting.catch(() => {});
  try {
    await Promise.race([connecting, late]);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (/certificate|UnknownIssuer|NotValidForName|CaUsedAsEndEntity/i.test(messageOf(error))) return false;
    throw unreachable(place, error);
  } finally {
    limit.removeEventListener("abort", onLimit);
  }
}

/** The certificate a server shows to whoever connects. Errors: as {@linkcode isTrusted}. */
export async function peek(place: TlsPlace, signal: AbortSignal): Promise<Certificate> {
  const { hostname, port } = place;
  const { promise, resolve, reject } = Promise.withResolvers<Certificate>();
  const socket = connect({
    host: hostname,
    port,
    rejectUnauthorized: false,
    ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
  });
  const timer = setTimeout(() => reject(tooLate()), TIMEOUT_MS);
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
    throw unreachable(place, error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    socket.destroy();
  }
}

function tooLate(): Error {
  return new Error(`no connection within ${TIMEOUT_MS / 1000} s`);
}

/** Why nobody could be spoken to, in words that say what to look at. */
export function unreachable({ name, hostname, port, hints }: TlsPlace, error: unknown): HoldfastError {
  const { reason, hint } = explain(messageOf(deepest(error)), hints ?? HINTS);
  return new HoldfastError("upstream", `Cannot reach ${name} at ${hostname}:${port}: ${reason}`, {
    code: "connect",
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  });
}

/** fetch says only that it failed; what happened is below. */
function deepest(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? deepest(error.cause) : error;
}

const HINTS = {
  closed: "is the service running, and the port right?",
  plain: "check the port; the API speaks https only",
};

function explain(
  said: string,
  { closed, plain }: { closed: string; plain: string },
): { reason: string; hint?: string } {
  if (/refused/i.test(said)) {
    return { reason: "nothing listens on that port", hint: closed };
  }
  if (/ENOTFOUND|EAI_AGAIN|failed to lookup|not known|no such host|name resolution/i.test(said)) {
    return { reason: "there is no host of that name", hint: "check the name, or use the address" };
  }
  if (/InvalidContentType|corrupt message|wrong version number|WRONG_VERSION|packet length/i.test(said)) {
    return {
      reason: "it does not speak TLS on that port",
      hint: plain,
    };
  }
  if (/timed out|no connection within/i.test(said)) {
    return { reason: "it does not answer", hint: "a firewall may drop the connection" };
  }
  return { reason: said };
}
