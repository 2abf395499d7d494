/** What the worker does, each thing by its name, and how the two sides talk. */
import fs from "node:fs";
import { messageOf } from "../../lib/errors.ts";
import { parseTemplate, type VariableTexts } from "../template.ts";
import {
  archiveReports,
  type Deposit,
  type DoneReport,
  findFolder,
  type FoundReport,
  listAgents,
  listReports,
  readReports,
} from "./deposit.ts";
import { examine, type Examined, type Glance, glance, readSideFile } from "./examine.ts";
import { findFiles, type Search } from "./find.ts";
import { keepFile, type KeepRequest, type Kept } from "./keep.ts";
import { type Moved, moveVersion } from "./move.ts";

/** Work on disks: what each kind takes and gives. */
export interface Tasks {
  agents: { takes: [root: string]; gives: Deposit };
  folder: {
    takes: [root: string, agentId: string];
    gives: { ok: true; path: string | null } | { ok: false; reason: string };
  };
  reports: { takes: [log: string]; gives: string[] };
  read: { takes: [log: string, names: readonly string[]]; gives: FoundReport[] };
  archive: { takes: [log: string, reports: readonly DoneReport[]]; gives: string[] };
  glance: { takes: [paths: readonly string[]]; gives: Glance[] };
  check: {
    takes: [paths: readonly string[]];
    gives: { glance: Glance; side_file_sha256: string | null }[];
  };
  examine: { takes: [path: string, before: Glance]; gives: Examined };
  find: {
    takes: [
      root: string,
      template: string,
      texts: VariableTexts,
      within: { from_ms: number; until_ms: number },
    ];
    gives: Search;
  };
  keep: { takes: [request: KeepRequest]; gives: Kept };
  move: { takes: [from: string, to: string | null, root: string]; gives: Moved };
  space: { takes: [path: string]; gives: { total_bytes: number; free_bytes: number } };
}
export type TaskName = keyof Tasks;

/** Synchronous, as calls to the system are in a worker: it has nothing else to do. */
const WORK: { [Name in TaskName]: (...takes: Tasks[Name]["takes"]) => Tasks[Name]["gives"] } = {
  agents: listAgents,
  folder: findFolder,
  reports: listReports,
  read: readReports,
  archive: archiveReports,
  glance: (paths) => paths.map(glance),
  check: (paths) => paths.map((path) => ({ glance: glance(path), side_file_sha256: readSideFile(path) })),
  examine,
  find: (root, template, texts, within) =>
    findFiles(root, parseTemplate(template, { wildcards: true }), texts, within),
  keep: keepFile,
  move: moveVersion,
  space(path) {
    const { bsize, blocks, bavail } = fs.statfsSync(path);
    return { total_bytes: blocks * bsize, free_bytes: bavail * bsize };
  },
};

/** What a call came to. */
export type TaskAnswer<Result> = { ok: true; result: Result } | { ok: false; message: string };

/** Does one thing. Throws nothing. */
export function work<Name extends TaskName>(
  task: Name,
  takes: Tasks[Name]["takes"],
): TaskAnswer<Tasks[Name]["gives"]> {
  try {
    return { ok: true, result: WORK[task](...takes) };
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}
