/**
 * What should have arrived: every expected backup, whoever makes it, and what became of it each time it was due.
 *
 * A *job* (`monitor_jobs`) says what is expected, when, and how it shows itself: by an agent's report, as a plain file, by
 * pings, as the run of one of Holdfast's own schedules, or as the session of a job of a Veeam server. Its due instants come
 * from the calendar of schedules. Each of them ends with exactly one *entry* (`monitor_entries`, unique by job and instant):
 *
 *     ok                          arrived, verified, new
 *     unchanged                   arrived with the content of the last good one; the job stays good
 *     failed                      its maker says so, it is too small, or it could not be read or kept
 *     transfer_integrity_failed   never was what the agent compressed and sent, or is not there although sent
 *     hash_mismatch               matched once, or differs from its checksum side file
 *     missing                     nothing came by the deadline: due instant plus grace, whether anybody reports or not
 *
 * What arrives belongs to the nearest due instant within the report window (or the grace period, if that is longer), also
 * when that is before the job was made; of two reports for one instant the later one counts. Reports are judged once, by
 * the hash of their bytes. Deadlines count from the making of the job on, and what is read from the deposit only counts as
 * missing when a scan that began after the deadline has not found it.
 *
 * A *finding* (`monitor_findings`) is what is wrong: open, acknowledged (no reminders), muted (nothing is told until an
 * instant), then recovered by itself, resolved by a person, or replaced by another on the same subject. What a job is,
 * is one alert (`job:12`); what is wrong beside that (drift, vanished, unchanged, a run that takes too long, a failure that is
 * pinged far from any due instant) has its own; an
 * agent that says nothing at all is told as one alert, not one for each of its jobs. State, finding and the messages in
 * the outbox of `notify` are one transaction. What other slices alert for (drift of a router, a Veeam job that fails) comes
 * through `told.ts` and is a finding too, in the transaction of whoever tells it.
 *
 * `scan/` looks at the deposit and keeps good files, `reports/` reads what agents write; `report.ts` is what they and
 * judgement hand to each other. Pings are stored as they come, many in a transaction, and judged behind.
 */
export { Monitor, type MonitorHorizon } from "./monitor.ts";
export type { MonitorOptions } from "./parts.ts";
export type { MonitorTables } from "./queries/tables.ts";
