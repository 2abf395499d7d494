/** All checks, in the order in which one would mend things. */
import type { Config } from "../../../config/mod.ts";
import type { Session } from "../../session.ts";
import type { Account } from "../service/account.ts";
import { isThere } from "../service/host.ts";
import { examineClock, readClocks } from "./clock.ts";
import { examineConfig } from "./config.ts";
import { examineListener, examineRemote, examineSocket, listenerOf } from "./daemon.ts";
import { examineDirectory, examineFiles, examineLock, examineSpace } from "./data.ts";
import { call, examineDatabase } from "./database.ts";
import { findService, findUser, type HostPlaces, type Service, THIS_HOST } from "./host.ts";
import { bad, type Line, look } from "./line.ts";
import { examineSchedules, pathsOf } from "./schedules.ts";

/** Looks at everything. Never throws for what is wrong with the host. */
export async function examine(session: Session, host: HostPlaces = THIS_HOST): Promise<Line[]> {
  const begin = readClocks();
  const { lines, config, dataDir } = await examineConfig(session.options, session.terminal.env);
  if (config !== undefined && config.api.url !== null) {
    // The data is on that host, and so is what could be wrong with it.
    const { url } = config.api;
    lines.push(...await look("daemon", () => examineRemote(url)));
    return [...lines, ...await look("clock", () => examineClock(begin, readClocks(), undefined, host))];
  }
  const service = await findService(host);
  const account = service === undefined ? undefined : await findUser(service.sandbox.user, host);
  if (service !== undefined && account === undefined) {
    lines.push(
      bad("service", `its user ${service.sandbox.user} does not exist`, "holdfast service install makes it"),
    );
  }
  let held = false;
  if (dataDir !== undefined) {
    lines.push(...await look("data directory", () => examineDirectory(dataDir, account, host)));
    lines.push(
      ...await look("lock", async () => {
        const lock = await examineLock(dataDir);
        held = lock.held;
        return lock.lines;
      }),
    );
    lines.push(...await look("files", () => examineFiles(dataDir)));
  }
  if (config !== undefined) {
    lines.push(...await examineRest(session, config, { held, service, account, host }));
  }
  lines.push(...await look("clock", () => examineClock(begin, readClocks(), dataDir, host)));
  return lines;
}

interface Known {
  held: boolean;
  service: Service | undefined;
  /** The service's user. */
  account: Account | undefined;
  host: HostPlaces;
}

/** What needs a configuration: the daemon, the database, the schedules and their disks. */
async function examineRest(session: Session, config: Config, known: Known): Promise<Line[]> {
  const { held, service, host } = known;
  let answers = false;
  let usable = false;
  const lines = await look("socket", async () => {
    const socket = await examineSocket(config, held, service, host);
    answers = socket.answers;
    return socket.lines;
  });
  lines.push(
    ...await look("api", async () => {
      // With a daemon up its configuration counts.
      const settings = answers
        ? listenerOf(await call(session, "config", "config.effective"))
        : { listen: config.api.listen, certFile: config.api.tls.cert_file };
      return await examineListener(settings, answers, readClocks().wall);
    }),
  );
  // A socket nobody answers on is the end of every way to the data; it has its line already.
  const isBlocked = !answers && await isThere(config.api.socket).catch(() => true);
  if (!isBlocked) {
    lines.push(
      ...await look("database", async () => {
        const database = await examineDatabase(session);
        usable = database.usable;
        return database.lines;
      }),
    );
  }
  const destinations = new Set<string>();
  if (usable) {
    lines.push(
      ...await look("schedules", async () => {
        const [schedules, servers] = [
          await call(session, "schedules", "schedules.list"),
          await call(session, "servers", "servers.list"),
        ];
        const paths = pathsOf(schedules, servers);
        for (const { destination } of paths) if (destination !== null) destinations.add(destination);
        const account = await runnerOf(config.data_dir, known);
        return await examineSchedules(paths, { account, sandbox: service?.sandbox }, host);
      }),
    );
  }
  for (const path of [config.data_dir, ...destinations]) {
    lines.push(...await look("disk", async () => [await examineSpace(path, config.health.min_free_bytes)]));
  }
  return lines;
}

/** Who runs the backups: the service's user, else the owner of the data, else whoever asks. */
async function runnerOf(dataDir: string, { account, host }: Known): Promise<Account> {
  if (account !== undefined) return account;
  const uid = await isThere(dataDir) ? (await Deno.stat(dataDir)).uid : null;
  const number = uid ?? Deno.uid() ?? 0;
  return await findUser(number, host) ?? { name: `user ${number}`, uid: number, gids: [] };
}
