/**
 * When backups are made, and what became of each time one was due.
 *
 * A schedule says when (five cron fields in a time zone, or every so many hours, or with another schedule) and what
 * (an engine with options, or the server's default), and how to deal with what gets in the way: its policies. Each
 * minute's tick looks for schedules whose `next_run_at` has passed and gives every instant since then a row in the
 * ledger (table `occurrences`, unique by schedule and instant):
 *
 *     claimed --> running --> settled: ran, caught_up, refused; skipped, missed, superseded when no run began
 *      |   ^         |           ^
 *      |   '- retry -'           |
 *      '---- nothing to start ---'   (or settled at once)
 *
 * `claimed` waits: for its server's running check, for the schedule it follows (`awaits`), for the pause before a
 * further attempt (`not_before`), or for a process that dispatches. `running` has a run, queued or under way; an
 * attempt that failed and may be repeated makes it `claimed` again. A settled row never changes; its digest is in the
 * hash chain. `next_run_at` always is the first instant that has no row yet, so whatever stands between two ticks (a
 * crash, a clock that jumps, two dispatchers) can neither lose an instant nor start one twice.
 *
 * A run (tables `runs`, `run_lines`) is one attempt: queued, running, and then success, failed, interrupted,
 * timed_out, refused or cancelled; the published contract knows the last five as `failed` or `cancelled`. It is
 * stored with the claim, so there is none that the next start of the program would not find and settle; a schedule, an
 * instant and an attempt have one run at most. `run_counts` and `run_days` count ended runs.
 *
 * Policies decide in this order, and the first that has an answer ends it:
 *
 *  1. Which instants there are: the expression, what clocks that change do to it (`dst`), `jitter_seconds`; a
 *     schedule with `run_after` is due with the one it follows, while both are enabled.
 *  2. The instant itself (`decide.ts`): scheduler stopped, `paused_until`, blackout and allowed windows -> skipped.
 *  3. Lateness: more than two ticks late, or not the latest -> missed, unless `catch_up` starts it within its window
 *     (then it ends as caught_up) or a newer one makes it superseded. A `start_deadline` below two ticks counts here.
 *  4. Overlap, with the run before still open: `skip` -> skipped; `queue_one` makes those that wait superseded;
 *     `cancel_other` ends the other; `queue_all` and `allow` let it be. What is caught up always waits its turn.
 *  5. The one it follows: when that ends in anything but a success -> skipped, with the reason.
 *  6. The server's running check, with `only_when_running` -> skipped.
 *  7. The queue (`queue.ts`): windows once more, the run before it, locks, groups, limits; schedules take turns. Past
 *     `start_deadline` or the catch-up window -> missed, with what it waited for.
 *  8. The attempt (`perform.ts`): engine judged, before-hook, engine, retention, hooks after it; `timeout` ends it.
 *  9. Its end (`ending.ts`): success settles the instant and releases those that follow; a cancel settles it; any
 *     other end is repeated while `retries` last, after `retry_delay` times `retry_factor` each time, up to its cap.
 *
 * What was waiting when a process ended is taken up by the next one where a policy says so: a further attempt always,
 * an instant that had not begun when `catch_up` would have started it. All else is settled at the start.
 *
 * Every create, update, enable, disable, delete and every stop or start of the scheduler is a dated revision
 * (`schedule_revisions`, `scheduler_revisions`) in force after its instant, so that the instants that should exist
 * can be told without looking at the rows that do: `ledger verify` compares the two.
 *
 * The options of an engine are judged with the rights of whoever set them (`engine_authority`), when they are set
 * and again at each run; so are hooks.
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
