/**
 * Veeam ONE: alarms, forecasts and the last result of every job, across all backup servers it watches.
 *
 * It is asked when somebody asks; nothing of it is kept but the pinned certificate and the version of the API. It has no
 * history of jobs and starts none: that is what `veeam` does, at the backup server itself. Of tapes it knows servers and
 * the last result of jobs, which no backup server tells over REST.
 *
 * A server is configured by name (`veeam_one.servers.<name>`; `VEEAM_ONE_HOST` and the like make one called `default`). Its
 * users are written `DOMAIN\user` or `user@domain`, `MACHINE\user` for local ones; it refuses a bare name. Sessions of one
 * user in several programs disturb each other (the vendor's REST reference, "Authentication"), so Holdfast wants an account
 * of its own.
 *
 * The API: version in the path (`/api/v2.3`), `Offset` and `Limit`, `Filter` as one JSON condition, problem documents. What
 * is not documented is not relied on: no order, no combined conditions; whatever is filtered there is checked again here.
 */
import type { Clock } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { StateDirectory } from "../lib/state.ts";
import type { VeeamOneConfig } from "./config.ts";
import { TAPE_KINDS } from "./model.ts";
import type { VeeamOneApp } from "./operations.ts";
import { VeeamOne } from "./veeam_one.ts";

export type { OneJob, OneJobs, OneTapeServer } from "./model.ts";
export type { VeeamOneApp } from "./operations.ts";
export { VeeamOne, type VeeamOneOptions } from "./veeam_one.ts";

/** The service for one command that asks the servers itself. */
export function openStandalone(
  settings: VeeamOneConfig,
  context: { state: StateDirectory; clock: Clock; note(sentence: string): void },
): { app: VeeamOneApp; close(): Promise<void> } {
  const { state, clock, note } = context;
  const veeamOne = new VeeamOne({ settings, state, clock, note });
  return { app: { veeamOne }, close: () => veeamOne[Symbol.asyncDispose]() };
}

/** A tape server or a tape job, as much as Veeam ONE knows of it. */
export interface TapeRow {
  kind: "server" | "job";
  name: string;
  /** The vendor's kind of job, or null for a server. */
  type: string | null;
  status: string | null;
  backup_server: string | null;
  last_run_at: string | null;
  transferred_bytes: number | null;
}

/**
 * Tape servers and tape jobs, for `veeam tapes list`; null where no Veeam ONE server is configured. `server` chooses one
 * of several. Errors: those of the server.
 */
export async function tapeRows(
  one: VeeamOne,
  caller: Caller,
  server?: string,
): Promise<TapeRow[] | null> {
  if (!one.isConfigured) return null;
  const [servers, { jobs }] = await Promise.all([
    one.tapeServers({ server }, caller),
    one.jobs({ server, kind: TAPE_KINDS }, caller).catch((error: unknown) => {
      // An account may see the servers and no jobs.
      if (error instanceof HoldfastError && error.code === "veeam_one_forbidden") return { jobs: [] };
      throw error;
    }),
  ]);
  return [
    ...servers.map(({ name, backup_server }): TapeRow => ({
      kind: "server",
      name: name ?? "",
      type: null,
      status: null,
      backup_server,
      last_run_at: null,
      transferred_bytes: null,
    })),
    ...jobs.map(({ name, kind, status, backup_server, last_run_at, transferred_bytes }): TapeRow => ({
      kind: "job",
      name: name ?? "",
      type: kind,
      status,
      backup_server,
      last_run_at,
      transferred_bytes,
    })),
  ];
}
