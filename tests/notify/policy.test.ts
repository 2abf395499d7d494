/** The rules of who is told when, as tables. */
import assert from "node:assert/strict";
import { PolicySettings } from "../../src/notify/config.ts";
import type { AlertEvent } from "../../src/notify/event.ts";
import {
  type AlertState,
  decide,
  dueFor,
  policiesOf,
  type Policy,
  policyFor,
} from "../../src/notify/policy.ts";
import { retryDelay } from "../../src/notify/retry.ts";
import { event } from "./samples.ts";

const T0 = Date.parse("2026-01-05T08:00:00Z");
const minutes = (n: number) => T0 + n * 60_000;

function policy(settings: Record<string, unknown> = {}): Policy {
  return policiesOf({ default: PolicySettings.parse(settings) }, "UTC")[0]!;
}

const subject = (name: string) => ({ kind: "job", id: "1", name });

const finding = (fields: Partial<AlertEvent> = {}) => event({ severity: "warning", ...fields });
const recovered = event({ kind: "recovered", code: "ok" });
const acknowledged = event({ kind: "acknowledged" });

/** What each event of a story made people hear. */
const STORIES: { name: string; policy?: Record<string, unknown>; events: [AlertEvent, string | null][] }[] = [
  {
    name: "the first finding and the recovery are told, a second finding of the same code is not",
    events: [[finding(), "finding"], [finding(), null], [recovered, "recovered"], [recovered, null]],
  },
  {
    name: "after a recovery the next finding is told again",
    events: [[finding(), "finding"], [recovered, "recovered"], [finding(), "finding"]],
  },
  {
    name: "after N failures only the Nth is told, and none after it",
    policy: { after_failures: 3 },
    events: [[finding(), null], [finding(), null], [finding(), "finding"], [finding(), null]],
  },
  {
    name: "a recovery of what nobody was told is not told either",
    policy: { after_failures: 3 },
    events: [[finding(), null], [recovered, null], [finding(), null], [finding(), null], [
      finding(),
      "finding",
    ]],
  },
  {
    name: "another code on an open alert is a change",
    events: [[finding(), "finding"], [finding({ code: "failed" }), "finding"], [
      finding({ code: "failed" }),
      null,
    ]],
  },
  {
    name: "a worse severity is a change, a milder one is not",
    events: [
      [finding(), "finding"],
      [finding({ severity: "critical" }), "finding"],
      [finding({ severity: "info" }), null],
    ],
  },
  {
    name: "what is not severe enough is not told until it is",
    policy: { min_severity: "critical" },
    events: [[finding(), null], [finding({ severity: "critical" }), "finding"], [recovered, "recovered"]],
  },
  {
    name: "recoveries are not told where they are not wanted",
    policy: { recovered: false },
    events: [[finding(), "finding"], [recovered, null]],
  },
  {
    name: "an acknowledgement is not told, and a change after it is",
    events: [[finding(), "finding"], [acknowledged, null], [finding(), null], [
      finding({ code: "failed" }),
      "finding",
    ]],
  },
  {
    name: "a recovery and an acknowledgement of nothing are nothing",
    events: [[recovered, null], [acknowledged, null]],
  },
];

for (const story of STORIES) {
  Deno.test(story.name, () => {
    let state: AlertState | undefined;
    const told = story.events.map(([one], i) => {
      const decision = decide(one, state, policy(story.policy), minutes(i));
      state = decision?.after ?? state;
      return decision?.tell ?? null;
    });
    assert.deepEqual(told, story.events.map(([, expected]) => expected));
  });
}

/** An alert told at T0, and what happens at which minute after it. */
function heard(
  settings: Record<string, unknown>,
  until: number,
  first: AlertEvent[] = [finding()],
): string[] {
  const rules = policy(settings);
  let state: AlertState | undefined;
  for (const one of first) state = decide(one, state, rules, T0)?.after ?? state;
  const heard: string[] = [];
  for (let minute = 0; minute <= until; minute++) {
    for (let due = dueFor(state!, rules, minutes(minute)); due !== undefined;) {
      heard.push(`${minute} ${due.kind}${due.channel === null ? "" : ` ${due.channel}`}`);
      state = due.after;
      due = dueFor(state, rules, minutes(minute));
    }
  }
  return heard;
}

const REMINDERS: {
  name: string;
  policy: Record<string, unknown>;
  first?: AlertEvent[];
  until: number;
  heard: string[];
}[] = [
  { name: "nothing is repeated unless asked for", policy: {}, until: 3000, heard: [] },
  {
    name: "what stays open is repeated",
    policy: { repeat_seconds: 3600 },
    until: 180,
    heard: ["60 reminder", "120 reminder", "180 reminder"],
  },
  {
    name: "escalation steps come in order of their times, each once",
    policy: { escalate: ["4h boss", "30m pager"] },
    until: 400,
    heard: ["30 escalation pager", "240 escalation boss"],
  },
  {
    name: "reminders go on beside the escalation",
    policy: { repeat_seconds: 3600, escalate: ["90m pager"] },
    until: 130,
    heard: ["60 reminder", "90 escalation pager", "120 reminder"],
  },
  {
    name: "an acknowledgement ends both",
    policy: { repeat_seconds: 3600, escalate: ["90m pager"] },
    first: [finding(), acknowledged],
    until: 400,
    heard: [],
  },
  {
    name: "an acknowledgement with an end is over at its end",
    policy: { repeat_seconds: 3600 },
    first: [finding(), event({ kind: "acknowledged", until: "2026-01-05T11:00:00.000Z" })],
    until: 240,
    heard: ["180 reminder", "240 reminder"],
  },
  {
    name: "a recovery ends both",
    policy: { repeat_seconds: 3600, escalate: ["90m pager"] },
    first: [finding(), recovered],
    until: 400,
    heard: [],
  },
  {
    name: "what nobody was told is not repeated",
    policy: { repeat_seconds: 3600, after_failures: 2 },
    until: 400,
    heard: [],
  },
];

for (const row of REMINDERS) {
  Deno.test(row.name, () => assert.deepEqual(heard(row.policy, row.until, row.first), row.heard));
}

Deno.test("a day of silence makes one reminder, not one for each that was missed", () => {
  const rules = policy({ repeat_seconds: 600 });
  const state = decide(finding(), undefined, rules, T0)!.after;
  const due = dueFor(state, rules, minutes(1440))!;
  assert.equal(due.after.next_at, new Date(minutes(1450)).toISOString());
});

const MATCHES: [name: string, asked: string | null, expected: string][] = [
  ["ACME/PARIS/shop", null, "acme"],
  ["acme/lyon/crm", null, "acme"],
  ["other", null, "default"],
  ["night-batch", null, "night"],
  ["other", "night", "night"],
  ["other", "no-such-policy", "default"],
  ["x.y", null, "exact"],
  ["xzy", null, "default"],
];

Deno.test("the first policy by name whose pattern fits counts, default last, one asked for first", () => {
  const policies = policiesOf({
    night: PolicySettings.parse({ subjects: ["night*"] }),
    acme: PolicySettings.parse({ subjects: ["ACME/*"] }),
    exact: PolicySettings.parse({ subjects: ["x.y"] }),
    default: PolicySettings.parse({ timezone: "Europe/Paris" }),
  }, "UTC");
  for (const [name, asked, expected] of MATCHES) {
    assert.equal(policyFor(policies, subject(name), asked).name, expected, name);
  }
  assert.equal(policies.at(-1)?.timezone, "Europe/Paris");
  assert.equal(policies[0]?.timezone, "UTC");
});

const DELAYS: [failures: number, asked: number | undefined, random: number, seconds: number][] = [
  [1, undefined, 0.5, 60],
  [2, undefined, 0.5, 120],
  [6, undefined, 0.5, 1920],
  [7, undefined, 0.5, 3600],
  [5000, undefined, 0.5, 3600],
  [1, undefined, 0, 48],
  [1, undefined, 0.999, 71.976],
  [1, 30, 0, 30],
  [9, 30, 0.5, 31.5],
  [1, 999_999, 0, 86_400],
];

Deno.test("waits double up to an hour, spread by a fifth; what a service asks for counts, up to a day", () => {
  for (const [failures, asked, random, seconds] of DELAYS) {
    assert.equal(Math.round(retryDelay(failures, asked, random)), Math.round(seconds * 1000));
  }
});
