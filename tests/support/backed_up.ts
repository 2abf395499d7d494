/** A server with a schedule on it, made with the program's own commands, and questions about what became of it. */
import { z } from "zod";
import { Backup } from "../../src/backups/model.ts";
import { type BackupScheduleLog, LedgerEntry, LogPage } from "../../src/schedules/model.ts";
import type { Sandbox } from "./daemon.ts";

/** So much that archiving it takes minutes, and the disk has none of it: nothing but a hole. */
export const ENDLESS_BYTES = 2 ** 40;

/** Due so seldom that only what is asked for runs, whatever the time of the day. */
const SELDOM = "0 0 29 2 *";

/** Makes server `web-1` and a schedule on it for `source`, due at `cron`; both paths below the sandbox. */
export async function addSchedule(
  box: Sandbox,
  { name = "nightly", cron = SELDOM, source = "data", destination = "backups", more = [] }: {
    name?: string;
    cron?: string;
    source?: string;
    destination?: string;
    more?: string[];
  } = {},
): Promise<void> {
  const there = await box.cli("servers", "get", "web-1");
  if (there.code !== 0) await box.ok("servers", "create", "--name", "web-1", "--host", "127.0.0.1");
  // deno-fmt-ignore
  await box.ok("schedules", "create", "--server", "web-1", "--name", name, "--cron", cron, "--engine", "archive",
    "--source", box.path(source), "--destination", box.path(destination), ...more);
}

/** A folder below the sandbox with one file of so many bytes, all of them a hole; replaces what was there. */
export async function holeIn(box: Sandbox, folder: string, bytes: number): Promise<void> {
  await Deno.mkdir(box.path(folder), { recursive: true });
  using file = await Deno.create(box.path(folder, "hole.bin"));
  await file.truncate(bytes);
}

export async function logsOf(box: Sandbox, schedule: string): Promise<BackupScheduleLog[]> {
  return (await box.json(LogPage, "schedules", "logs", "--schedule", schedule)).logs;
}

/** Due instants of a schedule, the oldest first. */
export async function ledgerOf(box: Sandbox, schedule: string): Promise<LedgerEntry[]> {
  return (await box.json(z.array(LedgerEntry), "ledger", "list", "--schedule", schedule)).toReversed();
}

export async function backupsOf(box: Sandbox): Promise<Backup[]> {
  return await box.json(z.array(Backup), "backups", "list");
}

/** Names of a folder below the sandbox, sorted; one that is not there is empty. */
export async function namesIn(box: Sandbox, folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(box.path(folder)))).map((entry) => entry.name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Bytes of the partial file in a folder; 0 when there is none. */
export async function partialBytes(box: Sandbox, folder: string): Promise<number> {
  const partial = (await namesIn(box, folder)).find((name) => name.endsWith(".partial"));
  if (partial === undefined) return 0;
  return await Deno.stat(box.path(folder, partial)).then((info) => info.size, () => 0);
}
