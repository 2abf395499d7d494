/** Who is told of an alert, and when: rules without a database, so that every case is a row of a table in a test. */
import { iso } from "../lib/clock.ts";
import { parseDuration } from "../lib/duration.ts";
import { PolicySettings } from "./config.ts";
import { type AlertEvent, SEVERITIES, type Severity, type Subject } from "./event.ts";

/** A policy by its name; its zone is settled. */
export type Policy = Omit<PolicySettings, "timezone"> & { name: string; timezone: string };

/** An alert as it is remembered. Instants are ISO 8601. */
export interface AlertState {
  alert: string;
  /** Policy the slice asked for by name; null is by subject. */
  policy: string | null;
  code: string;
  severity: Severity;
  subject: Subject;
  /** Mail addresses of the subject's own. */
  recipients: readonly string[];
  /** Findings in a row. */
  failures: number;
  opened_at: string;
  /** First message; null while nobody was told. */
  notified_at: string | null;
  /** Last message, reminders included. */
  told_at: string | null;
  acknowledged_at: string | null;
  recovered_at: string | null;
  /** Escalation steps taken. */
  step: number;
  /** Reminders sent. */
  reminders: number;
  /** When to look at it again without being asked: the next reminder or escalation. */
  next_at: string | null;
  /** Channels that were told, and hear of the recovery. */
  channels: readonly string[];
}

/** What an event does to an alert. */
export interface Decision {
  after: AlertState;
  /** What is told now, if anything. */
  tell: "finding" | "recovered" | null;
}

/** True when `severity` is at least `least`. */
export function isAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
}

/** Policies in the order they are tried: by name, `default` last, which is there even when nobody wrote one. */
export function policiesOf(settings: Readonly<Record<string, PolicySettings>>, timezone: string): Policy[] {
  const named = { default: PolicySettings.parse({}), ...settings };
  return Object.entries(named)
    .sort(([a], [b]) => Number(a === "default") - Number(b === "default") || (a < b ? -1 : 1))
    .map(([name, policy]) => ({ ...policy, name, timezone: policy.timezone ?? timezone }));
}

/** The policy for a subject: the one asked for by name, else the first that matches, else the last. */
export function policyFor(policies: readonly Policy[], subject: Subject, name: string | null): Policy {
  const asked = name === null ? undefined : policies.find((policy) => policy.name === name);
  return asked ?? policies.find(({ subjects }) => subjects.some((glob) => matches(glob, subject.name))) ??
    policies.at(-1)!;
}

function matches(glob: string, name: string): boolean {
  const pattern = glob.split("*").map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, "\\$&")).join(".*");
  return new RegExp(`^${pattern}$`, "isu").test(name);
}

/** What an event means for its alert, which is undefined when there is none yet. `now` in milliseconds. */
export function decide(
  event: AlertEvent,
  before: AlertState | undefined,
  policy: Policy,
  now: number,
): Decision | undefined {
  const open = before !== undefined && before.recovered_at === null ? before : undefined;
  switch (event.kind) {
    case "notice":
      return undefined;
    case "finding":
      return found(event, open, policy, now);
    case "recovered": {
      if (open === undefined) return undefined;
      const after = { ...open, recovered_at: iso(now), next_at: null };
      return { after, tell: open.notified_at !== null && policy.recovered ? "recovered" : null };
    }
    case "acknowledged": {
      if (open === undefined) return undefined;
      return {
        after: {
          ...open,
          acknowledged_at: iso(now),
          next_at: open.notified_at === null ? null : event.until ?? null,
        },
        tell: null,
      };
    }
  }
}

function found(event: AlertEvent, open: AlertState | undefined, policy: Policy, now: number): Decision {
  const { alert, code, severity, subject, recipients = [] } = event;
  const seen: AlertState = {
    ...(open ?? {
      failures: 0,
      opened_at: iso(now),
      notified_at: null,
      told_at: null,
      acknowledged_at: null,
      recovered_at: null,
      step: 0,
      reminders: 0,
      next_at: null,
      channels: [],
    }),
    ...{ alert, code, subject, recipients, policy: event.policy ?? null },
    // The worst so far: whoever was told because of it hears of the recovery too.
    severity: open !== undefined && isAtLeast(open.severity, severity) ? open.severity : severity,
    failures: (open?.failures ?? 0) + 1,
  };
  if (event.until !== undefined) return { after: seen, tell: null };
  const told = open !== undefined && open.notified_at !== null;
  const changed = told && (open.code !== code || !isAtLeast(open.severity, severity));
  const tell = isAtLeast(severity, policy.min_severity) &&
    (told ? changed : seen.failures >= policy.after_failures);
  if (!tell) return { after: seen, tell: null };
  const after = {
    ...seen,
    notified_at: seen.notified_at ?? iso(now),
    told_at: iso(now),
    acknowledged_at: null,
  };
  return { after: { ...after, next_at: nextAt(after, policy) }, tell: "finding" };
}

/** What an open alert is due for at `now`. */
export interface Due {
  after: AlertState;
  kind: "reminder" | "escalation";
  /** Where an escalation goes; null is to all who know already. */
  channel: string | null;
}

/** The reminder or escalation step that is due; undefined when none is. */
export function dueFor(state: AlertState, policy: Policy, now: number): Due | undefined {
  if (state.next_at === null || Date.parse(state.next_at) > now) return undefined;
  // An acknowledgement with an end has run out.
  const awake = { ...state, acknowledged_at: null };
  const step = stepsOf(policy)[state.step];
  if (step !== undefined && escalatesAt(state, step.after_ms) <= now) {
    const channels = [...new Set([...state.channels, step.channel])];
    const after = { ...awake, step: state.step + 1, channels };
    return { after: { ...after, next_at: nextAt(after, policy) }, kind: "escalation", channel: step.channel };
  }
  const after = { ...awake, told_at: iso(now), reminders: state.reminders + 1 };
  return { after: { ...after, next_at: nextAt(after, policy) }, kind: "reminder", channel: null };
}

/** When an alert that was told has to be looked at again. */
function nextAt(state: AlertState, policy: Policy): string | null {
  const times: number[] = [];
  if (policy.repeat_seconds > 0 && state.told_at !== null) {
    times.push(Date.parse(state.told_at) + policy.repeat_seconds * 1000);
  }
  const step = stepsOf(policy)[state.step];
  if (step !== undefined) times.push(escalatesAt(state, step.after_ms));
  return times.length === 0 ? null : iso(Math.min(...times));
}

function escalatesAt(state: AlertState, afterMs: number): number {
  return Date.parse(state.notified_at ?? state.opened_at) + afterMs;
}

function stepsOf(policy: Policy): { after_ms: number; channel: string }[] {
  return policy.escalate.map((text) => {
    const [after = "", channel = ""] = text.split(" ");
    return { after_ms: parseDuration(after) * 1000, channel };
  }).sort((a, b) => a.after_ms - b.after_ms);
}
