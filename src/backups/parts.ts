/** What the parts of the service share. */
import { isAbsolute } from "node:path";
import { getLogger } from "@logtape/logtape";
import { type Clock, iso } from "../lib/clock.ts";
import type { Caller } from "../lib/operation.ts";
import type { Server } from "../servers/mod.ts";
import type { Database } from "../store/mod.ts";
import type { EngineContext, StoredArtifact } from "./engine.ts";
import type { Engines, EngineSettings } from "./engines.ts";
import { type IdentityFields, identityOf } from "./identity.ts";
import type { KeepRules } from "./keep.ts";
import type { Backup, OnDisk } from "./model.ts";
import type { ProveRules } from "./proof.ts";
import { type BackupsTables, type Db, optionsOf } from "./queries.ts";

/** Settings of the service. */
export interface BackupsSettings extends EngineSettings {
  /** How long removed backups stay in the trash; 0 removes them at once. */
  trash_days: number;
  /** Where backups are restored for a test, and wait on their way to or from elsewhere. */
  scratch_dir: string;
  /** Artifacts are read again after so many days; 0 never. */
  reverify_days: number;
  /** Also those that are not on this host. */
  reverify_remote: boolean;
  /** 0 is no limit. */
  reverify_bytes_per_second: number;
}

/** What the catalogue has to know of a schedule. */
export interface BackedUpSchedule {
  id: string;
  name: string;
  server_id: number;
  /** IANA name of the zone its days are counted in. */
  timezone: string;
  keep: KeepRules;
  prove: ProveRules;
}

/** What the service is given from outside. */
export interface Surroundings {
  database: Database;
  clock: Clock;
  settings: BackupsSettings;
  /** A server by id or name. Errors: `not_found`. */
  findServer(ref: number | string): Promise<Pick<Server, "id" | "name">>;
  /** A schedule by id, name or `server/name`, of those a caller may see. Errors: `not_found`, `forbidden`, `conflict` when it is ambiguous. */
  findSchedule(ref: string, caller: Caller): Promise<BackedUpSchedule>;
  /** Every schedule that is not deleted. */
  listSchedules(): Promise<BackedUpSchedule[]>;
  /** The text of a named secret. Errors: `not_found`. */
  readSecret(name: string): Promise<string>;
}

/** What each part works with. */
export interface Parts extends Surroundings {
  engines: Engines;
}

/** The program itself, for what nobody asked for. */
export function system(operation: string): Caller {
  return {
    kind: "system",
    id: 0,
    name: "system:backups",
    role: "admin",
    servers: null,
    on_host: true,
    address: null,
    request_id: "",
    operation,
    session_id: null,
    signal: new AbortController().signal,
    trail: { lines: 0 },
  };
}

export const log = getLogger(["holdfast", "backups"]);

export function tables(parts: Parts): Db {
  return parts.database.tables<BackupsTables>();
}

export function now(parts: Parts): string {
  return iso(parts.clock.now());
}

/** The context of an engine's work that no run records; who asked for it may watch. */
export function workContext(
  parts: Parts,
  { signal, report }: Pick<Caller, "signal" | "report">,
): EngineContext {
  return {
    signal,
    now: () => parts.clock.now(),
    log: (level, text) => log[level]("{text}", { text }),
    progress: (update) => report?.(update),
    secret: (name) => parts.readSecret(name),
    scratch: parts.settings.scratch_dir,
  };
}

/** A recorded artifact as its engine takes it, with the options it was made with, and what else opens it. */
export async function stored(
  parts: Parts,
  backup: Backup,
  given: IdentityFields = {},
): Promise<StoredArtifact> {
  const { path, size_bytes, sha256 } = backup;
  const options = await optionsOf(tables(parts), backup.id);
  const identity = await identityOf(given, parts.readSecret);
  return {
    path,
    size_bytes,
    sha256,
    ...(options === undefined ? {} : { options }),
    ...(identity === undefined ? {} : { identity }),
  };
}

/** What is where an artifact should be. */
export async function onDisk(path: string): Promise<OnDisk> {
  if (!isAbsolute(path)) return "elsewhere";
  try {
    const { size, mtime, isFile } = await Deno.stat(path);
    return isFile ? { size_bytes: size, mtime_ms: mtime?.getTime() ?? 0 } : "elsewhere";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return "missing";
    throw error;
  }
}
