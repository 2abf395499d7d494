/** What people do about findings. */
import { iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { tablesOf } from "../store/mod.ts";
import { Finding } from "./finding_model.ts";
import { type Parts, tables } from "./parts.ts";
import { findingById, type FindingFilter, listFindings, updateFinding } from "./queries/findings.ts";
import { jobById, updateJob } from "./queries/jobs.ts";
import { entryById } from "./queries/entries.ts";
import type { FindingRow, MonitorTables } from "./queries/tables.ts";
import { Recipients } from "./records.ts";
import { jobIdOf } from "./named.ts";
import { idOf, type Ref, shownRef } from "./refs.ts";

export class FindingDesk {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Errors: `not_found` and `conflict` for the name of a job. */
  async list(
    { job_id, ...filter }: Omit<FindingFilter, "job_id"> & { job_id?: Ref | undefined },
  ): Promise<Finding[]> {
    const db = tables(this.#parts);
    return (await listFindings(db, { ...filter, job_id: await jobIdOf(db, job_id) })).map(findingRecord);
  }

  /** Errors: `not_found`. */
  async get(id: Ref): Promise<Finding> {
    return findingRecord(await this.#row(id));
  }

  /** Somebody knows: no reminders, no escalation, until it ends. Errors: `not_found`, `conflict` when it has ended. */
  acknowledge(id: Ref, note: string | undefined, caller: Caller): Promise<Finding> {
    const at = iso(this.#parts.clock.now());
    return this.#change(id, "acknowledge", caller, {
      state: "acknowledged",
      acknowledged_at: at,
      acknowledged_by: caller.name,
      muted_until: null,
      ...noted(note),
    }, (tx, row) => this.#parts.findings.quiet(tx, row, `acknowledged:${at}`, null));
  }

  /** Nothing is told of it until then. Errors: as {@linkcode acknowledge}, `invalid` for an instant that has passed. */
  mute(id: Ref, until: string, note: string | undefined, caller: Caller): Promise<Finding> {
    const now = this.#parts.clock.now();
    const instant = iso(Date.parse(until));
    if (Date.parse(until) <= now) {
      throw new HoldfastError("invalid", `Cannot mute finding ${shownRef(id)}: ${instant} has passed`, {
        errors: [{ path: "until", message: "must be to come" }],
      });
    }
    return this.#change(
      id,
      "mute",
      caller,
      { state: "muted", muted_until: instant, ...noted(note) },
      (tx, row) => this.#parts.findings.quiet(tx, row, `muted:${iso(now)}`, instant),
    );
  }

  /** It is over because somebody says so; whoever was told is told. Errors: as {@linkcode acknowledge}. */
  resolve(id: Ref, note: string | undefined, caller: Caller): Promise<Finding> {
    return this.#change(id, "resolve", caller, noted(note), async (tx, row) => {
      const recipients = await this.#recipients(tx, row);
      await this.#parts.findings.recover(tx, [row], {
        detail: `${caller.name} says that it is over`,
        recipients,
        by: caller.name,
      });
    });
  }

  /**
   * What was unusual is expected from now on: sizes of before are forgotten, and the finding is over.
   * Errors: as {@linkcode acknowledge}, `invalid` for a finding that is about no size.
   */
  async expect(id: Ref, caller: Caller): Promise<Finding> {
    const known = await this.#row(id);
    if (!EXPECTABLE.includes(known.code) || known.job_id === null) {
      throw new HoldfastError(
        "invalid",
        known.job_id === null
          ? `Cannot expect finding ${id}: it is about no backup`
          : `Cannot expect finding ${id}: "${known.code}" is nothing to get used to`,
        {
          hint: "resolve or acknowledge it instead",
        },
      );
    }
    return await this.#change(id, "expect", caller, { note: "expected from now on" }, async (tx, row, db) => {
      const entry = row.entry_id === null ? undefined : await entryById(db, row.entry_id);
      await updateJob(db, row.job_id ?? 0, { history_from: entry?.due_at ?? iso(this.#parts.clock.now()) });
      await this.#parts.findings.recover(tx, [row], {
        detail: `${caller.name} says that it is expected`,
        recipients: await this.#recipients(tx, row),
        by: caller.name,
      });
    });
  }

  async #recipients(tx: Parameters<Parts["findings"]["quiet"]>[0], row: FindingRow): Promise<string[]> {
    if (row.job_id === null) return [];
    const job = await jobById(tablesOf<MonitorTables>(tx), row.job_id);
    return job === undefined ? [] : Recipients.parse(JSON.parse(job.notification_recipients));
  }

  async #row(id: Ref): Promise<FindingRow> {
    const row = await findingById(tables(this.#parts), idOf(id));
    if (row !== undefined) return row;
    throw new HoldfastError("not_found", `Cannot find finding ${shownRef(id)}`, {
      hint: "list them with: holdfast monitor findings list",
    });
  }

  async #change(
    ref: Ref,
    verb: string,
    caller: Caller,
    changes: Parameters<typeof updateFinding>[2],
    then: (
      tx: Parameters<Parts["findings"]["quiet"]>[0],
      row: FindingRow,
      db: ReturnType<typeof tables>,
    ) => Promise<void>,
  ): Promise<Finding> {
    const { id } = await this.#row(ref);
    return await this.#parts.database.change(caller, async (change) => {
      const db = change.tables<MonitorTables>();
      const before = (await findingById(db, id))!;
      if (before.open_key === null) {
        throw new HoldfastError("conflict", `Cannot ${verb} finding ${id}: it is ${before.state} already`);
      }
      if (Object.keys(changes).length > 0) await updateFinding(db, id, changes);
      await then(change.tx, before, db);
      const after = findingRecord((await findingById(db, id))!);
      change.audit({ target: `monitor/findings/${id}`, before: findingRecord(before), after });
      return after;
    });
  }
}

const EXPECTABLE: readonly string[] = ["drift", "too_small", "unchanged"];

function noted(note: string | undefined) {
  return note === undefined ? {} : { note };
}

const Stored = Finding.shape.facts;

export function findingRecord(row: FindingRow): Finding {
  const { open_key: _, alert: __, told: ___, facts, ...rest } = row;
  return { ...rest, facts: Stored.parse(JSON.parse(facts)) };
}
