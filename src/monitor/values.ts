/** The columns of an expected job that people set: what may stand in them together, and what makes a job one of a kind. */
import { HoldfastError } from "../lib/errors.ts";
import { checkExpression } from "../schedules/mod.ts";
import { AFTER } from "./due.ts";
import type { JobUpdate, Way } from "./model.ts";
import type { JobRow } from "./queries/tables.ts";
import { parseTemplate } from "./template.ts";

/** The columns that people set. */
export type Values = Omit<
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

/** What is wrong with a field. */
export function missing(path: string, message: string): HoldfastError {
  return new HoldfastError("invalid", `Cannot expect a backup: ${path}: ${message}`, {
    errors: [{ path, message }],
  });
}

/** What no schema of one field can see. */
export function check(values: Values): void {
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
export function identityOf(values: Values): string {
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

/** A job with the fields of an update. */
export function merged(known: JobRow, input: JobUpdate): Values {
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

/** What people set of a job. */
export function valuesOf(row: JobRow): Values {
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
