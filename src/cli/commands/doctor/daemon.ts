/** Does the daemon answer, on its socket and on its port? */
import { X509Certificate } from "node:crypto";
import { dirname } from "node:path";
import { operationsFor } from "../../../catalogue.ts";
import { type Config, parseListen } from "../../../config/mod.ts";
import { isLoopbackAddress } from "../../../lib/loopback.ts";
import { messageOf } from "../../../lib/errors.ts";
import { VERSION } from "../../../lib/version.ts";
import { at } from "../../cells.ts";
import { httpTransport, type Transport } from "../../transport.ts";
import { isThere } from "../service/host.ts";
import { UNIT } from "../service/names.ts";
import type { HostPlaces, Service } from "./host.ts";
import { bad, type Line, ok, warning } from "./line.ts";

/** Longest path a Unix socket may have (unix(7): 108 bytes with the final zero). */
const LONGEST_SOCKET_PATH = 107;
const PATIENCE_MS = 5000;

/** The socket of the daemon on this host; `answers` when somebody is there. */
export async function examineSocket(
  { api }: Config,
  held: boolean,
  service: Service | undefined,
  host: HostPlaces,
): Promise<{ lines: Line[]; answers: boolean }> {
  const length = new TextEncoder().encode(api.socket).length;
  if (length > LONGEST_SOCKET_PATH) {
    const fix = "set api.socket to a shorter one, such as /run/holdfast/holdfast.sock";
    return {
      lines: [bad("socket", `${api.socket} has ${length} bytes, ${LONGEST_SOCKET_PATH} are possible`, fix)],
      answers: false,
    };
  }
  if (!await isThere(api.socket)) {
    return { lines: [await withoutSocket(api.socket, held, service, host)], answers: false };
  }
  const { isSocket, mode } = await Deno.stat(api.socket);
  if (!isSocket) {
    return {
      lines: [bad("socket", `${api.socket} is no socket`, "move that file away, or set api.socket")],
      answers: false,
    };
  }
  const lines: Line[] = [];
  const parent = await Deno.stat(dirname(api.socket));
  if (((mode ?? 0) & 0o022) !== 0 && ((parent.mode ?? 0) & 0o011) !== 0) {
    lines.push(
      bad("socket", `every user may command the daemon through ${api.socket}`, `chmod 600 ${api.socket}`),
    );
  }
  const transport = httpTransport({
    kind: "socket",
    url: "http://holdfast.local",
    socketPath: api.socket,
    headers: {},
  });
  const health = await askHealth(transport);
  if (health.answer === undefined) {
    const fix = held
      ? `restart the daemon: systemctl restart ${UNIT}`
      : `start the daemon, or remove ${api.socket}`;
    lines.push(bad("socket", `nobody answers on ${api.socket} as a daemon does`, fix));
  } else lines.push(ok("socket", `${api.socket} answers`), ...healthLines(health.answer));
  return { lines, answers: health.answer !== undefined };
}

async function withoutSocket(
  path: string,
  held: boolean,
  service: Service | undefined,
  host: HostPlaces,
): Promise<Line> {
  if (held) {
    return bad(
      "daemon",
      `somebody holds the data directory, but ${path} is not there`,
      "wait for it, or restart the daemon",
    );
  }
  if (service === undefined) {
    return warning(
      "daemon",
      "none runs: nothing is backed up on schedule",
      "holdfast service install, or holdfast serve",
    );
  }
  const state = await host.ask("systemctl", ["is-active", UNIT]);
  const fix = `systemctl start ${UNIT}; if it fails, journalctl -u ${UNIT} says why`;
  return bad("daemon", `the service is installed and does not run (${state || "unknown"})`, fix);
}

/** A daemon on another host (`api.url`). */
export async function examineRemote(url: string): Promise<Line[]> {
  const health = await askHealth(httpTransport({ kind: "remote", url, headers: {} }));
  return health.answer === undefined
    ? [
      bad(
        "daemon",
        `${url} does not answer: ${health.reason}`,
        "see that it runs, and that api.url is right",
      ),
    ]
    : healthLines(health.answer);
}

async function askHealth(transport: Transport): Promise<{ answer?: unknown; reason?: string }> {
  const op = (await operationsFor("health")).find(({ name }) => name === "health");
  if (op === undefined) throw new TypeError('There is no operation "health"');
  try {
    return { answer: await transport.call(op, {}, AbortSignal.timeout(PATIENCE_MS)) };
  } catch (error) {
    return { reason: messageOf(error) };
  } finally {
    await transport.close();
  }
}

/** What the daemon says about itself, as lines. */
export function healthLines(answer: unknown): Line[] {
  const lines: Line[] = [];
  const version = at(answer, "version");
  if (version !== VERSION) {
    lines.push(
      warning("daemon", `it is ${version}, this program ${VERSION}`, "restart the daemon after an update"),
    );
  }
  const checks = at(answer, "checks");
  for (const check of Array.isArray(checks) ? checks : []) {
    const status = at(check, "status");
    if (status === "ok") continue;
    const said = `${at(check, "name")}: ${at(check, "detail")}`;
    lines.push(
      (status === "failed" ? bad : warning)("daemon", said, "see holdfast health and the daemon's log"),
    );
  }
  return lines.length > 0 ? lines : [ok("daemon", `${version} runs and is well`)];
}

/** The TCP listener and its certificate: a running daemon's own settings, else those of this process. */
export interface ListenerSettings {
  listen: string;
  certFile: string | null;
}

/** What the daemon's `config.effective` says about its listener. */
export function listenerOf(settings: unknown): ListenerSettings {
  const [listen, certFile] = ["api.listen", "api.tls.cert_file"].map((key) =>
    typeof settings === "object" && settings !== null ? String(Reflect.get(settings, key) ?? "") : ""
  );
  return { listen: listen ?? "", certFile: certFile?.startsWith("/") ? certFile : null };
}

/** Whether the listener answers, or could. */
export async function examineListener(
  { listen, certFile }: ListenerSettings,
  answers: boolean,
  now: number,
): Promise<Line[]> {
  const address = parseListen(listen);
  if (address === undefined || address.port === 0) return [];
  const hostname = ["0.0.0.0", "::"].includes(address.hostname) ? "localhost" : address.hostname;
  const open = await accepts(hostname, address.port);
  const lines: Line[] = [];
  if (answers && !open) {
    lines.push(
      bad(
        "api",
        `the daemon runs, but nobody answers on ${listen}`,
        "see its log, and what api.listen was at its start",
      ),
    );
  } else if (!answers && open) {
    lines.push(
      warning(
        "api",
        `${listen} is taken by another program`,
        "before starting a daemon here, end that program or set api.listen",
      ),
    );
  }
  lines.push(...await certificateLines(certFile, now));
  if (lines.length > 0 || !answers) return lines;
  return [ok("api", `${listen} answers${isLoopbackAddress(address.hostname) ? ", to this host only" : ""}`)];
}

async function accepts(hostname: string, port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname, port, signal: AbortSignal.timeout(PATIENCE_MS) })).close();
    return true;
  } catch {
    return false;
  }
}

const DAY_MS = 86_400_000;

async function certificateLines(file: string | null, now: number): Promise<Line[]> {
  if (file === null) return [];
  const { validTo } = new X509Certificate(await Deno.readTextFile(file));
  const days = Math.floor((Date.parse(validTo) - now) / DAY_MS);
  if (days >= 14) return [];
  const fix = "renew it; the daemon reads the new one by itself";
  return [
    days < 0
      ? bad("api", `the certificate ended ${validTo}`, fix)
      : warning("api", `the certificate ends in ${days} days`, fix),
  ];
}
