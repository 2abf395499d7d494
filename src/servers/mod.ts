/**
 * The registry behind `server_id`: what is backed up, and how to ask whether it is running.
 *
 * A server has a number, a unique name, the host it is on, a running check, and the engine with options that
 * schedules of it use when they name none. `only_when_running` of a schedule asks the check right before a run;
 * the last answer is kept with the server. A server without a check counts as running.
 *
 * Numbers are never given twice. A deleted server keeps its row (table `servers`, `deleted_at`), so that old
 * backups, logs and audit lines still mean something, and frees its name. It cannot be deleted while it has
 * schedules.
 *
 * Checks reach out from the daemon's host, so who may set which is limited: see `authorizeCheck()`; whoever set
 * them, they never go to link-local addresses (where clouds keep credentials), and only the status of an HTTP
 * answer is read.
 */
export * from "./model.ts";
export type { ServersApp } from "./operations.ts";
export { isProbeable } from "./probe.ts";
export * from "./servers.ts";
export type { ServersTables } from "./queries.ts";
