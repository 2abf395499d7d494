/** What people can ask of findings, and of how all of it stands. */
import { z } from "zod";
import { EXIT_BAD_ANSWER } from "../lib/errors.ts";
import { Day, Moment } from "../lib/moment.ts";
import { type Operation, operation } from "../lib/operation.ts";
import { Board, Calendar, Check } from "./board_model.ts";
import { boardText, calendarText } from "./board_text.ts";
import { Finding } from "./finding_model.ts";
import type { MonitorApp } from "./job_operations.ts";
import { FINDING_STATES, OPEN_STATES } from "./queries/tables.ts";
import { Ref } from "./refs.ts";

const BASE = "/api/v1/monitor";
const One = z.strictObject({ finding: Ref.describe("Number of the finding") });
const Note = z.string().max(1000).optional().describe("Why, for whoever looks at it later");

export const listFindings = operation({
  name: "monitor.findings.list",
  route: `GET ${BASE}/findings`,
  role: "operator",
  summary: "List what is wrong: what is open, or what was",
  input: z.strictObject({
    state: z.enum([...FINDING_STATES, "all"]).optional().describe(
      "Only those in this state; open ones when absent",
    ),
    code: z.string().min(1).optional().describe(
      "Only of this kind: missing (a report or a file), overdue (anything else), failed, drift ...",
    ),
    job_id: Ref.optional().describe("Only those of this job, by id or name"),
    agent: z.string().min(1).optional().describe("Only those of this agent"),
    skip: z.int().min(0).default(0).describe("How many to leave out at the beginning"),
    limit: z.int().min(1).max(1000).default(100).describe("How many at most"),
  }),
  output: z.array(Finding),
  cli: {
    columns: [
      { key: "id", align: "right" },
      { key: "severity" },
      { key: "code" },
      { key: "subject_name", title: "subject" },
      { key: "state" },
      { key: "count", title: "times", align: "right" },
      { key: "opened_at", title: "since", format: "instant" },
      { key: "detail" },
    ],
    examples: [
      "holdfast monitor findings list",
      "holdfast monitor findings list --state all --code missing --output json",
    ],
  },
  run: (app: MonitorApp, { state, ...rest }) =>
    app.monitor.findings.list({
      ...rest,
      states: state === "all" ? undefined : state === undefined ? OPEN_STATES : [state],
    }),
});

export const getFinding = operation({
  name: "monitor.findings.get",
  route: `GET ${BASE}/findings/{finding}`,
  role: "operator",
  summary: "Show one finding",
  input: One,
  output: Finding,
  cli: { args: ["finding"], examples: ["holdfast monitor findings get 1"] },
  run: (app: MonitorApp, input) => app.monitor.findings.get(input.finding),
});

const text = (finding: z.output<typeof Finding>) =>
  `Finding ${finding.id} (${finding.subject_name} ${finding.code}) is ${finding.state}`;

export const acknowledgeFinding = operation({
  name: "monitor.findings.ack",
  route: `POST ${BASE}/findings/{finding}/acknowledge`,
  role: "operator",
  summary: "Say that somebody knows: no reminders and no escalation until it ends",
  input: One.extend({ note: Note }),
  output: Finding,
  cli: {
    args: ["finding"],
    text,
    examples: ["holdfast monitor findings ack 1 --note 'the disk is being changed'"],
  },
  run: (app: MonitorApp, input, caller) =>
    app.monitor.findings.acknowledge(input.finding, input.note, caller),
});

export const muteFinding = operation({
  name: "monitor.findings.mute",
  route: `POST ${BASE}/findings/{finding}/mute`,
  role: "operator",
  summary: "Tell nobody of a finding until an instant",
  input: One.extend({
    until: Moment.describe("Day or instant (UTC) until which nothing is told"),
    note: Note,
  }),
  output: Finding,
  cli: {
    args: ["finding", "until"],
    text,
    examples: [
      "holdfast monitor findings mute 1 2030-01-07",
      "holdfast monitor findings mute 1 2030-01-07T08:00:00Z",
    ],
  },
  run: (app: MonitorApp, { finding, until, note }, caller) =>
    app.monitor.findings.mute(finding, until, note, caller),
});

export const resolveFinding = operation({
  name: "monitor.findings.resolve",
  route: `POST ${BASE}/findings/{finding}/resolve`,
  role: "operator",
  summary: "End a finding; it opens again when it is seen again",
  input: One.extend({ note: Note }),
  output: Finding,
  cli: { args: ["finding"], text, examples: ["holdfast monitor findings resolve 1"] },
  run: (app: MonitorApp, input, caller) => app.monitor.findings.resolve(input.finding, input.note, caller),
});

export const expectFinding = operation({
  name: "monitor.findings.expect",
  route: `POST ${BASE}/findings/{finding}/expect`,
  role: "operator",
  summary: "Mark what was unusual as expected: what is usual is learnt anew",
  input: One,
  output: Finding,
  cli: { args: ["finding"], text, examples: ["holdfast monitor findings expect 1"] },
  run: (app: MonitorApp, input, caller) => app.monitor.findings.expect(input.finding, caller),
});

export const check = operation({
  name: "monitor.check",
  route: `GET ${BASE}/check`,
  role: "operator",
  summary: "Say in one line whether all is well; exits 20 when it is not",
  description:
    "With --nagios the line has performance data and the exit code is that of a plugin: 0 ok, 1 warning, 2 critical, 3 nothing is expected.",
  input: z.strictObject({ nagios: z.boolean().default(false).describe("As a Nagios plugin") }),
  output: Check,
  cli: {
    text: (answer) => answer.line,
    exit: ({ nagios, state }) =>
      nagios
        ? ["ok", "warning", "critical", "unknown"].indexOf(state)
        : state === "ok" || state === "unknown"
        ? 0
        : EXIT_BAD_ANSWER,
    examples: ["holdfast monitor check", "holdfast monitor check --nagios"],
  },
  run: (app: MonitorApp, input) => app.monitor.check(input),
});

export const board = operation({
  name: "monitor.board",
  route: `GET ${BASE}/board`,
  role: "operator",
  summary: "Show all expected backups of a day by state, the worst first",
  input: z.strictObject({ date: Day.optional().describe("Day (UTC); today when absent") }),
  output: Board,
  cli: { text: boardText, examples: ["holdfast monitor board", "holdfast monitor board --date 2030-01-06"] },
  run: (app: MonitorApp, input) => app.monitor.board(input.date),
});

export const calendar = operation({
  name: "monitor.calendar",
  route: `GET ${BASE}/calendar`,
  role: "operator",
  summary: "Show each expected backup by day",
  input: z.strictObject({
    from: Day.optional().describe("First day (UTC); so that the last one is today when absent"),
    days: z.int().min(1).max(62).default(14).describe("How many days"),
    job: Ref.optional().describe("Only this job, by id or name"),
  }),
  output: Calendar,
  cli: {
    text: calendarText,
    examples: ["holdfast monitor calendar", "holdfast monitor calendar --days 31 --job 1"],
  },
  run: (app: MonitorApp, input) => app.monitor.calendar(input),
});

export const findingOperations: readonly Operation[] = [
  listFindings,
  getFinding,
  acknowledgeFinding,
  muteFinding,
  resolveFinding,
  expectFinding,
  check,
  board,
  calendar,
];
