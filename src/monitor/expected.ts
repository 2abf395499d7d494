/** The verbs on expected jobs and their entries. */
import type { Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { isUniqueViolation, tablesOf } from "../store/mod.ts";
import { graceMs, nextDue } from "./due.ts";
import { recipientsOf } from "./findings.ts";
import type { Entry, ExpectedJob, JobCreate, JobUpdate } from "./model.ts";
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
import { check, identityOf, merged, missing, type Values, valuesOf } from "./values.ts";

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

  /** Changes the fields that are given. Errors: as {@linkcode create} and {@linkcode row}, `conflict` with another change. */
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
        requireSame(await jobById(db, id), known);
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

/** All columns are written: what somebody else has changed since they were read must not be undone. */
function requireSame(now: JobRow | undefined, known: JobRow): void {
  if (now !== undefined && JSON.stringify(valuesOf(now)) === JSON.stringify(valuesOf(known))) return;
  throw new HoldfastError(
    "conflict",
    `Cannot change expected job "${jobName(known)}": somebody else just did`,
    {
      hint: "look at it and try again",
    },
  );
}

/** How findings of a job end that somebody takes away. */
function over(caller: Caller) {
  return { detail: "the backup is not expected any more", recipients: [], by: caller.name };
}

/** For the audit log: who knows the id may ping. */
function shown(job: ExpectedJob): object {
  return { ...job, ping_id: job.ping_id === null ? null : "***" };
}
