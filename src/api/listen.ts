/** The doors: TCP with or without TLS, and the Unix socket. */
import { getLogger } from "@logtape/logtape";
import { dirname } from "node:path";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { ApiFetch } from "./app.ts";

const log = getLogger(["holdfast", "api"]);

/** Longest path a Unix socket may have on Linux (sun_path is 108 bytes with its end). */
const MAX_SOCKET_PATH = 107;

/** An open door. */
export interface Listener {
  /** Base address for people and programs. */
  url: string;
  /** Takes no new connections and finishes the requests under way. */
  close(): Promise<void>;
}

/** Settings of the TCP listener. */
export interface TcpSettings {
  tls: { cert_file: string | null; key_file: string | null };
}

/** Opens the TCP listener. Errors: `conflict` for a port in use, `invalid` for an unusable certificate or address. */
export async function listenTcp(
  settings: TcpSettings,
  address: { hostname: string; port: number },
  api: ApiFetch,
): Promise<Listener> {
  const { cert_file, key_file } = settings.tls;
  if (cert_file === null || key_file === null) {
    const server = serveTcp(address, api, {});
    return { url: urlOf("http", address.hostname, server.addr.port), close: () => shutdown(server) };
  }
  return await listenTls(cert_file, key_file, address, api);
}

type TcpServer = Deno.HttpServer<Deno.NetAddr>;

function serveTcp(
  address: { hostname: string; port: number },
  api: ApiFetch,
  tls: { cert?: string; key?: string; reusePort?: boolean },
): TcpServer {
  return listening(address, () =>
    Deno.serve(
      { ...address, ...tls, onListen: () => {} },
      (request, info) => api(request, { via: "tcp", address: info.remoteAddr.hostname }),
    ));
}

/** What keeps an address from being listened on, in words. */
function listening<T>(address: { hostname: string; port: number }, listen: () => T): T {
  try {
    return listen();
  } catch (error) {
    const where = `${address.hostname}:${address.port}`;
    if (error instanceof Deno.errors.AddrInUse) {
      throw new HoldfastError("conflict", `Cannot listen on ${where}: the address is in use`, {
        cause: error,
        hint: "another program (or another Holdfast) has the port; choose one with --api-listen",
      });
    }
    throw new HoldfastError("invalid", `Cannot listen on ${where}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * TLS whose certificate is read again when its file changes: a second server takes the same port with the new
 * certificate, then the first one finishes its requests and goes. A certificate that cannot be used is logged, the old
 * one stays. A connection that is just being opened at that moment may be reset, and opens at the second try.
 */
async function listenTls(
  certFile: string,
  keyFile: string,
  address: { hostname: string; port: number },
  api: ApiFetch,
): Promise<Listener> {
  const read = async () => ({ cert: await readPem(certFile), key: await readPem(keyFile) });
  let pair = await read();
  // Servers that share a port would not notice that another Holdfast has it already.
  listening(address, () => Deno.listen(address).close());
  let server = serveTcp(address, api, { ...pair, reusePort: true });
  const bound = { hostname: address.hostname, port: server.addr.port };
  const watcher = Deno.watchFs([dirname(certFile), dirname(keyFile)], { recursive: false });
  const draining = new Set<Promise<void>>();
  const reload = async () => {
    const next = await read();
    if (next.cert === pair.cert && next.key === pair.key) return;
    const replacement = serveTcp(bound, api, { ...next, reusePort: true });
    const before = server;
    [server, pair] = [replacement, next];
    log.info("The certificate was read again");
    const drained = shutdown(before).finally(() => draining.delete(drained));
    draining.add(drained);
  };
  const watching = (async () => {
    for await (const _ of watcher) {
      await reload().catch((error) =>
        log.warning("Cannot use the new certificate: {reason}", { reason: messageOf(error) })
      );
    }
  })();
  return {
    url: urlOf("https", address.hostname, bound.port),
    async close() {
      watcher.close();
      await watching;
      await Promise.all([shutdown(server), ...draining]);
    },
  };
}

async function readPem(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new HoldfastError("invalid", `Cannot read "${path}" for TLS: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Opens the Unix socket; called by the holder of the data directory's lock only, so a file that is there is stale. */
export async function listenSocket(path: string, api: ApiFetch): Promise<Listener> {
  if (new TextEncoder().encode(path).length > MAX_SOCKET_PATH) {
    throw new HoldfastError(
      "invalid",
      `Cannot listen on socket "${path}": the path is longer than ${MAX_SOCKET_PATH} bytes`,
      {
        hint: "set api.socket to a shorter one, such as /run/holdfast/holdfast.sock",
      },
    );
  }
  try {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await removeStale(path);
    const server = Deno.serve(
      { path, onListen: () => {} },
      (request) => api(request, { via: "socket", address: null }),
    );
    await Deno.chmod(path, 0o600);
    return {
      url: `unix:${path}`,
      async close() {
        await shutdown(server);
        await removeStale(path);
      },
    };
  } catch (error) {
    throw new HoldfastError("invalid", `Cannot listen on socket "${path}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Removes a socket nobody listens on any more; anything else at its path is somebody's file. */
async function removeStale(path: string): Promise<void> {
  try {
    if (!(await Deno.lstat(path)).isSocket) throw new Error("there is something else of that name");
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Requests under way get this long; streams that never end are cut then. */
const DRAIN_MS = 5000;

async function shutdown(server: Deno.HttpServer<Deno.Addr>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<void>((resolve) => timer = setTimeout(resolve, DRAIN_MS));
  await Promise.race([server.shutdown(), limit]);
  clearTimeout(timer);
}

function urlOf(scheme: string, hostname: string, port: number): string {
  return `${scheme}://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
