/** The policies a schedule will have: input judged and merged with what is known. */
import { iso } from "../lib/clock.ts";
import { type FieldError, HoldfastError, nearest } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { findSchedule } from "./find.ts";
import { authorizeHooks } from "./hooks.ts";
import type { ScheduleUpdate } from "./model.ts";
import type { SchedulesOptions } from "./options.ts";
import { NO_POLICIES, type Policies } from "./policies.ts";
import { zoneOf } from "./zones.ts";

/** Policies in the input over the known ones. Errors: `invalid`, and for the schedule that is followed `not_found` and `forbidden`. */
export async function policiesIn(
  options: SchedulesOptions,
  input: ScheduleUpdate,
  known: Readonly<Policies>,
  timezone: string,
  caller: Caller,
): Promise<Policies> {
  const given = Object.entries(input).filter(([name, value]) => name in NO_POLICIES && value !== undefined);
  const merged: Policies = { ...known, ...Object.fromEntries(given) };
  const policies: Policies = {
    ...merged,
    locks: cleared(merged.locks),
    allowed_windows: cleared(merged.allowed_windows),
    blackout_windows: cleared(merged.blackout_windows),
    paused_until: merged.paused_until === null ? null : instantOf(merged.paused_until, timezone),
    run_after: input.run_after == null
      ? merged.run_after
      : (await findSchedule(options, input.run_after, caller)).id,
  };
  if (input.concurrency_group != null) requireGroup(options, input.concurrency_group);
  requireSense(policies);
  if (HOOKS.every((field) => policies[field] === known[field])) return policies;
  authorizeHooks(policies, caller, options.settings.allow_commands);
  return { ...policies, hook_authority: { role: caller.role, on_host: caller.on_host } };
}

const HOOKS = ["hook_before", "hook_after", "hook_on_failure", "prove_command"] as const;

/** A command line cannot say "no items"; the word `none` alone does. */
function cleared(items: readonly string[]): string[] {
  return items.length === 1 && items[0] === "none" ? [] : [...new Set(items)];
}

/** A day means its beginning in the schedule's zone. */
function instantOf(text: string, timezone: string): string {
  if (text.includes("T")) return iso(Date.parse(text));
  return iso(zoneOf(timezone).firstInstant(Date.parse(`${text}T00:00:00Z`)));
}

function requireGroup({ settings }: SchedulesOptions, group: string): void {
  const groups = Object.keys(settings.groups);
  if (groups.includes(group)) return;
  const near = nearest(group, groups);
  throw refusal(
    [{ path: "concurrency_group", message: `there is no group "${group}"` }],
    near === undefined ? "name it in the configuration: schedules.groups" : `did you mean "${near}"?`,
  );
}

/** Refuses policies that contradict each other. */
function requireSense(policies: Policies): void {
  const errors: FieldError[] = [];
  if (policies.run_after !== null) {
    const message = "a schedule that follows another is due with it";
    if (policies.jitter_seconds !== 0) errors.push({ path: "jitter_seconds", message });
    if (policies.dst !== "standard") errors.push({ path: "dst", message });
  }
  if (errors.length > 0) throw refusal(errors);
}

function refusal(errors: FieldError[], hint?: string): HoldfastError {
  const text = errors.map(({ path, message }) => `${path}: ${message}`).join("; ");
  return new HoldfastError("invalid", `Cannot set policies: ${text}`, {
    errors,
    ...(hint === undefined ? {} : { hint }),
  });
}
