/**
 * Telling systemd how the daemon is (sd_notify(3)): ready, stopping, a line of status, and a regular sign of life.
 *
 * A message is one datagram to the Unix socket that `$NOTIFY_SOCKET` names. Without that variable nothing is sent.
 * What cannot be sent is logged and never thrown: systemd acts on silence by itself, and a daemon that backs up must not
 * end because of it.
 */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "../lib/errors.ts";

const log = getLogger(["holdfast", "systemd"]);

/** The daemon answers requests; start-up of what is ordered after it goes on. */
export async function notifyReady(): Promise<void> {
  await notify("READY=1");
}

/** The daemon is ending; from now on `TimeoutStopSec=` counts. */
export async function notifyStopping(): Promise<void> {
  await notify("STOPPING=1");
}

/** A line for `systemctl status`. */
export async function notifyStatus(text: string): Promise<void> {
  await notify(`STATUS=${text.replaceAll(/\s*\n\s*/g, " ")}`);
}

/**
 * Sends a sign of life twice per `$WATCHDOG_USEC` for as long as `alive` answers true; the returned function ends it.
 * An `alive` that throws, answers false or never answers leaves systemd without a sign, and it restarts the daemon.
 */
export function startWatchdog(alive: () => Promise<boolean>): () => void {
  const period = watchdogMs();
  if (period === undefined) return () => {};
  let asking = false;
  const beat = async () => {
    // A question nobody answers must not pile up others.
    if (asking) return;
    asking = true;
    try {
      if (await alive()) await notify("WATCHDOG=1");
      else log.warning("No sign of life is sent to systemd: the daemon is not well");
    } catch (error) {
      log.warning("No sign of life is sent to systemd: {reason}", { reason: messageOf(error) });
    } finally {
      asking = false;
    }
  };
  const timer = setInterval(beat, period / 2);
  void beat();
  return () => clearInterval(timer);
}

/** Milliseconds systemd waits for a sign of life, when it waits for one of this process (sd_watchdog_enabled(3)). */
function watchdogMs(): number | undefined {
  const ms = Number(Deno.env.get("WATCHDOG_USEC")) / 1000;
  const pid = Deno.env.get("WATCHDOG_PID");
  if (!(ms >= 1) || Deno.env.get("NOTIFY_SOCKET") === undefined) return undefined;
  return pid === undefined || Number(pid) === Deno.pid ? ms : undefined;
}

async function notify(message: string): Promise<void> {
  const socket = Deno.env.get("NOTIFY_SOCKET");
  if (socket === undefined || socket === "") return;
  // A leading @ stands for the zero byte of a socket without a file.
  const path = socket.startsWith("@") ? `\0${socket.slice(1)}` : socket;
  try {
    // An empty path lets the kernel choose an address without a file.
    const sender = Deno.listenDatagram({ transport: "unixpacket", path: "" });
    try {
      await sender.send(new TextEncoder().encode(message), { transport: "unixpacket", path });
    } finally {
      sender.close();
    }
  } catch (error) {
    log.warning("Cannot tell systemd {message}: {reason}", { message, reason: messageOf(error) });
  }
}
