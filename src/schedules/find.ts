/** Finding the schedule a person means: by id, by name, or as `server/name`. */
import { HoldfastError, nearest } from "../lib/errors.ts";
import { type Caller, requireServer } from "../lib/operation.ts";
import type { SchedulesOptions } from "./options.ts";
import { listSchedules, scheduleById, schedulesByName } from "./queries/schedules.ts";
import type { Db, ScheduleRow, SchedulesTables } from "./queries/tables.ts";

/**
 * The schedule a reference means, of the servers the caller may see. Errors: `not_found` naming the nearest name,
 * `conflict` listing `server/name` when several have the name, `forbidden` when it is on another's server.
 */
export async function findSchedule(
  options: SchedulesOptions,
  ref: string,
  caller: Caller,
): Promise<ScheduleRow> {
  const db = options.database.tables<SchedulesTables>();
  const byId = await scheduleById(db, ref);
  const named = byId === undefined || byId.deleted_at !== null
    ? await byName(options, db, ref, caller)
    : byId;
  requireServer(caller, named.server_id);
  return named;
}

/** As {@linkcode findSchedule}, and a deleted schedule by its id: its logs and its ledger are still there. */
export async function findPastSchedule(
  options: SchedulesOptions,
  ref: string,
  caller: Caller,
): Promise<ScheduleRow> {
  const byId = await scheduleById(options.database.tables<SchedulesTables>(), ref);
  if (byId?.deleted_at == null) return await findSchedule(options, ref, caller);
  requireServer(caller, byId.server_id);
  return byId;
}

async function byName(options: SchedulesOptions, db: Db, ref: string, caller: Caller): Promise<ScheduleRow> {
  const all = await schedulesByName(db, ref);
  const visible = all.filter((row) => caller.servers === null || caller.servers.includes(row.server_id));
  const candidates = visible.length > 0 ? visible : all.slice(0, 1);
  if (candidates.length === 1) return candidates[0]!;
  if (candidates.length > 1) {
    const names = await Promise.all(
      candidates.map(async (row) => `${(await options.servers.resolve(row.server_id)).name}/${row.name}`),
    );
    throw new HoldfastError("conflict", `Cannot tell which schedule "${ref}" is meant: ${names.join(", ")}`, {
      code: "ambiguous",
      hint: "name it as server/name",
    });
  }
  return await byServerAndName(options, db, ref) ?? await refuse(db, ref, caller);
}

/** A name may hold a slash, a server's may not: only the first slash parts them. */
async function byServerAndName(
  options: SchedulesOptions,
  db: Db,
  ref: string,
): Promise<ScheduleRow | undefined> {
  const slash = ref.indexOf("/");
  if (slash <= 0) return undefined;
  const rows = await schedulesByName(db, ref.slice(slash + 1));
  if (rows.length === 0) return undefined;
  const server = await serverOrNull(options, ref.slice(0, slash));
  return rows.find((row) => row.server_id === server?.id);
}

/**
 * Refuses a new name that reads as `server/name`: it would stand in front of the schedule that this means, in a delete too.
 * Other slashes are good, names that are expressions have them. Errors: `invalid`.
 */
export async function requireOwnName(options: SchedulesOptions, name: string): Promise<void> {
  const slash = name.indexOf("/");
  const server = name.slice(0, slash);
  if (slash <= 0 || await serverOrNull(options, server) === null) return;
  const message = `it reads as a schedule of server "${server}"`;
  throw new HoldfastError("invalid", `Cannot use schedule name "${name}": ${message}`, {
    errors: [{ path: "name", message }],
  });
}

/** A server, or null when there is none of that reference. */
async function serverOrNull(options: SchedulesOptions, ref: number | string) {
  try {
    return await options.servers.resolve(ref);
  } catch (error) {
    if (error instanceof HoldfastError && error.kind === "not_found") return null;
    throw error;
  }
}

async function refuse(db: Db, ref: string, caller: Caller): Promise<never> {
  const near = nearest(ref, (await listSchedules(db, caller.servers)).map((row) => row.name));
  throw new HoldfastError("not_found", `Cannot find schedule "${ref}"`, {
    hint: near === undefined ? "list them with: holdfast schedules list" : `did you mean "${near}"?`,
  });
}
