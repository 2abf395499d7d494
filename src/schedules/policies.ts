/**
 * Policies: how a schedule deals with what gets in the way. Fields, defaults, and the form they are stored in.
 *
 * They are stored as one JSON text per schedule, and with each dated revision; what has its default is left out, so
 * that a schedule without policies stores `{}`.
 */
import { z } from "zod";
import { DST_RULES } from "./calendar.ts";
import { careFields, newCareFields, NO_CARE } from "./care_fields.ts";
import { parseWindow } from "./windows.ts";
import { Authority } from "../lib/authority.ts";
import { messageOf } from "../lib/errors.ts";
import { Moment } from "../lib/moment.ts";

const DAY = 86_400;
const YEAR = 366 * DAY;

/** A name that locks and groups go by. */
const Label = z.string().trim().min(1).max(100).regex(
  /^[\p{L}\p{N}][\p{L}\p{N} ._:@\/-]*$/u,
  "must begin with a letter or digit and hold only those, spaces and . _ : @ / -",
);

const WindowText = z.string().trim().min(1).max(100).superRefine((text, context) => {
  try {
    parseWindow(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: messageOf(error).replace(/^Cannot use window ".*?": /, "") });
  }
});

const Hook = z.string().trim().min(1).max(4000);

const Seconds = (min: number, max: number) => z.int().min(min).max(max);

/** What people may set, each with its words in help and in the API's document. */
export const policyFields = {
  catch_up: z.enum(["none", "latest", "all"]).describe(
    "Instants that passed while nothing could start: leave them, start the latest, or start all",
  ),
  catch_up_window_seconds: Seconds(60, YEAR).describe("How old an instant may be and still be caught up"),
  overlap: z.enum(["skip", "queue_one", "queue_all", "cancel_other", "allow"]).describe(
    "When the run before is still active: skip, wait (only the newest, or all), cancel it, or run beside it",
  ),
  locks: z.array(Label).max(20).describe(
    "Locks it needs; schedules that share one never run at the same time",
  ),
  concurrency_group: Label.nullable().describe("Group whose runs at once are limited by schedules.groups"),
  retries: z.int().min(0).max(100).describe("Further attempts after one that failed; none after a cancel"),
  retry_delay_seconds: Seconds(1, DAY).describe("Pause before the first further attempt"),
  retry_factor: z.number().min(1).max(10).describe("What each further pause is multiplied by"),
  retry_max_delay_seconds: Seconds(1, 7 * DAY).describe("Longest pause between attempts"),
  timeout_seconds: Seconds(1, 30 * DAY).nullable().describe("Longest time of an attempt, hooks included"),
  start_deadline_seconds: Seconds(1, YEAR).nullable().describe(
    "How long after its instant a run may still start; later it is missed",
  ),
  jitter_seconds: Seconds(0, DAY).describe(
    "Every instant comes up to so much later, always by the same part of it for one schedule",
  ),
  allowed_windows: z.array(WindowText).max(50).describe(
    'Start only inside: "22:00-06:00", "mon-fri 22:00-06:00", "sat,sun", "2026-12-24..2027-01-02"',
  ),
  blackout_windows: z.array(WindowText).max(50).describe("Never start inside, in the same form"),
  paused_until: Moment.nullable().describe("Skip everything due before this day or instant"),
  run_after: z.string().min(1).nullable().describe(
    "Schedule (id, name or server/name) it follows: due with it, started when that has succeeded",
  ),
  dst: z.enum(DST_RULES).describe(
    "Times that clocks leave out or show twice: right after the gap and once, not at all and once, or as the clock shows",
  ),
  hook_before: Hook.nullable().describe(
    "Command line or http(s) address called before the backup; when it fails there is none",
  ),
  hook_after: Hook.nullable().describe("The same, called when the attempt is over, well or badly"),
  hook_on_failure: Hook.nullable().describe("The same, called when the attempt failed"),
  hook_timeout_seconds: Seconds(1, DAY).describe("Longest time of one hook"),
  nice: z.int().min(0).max(19).nullable().describe("CPU priority of programs it starts, 19 is lowest"),
  io_class: z.enum(["none", "best-effort", "idle"]).describe("Disk priority of programs it starts"),
  memory_max_bytes: z.int().min(16 * 1024 * 1024).nullable().describe(
    "Memory that programs it starts may use",
  ),
  cpu_max_percent: z.int().min(1).max(10_000).nullable().describe(
    "CPU time that programs it starts may use, 100 is one core",
  ),
  ...careFields,
};

/** What is stored: every policy, and with whose rights hooks run. */
const PolicyValues = z.object(policyFields).extend({ hook_authority: Authority.nullable() });
export type Policies = z.output<typeof PolicyValues>;

/** What counts where nothing is set: an instant that cannot start in time is missed, nothing waits, nothing is tried again. */
export const NO_POLICIES: Readonly<Policies> = {
  catch_up: "none",
  catch_up_window_seconds: DAY,
  overlap: "skip",
  locks: [],
  concurrency_group: null,
  retries: 0,
  retry_delay_seconds: 60,
  retry_factor: 2,
  retry_max_delay_seconds: 3600,
  timeout_seconds: null,
  start_deadline_seconds: null,
  jitter_seconds: 0,
  allowed_windows: [],
  blackout_windows: [],
  paused_until: null,
  run_after: null,
  dst: "standard",
  hook_before: null,
  hook_after: null,
  hook_on_failure: null,
  hook_timeout_seconds: 300,
  nice: null,
  io_class: "none",
  memory_max_bytes: null,
  cpu_max_percent: null,
  ...NO_CARE,
  hook_authority: null,
};

/** Made when first asked for: commands that talk to a daemon read none. */
let stored: ReturnType<typeof PolicyValues.partial> | undefined;

const parsed = new Map<string, Readonly<Policies>>();
const KEPT = 1000;

/** The policies of a stored text. Throws when it was not written by {@linkcode policiesText}. */
export function policiesOf(text: string): Readonly<Policies> {
  if (text === "{}") return NO_POLICIES;
  let policies = parsed.get(text);
  if (policies === undefined) {
    if (parsed.size >= KEPT) parsed.clear();
    const given = Object.entries((stored ??= PolicyValues.partial()).parse(JSON.parse(text))).filter((
      [, value],
    ) => value !== undefined);
    parsed.set(text, policies = { ...NO_POLICIES, ...Object.fromEntries(given) });
  }
  return policies;
}

/** Policies as they are stored. */
export function policiesText(policies: Policies): string {
  const changed = Object.entries(policies).filter(([name, value]) =>
    JSON.stringify(value) !== JSON.stringify(Reflect.get(NO_POLICIES, name))
  );
  return JSON.stringify(Object.fromEntries(changed));
}

/** The fields for a new schedule, each with what counts when it is not given. */
export const newPolicyFields = {
  catch_up: policyFields.catch_up.default(NO_POLICIES.catch_up),
  catch_up_window_seconds: policyFields.catch_up_window_seconds.default(NO_POLICIES.catch_up_window_seconds),
  overlap: policyFields.overlap.default(NO_POLICIES.overlap),
  locks: policyFields.locks.default([]),
  concurrency_group: policyFields.concurrency_group.default(null),
  retries: policyFields.retries.default(NO_POLICIES.retries),
  retry_delay_seconds: policyFields.retry_delay_seconds.default(NO_POLICIES.retry_delay_seconds),
  retry_factor: policyFields.retry_factor.default(NO_POLICIES.retry_factor),
  retry_max_delay_seconds: policyFields.retry_max_delay_seconds.default(NO_POLICIES.retry_max_delay_seconds),
  timeout_seconds: policyFields.timeout_seconds.default(null),
  start_deadline_seconds: policyFields.start_deadline_seconds.default(null),
  jitter_seconds: policyFields.jitter_seconds.default(0),
  allowed_windows: policyFields.allowed_windows.default([]),
  blackout_windows: policyFields.blackout_windows.default([]),
  paused_until: policyFields.paused_until.default(null),
  run_after: policyFields.run_after.default(null),
  dst: policyFields.dst.default(NO_POLICIES.dst),
  hook_before: policyFields.hook_before.default(null),
  hook_after: policyFields.hook_after.default(null),
  hook_on_failure: policyFields.hook_on_failure.default(null),
  hook_timeout_seconds: policyFields.hook_timeout_seconds.default(NO_POLICIES.hook_timeout_seconds),
  nice: policyFields.nice.default(null),
  io_class: policyFields.io_class.default(NO_POLICIES.io_class),
  memory_max_bytes: policyFields.memory_max_bytes.default(null),
  cpu_max_percent: policyFields.cpu_max_percent.default(null),
  ...newCareFields,
};
