/** The verbs on expected jobs and their entries. */
import { iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { checkExpression } from "../schedules/mod.ts";
import { isUniqueViolation } from "../store/mod.ts";
import { graceMs, nextDue } from "./due.ts";
import type { Entry, ExpectedJob, JobCreate, JobUpdate, Way } from "./model.ts";
import { now, type Parts, tables } from "./parts.ts";
import { entryById, type EntryFilter, listEntries } from "./queries/entries.ts";
import { openOfJob } from "./queries/findings.ts";
import { deleteJob, insertJob, jobById, type JobFilter, listJobs, updateJob } from "./queries/jobs.ts";
import type { JobRow, MonitorTables } from "./queries/tables.ts";
import { entryRecord, jobName, jobRecord } from "./records.ts";
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

  /** Errors: `not_found`. */
  async get(id: number): Promise<ExpectedJob> {
    return jobRecord(await this.row(id));
  }

  /** Errors: `not_found`. */
  async row(id: number): Promise<JobRow> {
    const row = await jobById(tables(this.#parts), id);
    if (row !== undefined) return row;
    throw new HoldfastError("not_found", `Cannot find expected job ${id}`, {
      hint: "list them with: holdfast monitor jobs list",
    });
  }

  /** Errors: `invalid`, `conflict` when there is one of the same name and time, `not_found` for its schedule. */
  async create(input: JobCreate, caller: Caller): Promise<ExpectedJob> {
    const at = now(this.#parts);
    const values = await this.#newValues(input, at, caller);
    check(values);
    return await this.#write(values, async () =>
      await this.#parts.database.change(caller, async (change) => {
        const db = change.tables<MonitorTables>();
        const row = {
          ...values,
          identity: identityOf(values),
          current_status: "unknown" as const,
          updated_at: at,
          ...this.#expectFrom({ ...values, is_active: values.is_active }, this.#parts.clock.now()),
        };
        const id = await insertJob(db, row);
        const job = jobRecord((await jobById(db, id))!);
        change.audit({ target: `monitor/jobs/${id}`, before: null, after: shown(job) });
        return job;
      }));
  }

  /** Changes the fields that are given. Errors: as {@linkcode create}, `not_found`. */
  async update(id: number, input: JobUpdate, caller: Caller): Promise<ExpectedJob> {
    const known = await this.row(id);
    const values = merged(known, input);
    check(values);
    return await this.#write(values, async () =>
      await this.#parts.database.change(caller, async (change) => {
        const db = change.tables<MonitorTables>();
        const dueChanges = DUE_FIELDS.some((field) => values[field] !== known[field]);
        await updateJob(db, id, {
          ...values,
          identity: identityOf(values),
          updated_at: now(this.#parts),
          ...(dueChanges ? this.#expectFrom(values, this.#parts.clock.now()) : {}),
        });
        if (known.is_active === 1 && values.is_active === 0) {
          await this.#parts.findings.recover(change.tx, await openOfJob(db, id), {
            detail: "the backup is not expected any more",
            recipients: [],
            by: caller.name,
          });
        }
        const job = jobRecord((await jobById(db, id))!);
        change.audit({ target: `monitor/jobs/${id}`, before: shown(jobRecord(known)), after: shown(job) });
        return job;
      }));
  }

  /** Deletes a job with its entries and findings; what was told of it is told to be over. Errors: `not_found`. */
  async delete(id: number, caller: Caller): Promise<null> {
    const known = await this.row(id);
    await this.#parts.database.change(caller, async (change) => {
      const db = change.tables<MonitorTables>();
      await this.#parts.findings.recover(change.tx, await openOfJob(db, id), {
        detail: "the backup is not expected any more",
        recipients: [],
        by: caller.name,
      });
      await deleteJob(db, id);
      change.audit({ target: `monitor/jobs/${id}`, before: shown(jobRecord(known)), after: null });
    });
    this.#tellChange();
    return null;
  }

  async entries(filter: EntryFilter): Promise<Entry[]> {
    return (await listEntries(tables(this.#parts), filter)).map(entryRecord);
  }

  /** Entries of a job, the newest instant first. Errors: `not_found` for the job. */
  async entriesOf(jobId: number, page: { skip: number; limit: number }): Promise<Entry[]> {
    await this.row(jobId);
    return await this.entries({ job_id: jobId, ...page });
  }

  /** Errors: `not_found`. */
  async entry(id: number): Promise<Entry> {
    const row = await entryById(tables(this.#parts), id);
    if (row === undefined) throw new HoldfastError("not_found", `Cannot find entry ${id}`);
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

  /** First instant that can be missed, from now on. A schedule's own come from its ledger. */
  #expectFrom(values: Values, from: number) {
    const due = values.is_active === 0 || values.way === "schedule" ? null : nextDue(values, from);
    return {
      next_due_at: due === null ? null : iso(due),
      next_deadline_at: due === null ? null : iso(due + graceMs(values, this.#parts.windows)),
    };
  }

  async #newValues(input: JobCreate, at: string, caller: Caller): Promise<Values> {
    const { schedule, veeam_job, veeam_server, current_status: _, expected_frequency, ...rest } = input;
    const way = rest.way ??
      (schedule !== undefined ? "schedule" : veeam_job !== undefined ? "veeam" : "report");
    const own = schedule === undefined ? undefined : await this.#parts.schedules.get(schedule, caller);
    if ((way === "schedule") !== (own !== undefined)) {
      throw missing("schedule", "and way schedule belong together");
    }
    if ((way === "veeam") !== (veeam_job !== undefined)) {
      throw missing("veeam_job", "and way veeam belong together");
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

function missing(path: string, message: string): HoldfastError {
  return new HoldfastError("invalid", `Cannot expect a backup: ${path} ${message}`, {
    errors: [{ path, message }],
  });
}

/** What no schema of one field can see. */
function check(values: Values): void {
  if (values.cron_expression !== null && !values.cron_expression.startsWith("@after")) {
    checkExpression(values.cron_expression);
  }
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
