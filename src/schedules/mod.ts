/**
 * When backups are made, and what became of each time one was due.
 *
 * A schedule says when (five cron fields in a time zone, or every so many hours) and what (an engine with options,
 * or the server's default). Each minute's tick looks for schedules whose `next_run_at` has passed and gives every
 * instant since then a row in the ledger (table `occurrences`, unique by schedule and instant):
 *
 *     claimed --> running --> settled: ran, refused; skipped or missed when the run never began
 *        |                         ^
 *        `-- server not running ---'   (or settled at once: skipped, missed)
 *
 * `claimed` waits for the server's running check, `running` has a run. `next_run_at` always is the first instant
 * that has no row yet, so whatever stands between two ticks (a crash, a clock that jumps, two dispatchers) can
 * neither lose an instant nor start one twice. Only the latest passed instant may start, and only within two
 * ticks: there is no catching up. A settled row never changes; its digest is in the hash chain.
 *
 * A run (tables `runs`, `run_lines`) is queued, running, and then success, failed, interrupted, timed_out, refused
 * or cancelled; the published contract knows the last five as `failed` or `cancelled`. It is stored with the claim,
 * so there is none that the next start of the program would not find and settle. `run_counts` counts ended runs.
 *
 * Every create, update, enable, disable, delete and every stop or start of the scheduler is a dated revision
 * (`schedule_revisions`, `scheduler_revisions`) in force after its instant, so that the instants that should exist
 * can be told without looking at the rows that do.
 *
 * The options of an engine are judged with the rights of whoever set them (`engine_authority`), when they are set
 * and again at each run.
 */
export * from "./calendar.ts";
export * from "./events.ts";
export * from "./jobs.ts";
export * from "./model.ts";
export * from "./operations.ts";
export * from "./schedules.ts";
export type { ScheduledServer, SchedulesOptions, SchedulesSettings, ServerDirectory } from "./options.ts";
export type { RunListener } from "./runner.ts";
export type { Horizon } from "./history.ts";
export { type OutcomeSummary, removeOutcomes } from "./queries/ledger.ts";
export type { RunRow, ScheduleRow, SchedulesTables } from "./queries/tables.ts";
