/**
 * A relay inside the process, for connections that fetch cannot make itself: to a certificate known by its
 * fingerprint, or to exactly the address that was checked.
 *
 * fetch speaks plain HTTP to a private Unix socket; the relay connects on, and with TLS compares the certificate's
 * SHA-256 fingerprint before it sends the first byte. So neither a changed certificate nor a name that resolves
 * differently the second time ever sees a credential.
 */
import { lookup } from "node:dns/promises";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { HoldfastError, messageOf } from "./errors.ts";

/** What a relayed connection must satisfy. */
export interface RelayTarget {
  hostname: string;
  port: number;
  tls: boolean;
  /** SHA-256 fingerprint of the certificate, hex with or without colons; then nothing else is verified. */
  pin?: string;
  /** Trusted certificate authorities (PEM), instead of the system's. */
  ca?: string;
  /** Believes any certificate; for an opt-out that was asked for and is warned about. */
  insecure?: boolean;
  /** Judges an address the name resolves to; without it every address will do. */
  allowAddress?: (address: string) => boolean;
}

/** A running relay. */
export interface Relay extends AsyncDisposable {
  /** For `fetch(url, { client })`; the URL must be `http:` with the target's host and port. */
  client: Deno.HttpClient;
  /** Why the last connection was refused, or undefined; fetch only says that it was closed. */
  failure(): HoldfastError | undefined;
}

const CONNECT_TIMEOUT_MS = 15_000;

/** Starts a relay to one target; it ends with `close`. */
export async function openRelay(target: RelayTarget): Promise<Relay> {
  const directory = await Deno.makeTempDir({ prefix: "holdfast-relay-" });
  const path = join(directory, "s");
  const listener = Deno.listen({ transport: "unix", path });
  let failure: HoldfastError | undefined;
  const connections = new Set<{ close(): void }>();
  const accepting = (async () => {
    for await (const inner of listener) {
      connections.add(inner);
      serve(inner, target).catch((error) => {
        failure = error instanceof HoldfastError ? error : failedTo(target, error);
        tryClose(inner);
      }).finally(() => connections.delete(inner));
    }
  })();
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  return {
    client,
    failure: () => failure,
    async [Symbol.asyncDispose]() {
      client.close();
      listener.close();
      for (const connection of connections) tryClose(connection);
      await accepting.catch(() => {});
      await Deno.remove(directory, { recursive: true });
    },
  };
}

function tryClose(connection: { close(): void }): void {
  try {
    connection.close();
  } catch {
    // Already closed by the other side.
  }
}

async function serve(inner: Deno.Conn, target: RelayTarget): Promise<void> {
  const address = await resolveAddress(target);
  const socket = await connectTo(target, address);
  try {
    await pump(inner, socket);
  } finally {
    socket.destroy();
    tryClose(inner);
  }
}

/** The address to connect to: every one the name has must be allowed, so that none can be slipped in between. */
async function resolveAddress({ hostname, allowAddress }: RelayTarget): Promise<string> {
  const host = hostname.replace(/^\[|\]$/g, "");
  const addresses = isIP(host) !== 0
    ? [host]
    : (await lookup(host, { all: true })).map((found) => found.address);
  const refused = allowAddress === undefined
    ? undefined
    : addresses.find((address) => !allowAddress(address));
  if (refused !== undefined) {
    throw new HoldfastError(
      "forbidden",
      `Cannot connect to ${hostname}: ${refused} is not a public address`,
      { code: "address_refused" },
    );
  }
  return addresses[0]!;
}

function connectTo(target: RelayTarget, address: string): Promise<Socket> {
  const { hostname, port, tls, pin, ca, insecure = false } = target;
  return new Promise((resolve, reject) => {
    const host = hostname.replace(/^\[|\]$/g, "");
    const socket = tls
      ? connectTls({
        host: address,
        port,
        // A name in the handshake only where there is one: RFC 6066 allows no addresses.
        ...(isIP(host) === 0 ? { servername: host } : {}),
        rejectUnauthorized: pin === undefined && !insecure,
        ...(ca === undefined ? {} : { ca }),
      })
      : connectTcp({ host: address, port });
    const timer = setTimeout(
      () => fail(new Error(`no connection within ${CONNECT_TIMEOUT_MS / 1000} s`)),
      CONNECT_TIMEOUT_MS,
    );
    const fail = (error: unknown) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error instanceof HoldfastError ? error : failedTo(target, error));
    };
    socket.once("error", fail);
    socket.once(tls ? "secureConnect" : "connect", () => {
      if (pin !== undefined && "getPeerCertificate" in socket) {
        const shown = normalizePin(String(socket.getPeerCertificate().fingerprint256));
        if (shown !== normalizePin(pin)) return fail(changedCertificate(target, shown));
      }
      clearTimeout(timer);
      socket.off("error", fail);
      resolve(socket);
    });
  });
}

/** Lower-case hex without colons. */
export function normalizePin(pin: string): string {
  return pin.replaceAll(":", "").toLowerCase();
}

function changedCertificate({ hostname, port, pin = "" }: RelayTarget, shown: string): HoldfastError {
  return new HoldfastError(
    "upstream",
    `Cannot trust ${hostname}:${port}: its certificate changed; pinned is SHA-256 ${
      normalizePin(pin)
    }, it shows ${shown}`,
    {
      code: "certificate_changed",
      hint: "when the change is meant, pin the new fingerprint; otherwise somebody may be in between",
    },
  );
}

function failedTo({ hostname, port }: RelayTarget, error: unknown): HoldfastError {
  return new HoldfastError("upstream", `Cannot connect to ${hostname}:${port}: ${messageOf(error)}`, {
    code: "connect",
    cause: error,
  });
}

/** Copies both ways until either side ends; an abrupt end of one is the end of both, and no error of the relay. */
async function pump(inner: Deno.Conn, socket: Socket): Promise<void> {
  const outward = sendOn(inner, socket).catch(() => {}).finally(() => socket.end());
  try {
    for await (const chunk of socket) await writeAll(inner, chunk);
  } catch {
    // fetch learns from the closed connection.
  } finally {
    tryClose(inner);
    await outward;
  }
}

async function sendOn(inner: Deno.Conn, socket: Socket): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let size = await inner.read(buffer); size !== null; size = await inner.read(buffer)) {
    const chunk = buffer.slice(0, size);
    await new Promise<void>((resolve, reject) =>
      socket.write(chunk, (error) => error ? reject(error) : resolve())
    );
  }
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await to.write(bytes.subarray(written));
}
