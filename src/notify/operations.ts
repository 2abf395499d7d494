/** What people can ask of channels and the outbox. */
import { z } from "zod";
import { operation } from "../lib/operation.ts";
import { Changed, ChannelView, OutboxMessage, TestResult } from "./model.ts";
import type { Notify } from "./notify.ts";
import { OUTBOX_STATUSES } from "./queries/tables.ts";

/** What the operations need of the app. */
export interface NotifyApp {
  notify: Notify;
}

const BASE = "/api/v1/notify";

const Limit = z.int().min(1).max(1000).default(100).describe("How many, the newest first");
const ChannelFilter = z.string().min(1).optional().describe("Only those of this channel");

const Chosen = z.strictObject({
  ids: z.array(z.int().min(1)).max(10_000).default([]).describe(
    "Numbers of messages; without any, all dead ones",
  ),
  channel: ChannelFilter,
});

export const listChannels = operation({
  name: "notify.channels.list",
  route: `GET ${BASE}/channels`,
  role: "operator",
  summary: "List the channels and how they have been",
  input: z.strictObject({}),
  output: z.array(ChannelView),
  cli: {
    columns: [
      { key: "name" },
      { key: "kind" },
      { key: "status" },
      { key: "last_ok_at", title: "last ok", format: "instant" },
      { key: "waiting", align: "right" },
      { key: "dead", align: "right" },
      { key: "last_error", title: "error" },
    ],
    examples: ["holdfast notify channels list"],
  },
  run: (app: NotifyApp) => app.notify.channels(),
});

export const testChannel = operation({
  name: "notify.test",
  route: `POST ${BASE}/channels/{channel}/test`,
  role: "operator",
  summary: "Send a test message through a channel, now",
  description:
    "Needs no daemon and no data directory: with neither, the channel is opened from the configuration alone. A channel that runs a command needs role admin.",
  input: z.strictObject({
    channel: z.string().min(1).describe("Name of the channel; mail is the one of SMTP_HOST"),
  }),
  output: TestResult,
  detached: true,
  cli: {
    args: ["channel"],
    examples: [
      "holdfast notify test mail",
      "SMTP_HOST=mail.example.org SMTP_TO=ops@example.org holdfast notify test mail",
    ],
    text: (test) => `Channel ${test.channel} (${test.kind}) took the message after ${test.duration_ms} ms`,
  },
  run: (app: NotifyApp, input, caller) => app.notify.test(input.channel, caller),
});

export const listOutbox = operation({
  name: "notify.outbox.list",
  route: `GET ${BASE}/outbox`,
  role: "operator",
  summary: "List messages: what waits, what was sent, what was given up",
  input: z.strictObject({
    status: z.enum(OUTBOX_STATUSES).optional().describe("Only those in this state"),
    channel: ChannelFilter,
    limit: Limit,
  }),
  output: z.array(OutboxMessage),
  cli: {
    columns: [
      { key: "id", align: "right" },
      { key: "channel" },
      { key: "status" },
      { key: "title" },
      { key: "attempts", title: "tries", align: "right" },
      { key: "next_attempt_at", title: "next try", format: "instant" },
      { key: "last_error", title: "error" },
    ],
    examples: ["holdfast notify outbox list", "holdfast notify outbox list --status waiting --channel mail"],
  },
  run: (app: NotifyApp, input) => app.notify.outbox.list(input),
});

export const listDead = operation({
  name: "notify.dead.list",
  route: `GET ${BASE}/dead`,
  role: "operator",
  summary: "List the messages that were given up",
  description: "They stay until somebody sends them again or discards them.",
  input: z.strictObject({ channel: ChannelFilter, limit: Limit }),
  output: z.array(OutboxMessage),
  cli: {
    columns: [
      { key: "id", align: "right" },
      { key: "channel" },
      { key: "title" },
      { key: "attempts", title: "tries", align: "right" },
      { key: "ended_at", title: "given up", format: "instant" },
      { key: "last_error", title: "error" },
    ],
    examples: ["holdfast notify dead list"],
  },
  run: (app: NotifyApp, input) => app.notify.outbox.list({ ...input, status: "dead" }),
});

export const retryOutbox = operation({
  name: "notify.outbox.retry",
  route: `POST ${BASE}/outbox/retry`,
  role: "operator",
  summary: "Send messages again, or sooner: these, or all that were given up",
  description: "A message whose arrival is uncertain is sent once more, under the same key.",
  input: Chosen,
  output: Changed,
  cli: {
    args: ["ids..."],
    examples: [
      "holdfast notify outbox retry",
      "holdfast notify outbox retry 41 42",
      "holdfast notify outbox retry --channel mail",
    ],
    text: ({ changed }) => `${changed} ${changed === 1 ? "message" : "messages"} will be sent`,
  },
  run: (app: NotifyApp, input, caller) => app.notify.outbox.retry(input, caller),
});

export const discardOutbox = operation({
  name: "notify.outbox.discard",
  route: `POST ${BASE}/outbox/discard`,
  role: "operator",
  summary: "Strike messages out, so that they are not sent: these, or all that were given up",
  input: Chosen,
  output: Changed,
  cli: {
    args: ["ids..."],
    confirm: "Discard these messages? Nobody will be told what they say.",
    examples: [
      "holdfast notify outbox discard 41 --yes",
      "holdfast notify outbox discard --channel mail --yes",
    ],
    text: ({ changed }) => `${changed} ${changed === 1 ? "message" : "messages"} discarded`,
  },
  run: (app: NotifyApp, input, caller) => app.notify.outbox.discard(input, caller),
});

export const operations = [listChannels, testChannel, listOutbox, listDead, retryOutbox, discardOutbox];
