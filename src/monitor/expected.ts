/** The verbs on expected jobs and their entries. */
import type { Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { checkExpression } from "../schedules/mod.ts";
import { isUniqueViolation, tablesOf } from "../store/mod.ts";
import { AFTER, graceMs, nextDue } from "./due.ts";
import { recipientsOf } from "./findings.ts";
import type { Entry, ExpectedJob, JobCreate, JobUpdate, Way } from "./model.ts";
import { now, type Parts, tables } from "./parts.ts";
import { entryById, type EntryFilter, listEntries } from "./queries/entries.ts";
import { openOfAgent, openOfJob } from "./queries/findings.ts";
import {
  deleteJob,
  insertJob,
  jobById,
  type JobFilter,
  listJobs,
  reportedJobs,
  updateJob,
} from "./queries/jobs.ts";
import type { JobRow, MonitorTables } from "./queries/tables.ts";
import { entryRecord, jobName, jobRecord } from "./records.ts";
import { findJob, jobIdOf } from "./named.ts";
import { idOf, type Ref, shownRef } from "./refs.ts";
import { parseTemplate } from "./template.ts";

/** The columns that people set. */
type Values = Omit<
  JobRow,
  | "id"
  | "identity"
  | "current_status"
  | "last_due_at"
  | "last_checked_at_utc"
  | "last_successful_backup_utc"
  | "last_failed_backup_utc"
  | "last_good_entry_id"
  | "last_good_size_bytes"
  | "previous_successful_hash_global"
  | "history_from"
  | "next_due_at"
  | "next_deadline_at"
  | "updated_at"
>;

export class ExpectedJobs {
  readonly #parts: Parts;
  readonly #changed: (() => void)[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Called after each change of a job. */
  onChange(listener: () => void): void {
    this.#changed.push(listener);
  }

  async list(filter: JobFilter): Promise<ExpectedJob[]> {
    return (await listJobs(tables(this.#parts), filter)).map(jobRecord);
  }

  /** Errors: as {@linkcode row}. */
  async get(ref: Ref): Promise<ExpectedJob> {
    return jobRecord(await this.row(ref));
  }

  /** Errors: `not_found`, `conflict` when several have the name. */
  row(ref: Ref): Promise<JobRow> {
    return findJob(tables(this.#parts), ref);
  }

  /** Errors: `invalid`, `conflict` when there is one of the same name and time, `not_found` for its schedule. */
  async create(input: JobCreate, caller: Caller): Promise<ExpectedJob> {
    const at = now(this.#parts);
    const values = await this.#newValues(input, at, caller);
    check(values);
    const expected = await this.#expectFrom(values, caller);
    return await this.#write(values, async () =>
      await this.#parts.database.change(caller, async (change) => {
        const db = change.tables<MonitorTables>();
        const row = {
          ...values,
          identity: identityOf(values),
          current_status: "unknown" as const,
          updated_at: at,
          ...expected,
        };
        const id = await insertJob(db, row);
        const job = jobRecord((await jobById(db, id))!);
        change.audit({ target: `monitor/jobs/${id}`, before: null, after: shown(job) });
        return job;
      }));
  }

  /** Changes the fields that are given. Errors: as {@linkcode create} and {@linkcode row}. */
  async update(ref: Ref, input: JobUpdate, caller: Caller): Promise<ExpectedJob> {
    const known = await this.row(ref);
    const { id } = known;
    const values = merged(known, input);
    check(values);
    const dueChanges = DUE_FIELDS.some((field) => values[field] !== known[field]);
    const expected = dueChanges ? await this.#expectFrom(values, caller, known) : {};
    return await this.#write(values, async () =>
      await this.#parts.database.change(caller, async (change) => {
        const db = change.tables<MonitorTables>();
        await updateJob(db, id, {
          ...values,
          identity: identityOf(values),
          updated_at: now(this.#parts),
          ...expected,
        });
        if (known.is_active === 1 && values.is_active === 0) {
          await this.#parts.findings.recover(change.tx, await openOfJob(db, id), over(caller));
        }
        await this.#agentLeft(change.tx, known, caller);
        const job = jobRecord((await jobById(db, id))!);
        change.audit({ target: `monitor/jobs/${id}`, before: shown(jobRecord(known)), after: shown(job) });
        return job;
      }));
  }

  /** Deletes a job with its entries and findings; what was told of it is told to be over. Errors: as {@linkcode row}. */
  async delete(ref: Ref, caller: Caller): Promise<null> {
    const known = await this.row(ref);
    const { id } = known;
    await this.#parts.database.change(caller, async (change) => {
      const db = change.tables<MonitorTables>();
      await this.#parts.findings.recover(change.tx, await openOfJob(db, id), over(caller));
      await deleteJob(db, id);
      await this.#agentLeft(change.tx, known, caller);
      change.audit({ target: `monitor/jobs/${id}`, before: shown(jobRecord(known)), after: null });
    });
    this.#tellChange();
    return null;
  }

  /** That an agent says nothing is over when no report of it is expected any more: no report would end it. */
  async #agentLeft(tx: Transaction<unknown>, known: JobRow, caller: Caller): Promise<void> {
    const db = tablesOf<MonitorTables>(tx);
    const agent = known.agent_id_responsible;
    if (agent === "" || (await reportedJobs(db, agent)).length > 0) return;
    const silent = (await openOfAgent(db, agent)).filter(({ code }) => code === "silent_agent");
    await this.#parts.findings.recover(tx, silent, {
      ...over(caller),
      detail: "no report of it is expected any more",
      recipients: recipientsOf([known]),
    });
  }

  /** Errors: as {@linkcode row} for the name of a job. */
  async entries(
    { job_id, ...filter }: Omit<EntryFilter, "job_id"> & { job_id?: Ref | undefined },
  ): Promise<Entry[]> {
    const db = tables(this.#parts);
    return (await listEntries(db, { ...filter, job_id: await jobIdOf(db, job_id) })).map(entryRecord);
  }

  /** Entries of a job, the newest instant first. Errors: as {@linkcode row}. */
  async entriesOf(job: Ref, page: { skip: number; limit: number }): Promise<Entry[]> {
    return await this.entries({ job_id: (await this.row(job)).id, ...page });
  }

  /** Errors: `not_found`. */
  async entry(ref: Ref): Promise<Entry> {
    const row = await entryById(tables(this.#parts), idOf(ref));
    if (row === undefined) throw new HoldfastError("not_found", `Cannot find entry ${shownRef(ref)}`);
    return entryRecord(row);
  }

  async #write(values: Values, work: () => Promise<ExpectedJob>): Promise<ExpectedJob> {
    try {
      const job = await work();
      this.#tellChange();
      return job;
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new HoldfastError(
        "conflict",
        `Cannot expect "${jobName(values)}": a job of this name and time is there already`,
        { cause: error },
      );
    }
  }

  #tellChange(): void {
    for (const listener of this.#changed) listener();
  }

  /** First instant that can be missed: the open one, if it still is one, else the next from now on. A schedule says its own. */
  async #expectFrom(values: Values, caller: Caller, known?: JobRow) {
    const due = values.is_active === 0
      ? null
      : values.schedule_id === null
      ? openDue(values, known) ?? nextDue(values, this.#parts.clock.now())
      : await this.#nextOf(values.schedule_id, caller);
    return {
      next_due_at: due === null ? null : iso(due),
      next_deadline_at: due === null ? null : iso(due + graceMs(values, this.#parts.windows)),
    };
  }

  async #nextOf(schedule: string, caller: Caller): Promise<number | null> {
    const { next_run_at } = await this.#parts.schedules.get(schedule, caller);
    return next_run_at === null ? null : Date.parse(next_run_at);
  }

  async #newValues(input: JobCreate, at: string, caller: Caller): Promise<Values> {
    const { schedule, veeam_job, veeam_server, current_status: _, expected_frequency, ...rest } = input;
    const way = rest.way ??
      (schedule !== undefined ? "schedule" : veeam_job !== undefined ? "veeam" : "report");
    const own = schedule === undefined ? undefined : await this.#parts.schedules.get(schedule, caller);
    if ((way === "schedule") !== (own !== undefined)) {
      throw missing("schedule", "is needed for way schedule, and only there");
    }
    if ((way === "veeam") !== (veeam_job !== undefined)) {
      throw missing("veeam_job", "is needed for way veeam, and only there");
    }
    const source = veeam_job === undefined
      ? undefined
      : await this.#parts.veeam.find(veeam_job, veeam_server);
    const cron = rest.cron_expression ?? own?.cron_expression ?? null;
    const frequency = rest.backup_frequency ?? expected_frequency;
    const hour = rest.expected_hour_utc;
    if (cron === null) {
      if (frequency === undefined) throw missing("backup_frequency", "is required without a cron expression");
      if (hour === undefined && frequency !== "hourly") {
        throw missing("expected_hour_utc", "is required without a cron expression");
      }
    }
    const database = rest.database_name ?? own?.name ?? source?.name;
    if (database === undefined) throw missing("database_name", "is required");
    return {
      ...rest,
      way,
      database_name: database,
      agent_id_responsible: rest.agent_id_responsible ?? "",
      company_name: rest.company_name ?? "",
      city: rest.city ?? "",
      neighborhood: rest.neighborhood ?? "",
      expected_hour_utc: hour ?? 0,
      expected_minute_utc: rest.expected_minute_utc ?? 0,
      backup_frequency: frequency ?? "daily",
      cron_expression: cron,
      timezone: rest.timezone ?? own?.timezone ?? null,
      days_of_week: JSON.stringify(rest.days_of_week),
      notification_recipients: JSON.stringify(rest.notification_recipients),
      is_active: rest.is_active ? 1 : 0,
      tell_unchanged: rest.tell_unchanged ? 1 : 0,
      ping_id: way === "ping" ? crypto.randomUUID() : null,
      schedule_id: own?.id ?? null,
      veeam_server: source?.server ?? null,
      veeam_job: source?.job ?? null,
      veeam_job_id: source?.job_id ?? null,
      created_at: at,
    };
  }
}

/** The instant whose deadline was still to come when a job was changed, if it is due at it all the same. */
function openDue(values: Values, known: JobRow | undefined): number | undefined {
  if (known === undefined || known.is_active === 0 || known.next_due_at === null) return undefined;
  const due = Date.parse(known.next_due_at);
  return nextDue(values, due) === due ? due : undefined;
}

const DUE_FIELDS = [
  "backup_frequency",
  "expected_hour_utc",
  "expected_minute_utc",
  "days_of_week",
  "day_of_month",
  "expected_date",
  "cron_expression",
  "timezone",
  "grace_seconds",
  "is_active",
] as const;

/** How findings of a job end that somebody takes away. */
function over(caller: Caller) {
  return { detail: "the backup is not expected any more", recipients: [], by: caller.name };
}

function missing(path: string, message: string): HoldfastError {
  return new HoldfastError("invalid", `Cannot expect a backup: ${path}: ${message}`, {
    errors: [{ path, message }],
  });
}

/** What no schema of one field can see. */
function check(values: Values): void {
  // A schedule that follows another one has no expression of its own.
  const follows = values.way === "schedule" && values.cron_expression === AFTER;
  if (values.cron_expression !== null && !follows) checkExpression(values.cron_expression);
  if (values.timezone !== null) checkZone(values.timezone);
  if (NEEDED[values.way].some((field) => values[field] === null || values[field] === "")) {
    const field = NEEDED[values.way].find((name) => values[name] === null || values[name] === "")!;
    throw missing(field, `is required where a backup shows itself by a ${values.way}`);
  }
  checkTemplate("final_storage_path_template", values.final_storage_path_template, false);
  checkTemplate("agent_deposit_path_template", values.agent_deposit_path_template, true);
  checkTemplate("agent_log_deposit_path_template", values.agent_log_deposit_path_template, true);
}

const NEEDED: Record<Way, readonly (keyof Values)[]> = {
  report: ["agent_id_responsible", "company_name", "city"],
  file: ["agent_deposit_path_template"],
  ping: [],
  schedule: [],
  veeam: [],
};

function checkTemplate(path: string, text: string | null, wildcards: boolean): void {
  if (text === null) return;
  try {
    parseTemplate(text, { wildcards });
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    throw new HoldfastError("invalid", error.message, {
      code: error.code,
      errors: [{ path, message: error.message }],
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

function checkZone(name: string): void {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
  } catch {
    throw missing("timezone", `"${name}" is no time zone`);
  }
}

/** One database of one place, due at one time, is expected once; jobs of two Veeam servers may have one name. */
function identityOf(values: Values): string {
  return JSON.stringify([
    values.year ?? 0,
    values.company_name,
    values.city,
    values.neighborhood,
    values.database_name,
    values.expected_hour_utc,
    values.expected_minute_utc,
    values.cron_expression,
    ...(values.veeam_server === null ? [] : [values.veeam_server]),
  ]);
}

function merged(known: JobRow, input: JobUpdate): Values {
  const { current_status: _, expected_frequency, days_of_week, notification_recipients, ...rest } = input;
  const { is_active, tell_unchanged, backup_frequency, ...plain } = rest;
  const given = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
  return {
    ...valuesOf(known),
    ...given,
    backup_frequency: backup_frequency ?? expected_frequency ?? known.backup_frequency,
    ...(days_of_week === undefined ? {} : { days_of_week: JSON.stringify(days_of_week) }),
    ...(notification_recipients === undefined
      ? {}
      : { notification_recipients: JSON.stringify(notification_recipients) }),
    ...(is_active === undefined ? {} : { is_active: is_active ? 1 : 0 }),
    ...(tell_unchanged === undefined ? {} : { tell_unchanged: tell_unchanged ? 1 : 0 }),
  };
}

function valuesOf(row: JobRow): Values {
  const {
    id: _id,
    identity: _identity,
    current_status: _status,
    last_due_at: _lastDue,
    last_checked_at_utc: _checked,
    last_successful_backup_utc: _good,
    last_failed_backup_utc: _bad,
    last_good_entry_id: _entry,
    last_good_size_bytes: _size,
    previous_successful_hash_global: _hash,
    history_from: _history,
    next_due_at: _due,
    next_deadline_at: _deadline,
    updated_at: _updated,
    ...values
  } = row;
  return values;
}

/** For the audit log: who knows the id may ping. */
function shown(job: ExpectedJob): object {
  return { ...job, ping_id: job.ping_id === null ? null : "***" };
}
