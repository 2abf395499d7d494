/** What people see of channels and the outbox. */
import { z } from "zod";
import { CHANNEL_KINDS } from "./config.ts";
import { OUTBOX_STATUSES } from "./queries/tables.ts";

/** A channel and how it has been. */
export const ChannelView = z.object({
  name: z.string(),
  kind: z.enum(CHANNEL_KINDS),
  status: z.enum(["ok", "failing", "unused", "disabled"])
    .describe("ok: the last delivery worked; failing: it did not; unused: nothing was delivered yet"),
  last_ok_at: z.string().nullable(),
  failing_since: z.string().nullable(),
  paused_until: z.string().nullable().describe("When it is tried again"),
  last_error: z.string().nullable(),
  waiting: z.int().describe("Messages still to be sent"),
  dead: z.int().describe("Messages given up"),
}).meta({ id: "NotifyChannel" });
export type ChannelView = z.output<typeof ChannelView>;

/** One message to one channel. */
export const OutboxMessage = z.object({
  id: z.int(),
  key: z.string().describe("The same for every attempt; the receiver is told it"),
  channel: z.string(),
  status: z.enum(OUTBOX_STATUSES),
  title: z.string(),
  created_at: z.string(),
  next_attempt_at: z.string().nullable(),
  attempts: z.int(),
  ended_at: z.string().nullable().describe("When it was sent, given up or discarded"),
  last_error: z.string().nullable(),
}).meta({ id: "NotifyMessage" });
export type OutboxMessage = z.output<typeof OutboxMessage>;

/** What a test found. */
export const TestResult = z.object({
  channel: z.string(),
  kind: z.enum(CHANNEL_KINDS),
  key: z.string().describe("The key of the message that was sent"),
  duration_ms: z.int(),
}).meta({ id: "NotifyTest" });
export type TestResult = z.output<typeof TestResult>;

/** How many messages a person's command changed. */
export const Changed = z.object({ changed: z.int() }).meta({ id: "NotifyChanged" });
