/**
 * Veeam Backup & Replication: what its servers say, kept with its history, and what they are told to do.
 *
 * A server is configured by name (`veeam.servers.<name>`; `VEEAM_HOST` and the like make one called `default`). How it is spoken
 * to stands in `connection.ts`: its certificate is pinned at first use, its revision found out once and remembered, its refresh
 * tokens work once. Answers of all revisions become the records of `model.ts` in `records.ts`, which knows what each one spells
 * otherwise. Lists are read to their true end (`paging.ts`).
 *
 * Commands ask the server themselves when its address is given to them. The daemon reads each server every few minutes
 * (`sync.ts`) into its tables: what it was last (`veeam_things`), each session (`veeam_sessions`), how full repositories were
 * (`veeam_fills`), each restore point (`veeam_points`), and per server how far that is (`veeam_servers`). Then answers come from there
 * with the instant they were read, and jobs that fail, are missing or recover are told to `notify` in the same transaction. Which of
 * them must have succeeded by a time of day is expected in `monitor`, which reads what is kept here (`synced.ts`).
 *
 * What a revision or a role hides is said, never taken for nothing: `coverage.ts`.
 */
import type { Clock } from "../lib/clock.ts";
import type { StateDirectory } from "../lib/state.ts";
import type { VeeamConfig } from "./config.ts";
import { stateMemory } from "./memory.ts";
import type { VeeamApp } from "./operations/common.ts";
import type { AskOne } from "./tapes.ts";
import { Veeam } from "./veeam.ts";
import type { Mailer } from "./letter.ts";

export { followSession, startJob, stopJob } from "./actions.ts";
export type { SyncState, VeeamJob, VeeamSession } from "./model.ts";
export type { AskOne } from "./tapes.ts";
export type { VeeamApp } from "./operations/common.ts";
export type { VeeamTables } from "./queries.ts";
export { databaseMemory, VeeamStore } from "./store.ts";
export { Sync as VeeamSync } from "./sync.ts";
export { type ReadServer, SyncedJobs, type VeeamSource } from "./synced.ts";
export { Veeam, type VeeamOptions } from "./veeam.ts";
export type { Mailer } from "./letter.ts";

/** What a command without daemon is given. */
export interface StandaloneVeeam {
  state: StateDirectory;
  clock: Clock;
  note(sentence: string): void;
  mailer: Mailer;
  askOne?: AskOne;
}

/** The service for one command that asks the servers itself. */
export function openStandalone(
  settings: VeeamConfig,
  { state, ...rest }: StandaloneVeeam,
): { app: VeeamApp; close(): Promise<void> } {
  const veeam = new Veeam({ settings, ...rest, memory: stateMemory(state) });
  return { app: { veeam }, close: () => veeam[Symbol.asyncDispose]() };
}
