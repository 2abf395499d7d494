/** The deposit on disk: folders of agents, their reports, and the archive of reports that were read. */
import fs from "node:fs";
import { join } from "node:path";
import { MAX_REPORT_BYTES, type Reading, readReport, tooLarge } from "../reports/read.ts";
import { hashBytes } from "./hash.ts";
import {
  codeOf,
  directoryBelow,
  isRealDirectory,
  isSamePrint,
  openRegular,
  type Print,
  printRegular,
  reasonOf,
  Untouchable,
} from "./open.ts";

/** What an agent has in the deposit. */
export interface AgentFolder {
  agent_id: string;
  /** Where its reports are. */
  log: string;
  /** Where its files are; null when there is no such folder. */
  databases: string | null;
}

/** What is in the deposit, and what in it cannot be used. */
export interface Deposit {
  agents: AgentFolder[];
  problems: string[];
  /** Why nothing of it can be listed; null when it can. */
  failure: string | null;
}

const ARCHIVE = "_archive";

/** The agents of a deposit: every folder with a folder `log`. Anything else in it is left alone, links are named. */
export function listAgents(root: string): Deposit {
  const deposit: Deposit = { agents: [], problems: [], failure: null };
  let names: string[] = [];
  try {
    names = fs.readdirSync(root).sort();
  } catch (error) {
    deposit.failure = reasonOf(error);
  }
  for (const name of names) {
    try {
      if (name.startsWith(".") || !isRealDirectory(join(root, name))) continue;
      const log = directoryBelow(root, [name, "log"]);
      if (log === undefined) continue;
      deposit.agents.push({ agent_id: name, log, databases: databasesOf(root, name) });
    } catch (error) {
      deposit.problems.push(`Cannot scan agent "${name}": ${reasonOf(error)}`);
    }
  }
  return deposit;
}

/** Where the files of an agent are, `database` being the older name; null when there is no such folder. */
function databasesOf(root: string, agentId: string): string | null {
  return directoryBelow(root, [agentId, "databases"]) ?? directoryBelow(root, [agentId, "database"]) ?? null;
}

/** Where the files of one agent are, or why nobody may look there. */
export function findFolder(
  root: string,
  agentId: string,
): { ok: true; path: string | null } | { ok: false; reason: string } {
  try {
    return { ok: true, path: databasesOf(root, agentId) };
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
}

/** Names of the reports of a folder, the oldest first as far as their names tell. */
export function listReports(log: string): string[] {
  const names = fs.readdirSync(log).filter((name) => /^[^.].*\.json$/i.test(name));
  const keyed = names.map((name) => ({ name, key: name.replace(/[-_]/g, "") }));
  keyed.sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : a.name < b.name ? -1 : 1);
  return keyed.map((one) => one.name);
}

/** One report as it was found. */
export interface FoundReport {
  file_name: string;
  /** SHA-256 of its bytes. */
  key: string;
  /** What it was when it was read; null for one that must not be read. */
  print: Print | null;
  reading: Reading;
}

/** Reads reports. One that vanished meanwhile is left out; one that must not be read is refused with the reason. */
export function readReports(log: string, names: readonly string[]): FoundReport[] {
  return names.flatMap((file_name) => {
    try {
      return readOne(log, file_name) ?? [];
    } catch (error) {
      const reason = error instanceof Untouchable ? error.message : reasonOf(error);
      // There are no bytes to tell it by.
      const key = hashBytes(`unread\0${log}\0${file_name}\0${reason}`);
      return {
        file_name,
        key,
        print: null,
        reading: { outcome: "refused", refusal: { reason, fields: [] } },
      };
    }
  });
}

function readOne(log: string, file_name: string): FoundReport | undefined {
  using file = openRegular(join(log, file_name));
  if (file === undefined) return undefined;
  const { print } = file;
  const { size, modified_ms } = print;
  if (size > MAX_REPORT_BYTES) {
    const key = hashBytes(`large\0${log}\0${file_name}\0${size}\0${modified_ms}`);
    return { file_name, key, print, reading: tooLarge(size) };
  }
  const bytes = new Uint8Array(size);
  let count = 0;
  while (count < size) {
    const got = fs.readSync(file.fd, bytes, count, size - count, count);
    if (got === 0) break;
    count += got;
  }
  const content = bytes.subarray(0, count);
  return { file_name, key: hashBytes(content), print, reading: readReport(content) };
}

/** A report that needs no judgement any more. */
export type DoneReport = Pick<FoundReport, "file_name" | "print">;

/** Moves reports that were read into the archive beside them; returns why one could not be. */
export function archiveReports(log: string, reports: readonly DoneReport[]): string[] {
  const problems: string[] = [];
  const archive = join(log, ARCHIVE);
  for (const { file_name, print } of reports) {
    const path = join(log, file_name);
    try {
      // What an agent has written in its place since then was not judged: it is left to the next scan.
      if (print !== null && !isUnchanged(path, print)) continue;
      if (!isRealDirectory(archive)) fs.mkdirSync(archive);
      fs.renameSync(path, freeName(archive, file_name));
    } catch (error) {
      if (codeOf(error) === "ENOENT") continue;
      problems.push(`Cannot archive report "${path}": ${reasonOf(error)}`);
    }
  }
  return problems;
}

function isUnchanged(path: string, print: Print): boolean {
  const now = printRegular(path);
  return now !== undefined && isSamePrint(now, print);
}

/** An agent may use a name again; what was archived stays. */
function freeName(archive: string, name: string): string {
  const stem = name.replace(/\.json$/i, "");
  for (let number = 1;; number++) {
    const path = join(archive, number === 1 ? name : `${stem}.${number}.json`);
    if (fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) return path;
  }
}
