/**
 * The slices in one list: the words they own on the command line, their operations and their jobs.
 *
 * Everything is loaded when asked for, so that a command pays for its own slice only.
 */
import type { Operation } from "./lib/operation.ts";

/** What time asks: a function called on a cron expression (UTC) while the daemon runs. */
export interface Job<App = unknown> {
  /** `schedules-dispatch`; Deno.cron takes no dots. */
  name: string;
  /** Five fields, UTC. */
  cron: string;
  run(app: App): Promise<void>;
}

/** One slice as the ways in see it. */
export interface Slice {
  name: string;
  /** First words of its commands, each with a line for `--help`; two words describe a group inside. */
  words: Readonly<Record<string, string>>;
  operations(): Promise<readonly Operation[]>;
  jobs?(): Promise<readonly Job[]>;
}

/** Every slice, in the order of `--help`. */
export const SLICES: readonly Slice[] = [
  {
    name: "schedules",
    words: {
      schedules: "Schedules: what is backed up when; their runs and logs",
      scheduler: "The scheduler: status, start, stop",
      ledger: "The ledger: every due instant and what became of it",
    },
    operations: async () => (await import("./schedules/operations.ts")).operations,
    jobs: async () => (await import("./schedules/jobs.ts")).jobs,
  },
  {
    name: "backups",
    words: {
      backups: "Backups: list, verify, restore, prove, delete, prune, import",
      engines: "Engines: the kinds of backup, and what each wants to be told",
      "backups trash": "Removed backups that can still be undeleted",
    },
    operations: async () => (await import("./backups/operations.ts")).operations,
    jobs: async () => (await import("./backups/jobs.ts")).jobs,
  },
  {
    name: "servers",
    words: { servers: "Servers: the registry of what is backed up" },
    operations: async () => (await import("./servers/operations.ts")).operations,
  },
  {
    name: "notify",
    words: {
      notify: "Alerts: channels, tests, what waits to be sent and what was given up",
      "notify channels": "The channels people and programs are told through",
      "notify outbox": "Messages: what waits, what was sent, what was given up",
      "notify dead": "Messages that were given up",
    },
    operations: async () => (await import("./notify/operations.ts")).operations,
    jobs: async () => (await import("./notify/jobs.ts")).jobs,
  },
  {
    name: "auth",
    words: {
      users: "Users: who may log in, and what they may do",
      auth: "Tokens, log-out and signing keys",
      "api-keys": "API keys for programs",
      secrets: "Named secrets that engines use",
      audit: "The audit log: who changed what",
    },
    operations: async () => (await import("./auth/operations.ts")).operations,
  },
  {
    name: "store",
    words: { db: "Holdfast's own database: status, backup, migrate, restore" },
    operations: async () => (await import("./store/operations.ts")).operations,
    jobs: async () => (await import("./store/jobs.ts")).jobs,
  },
  {
    name: "config",
    words: {},
    operations: async () => (await import("./config/operations.ts")).operations,
  },
  {
    name: "telemetry",
    words: { health: "Show whether the daemon is well" },
    operations: async () => (await import("./telemetry/operations.ts")).operations,
  },
];

/** Operations of the slice that owns a word, or of all slices when none does. */
export async function operationsFor(word: string | undefined): Promise<readonly Operation[]> {
  const owner = SLICES.find((slice) => word !== undefined && Object.hasOwn(slice.words, word));
  return owner === undefined ? await allOperations() : await owner.operations();
}

/** Every operation there is. */
export async function allOperations(): Promise<readonly Operation[]> {
  return (await Promise.all(SLICES.map((slice) => slice.operations()))).flat();
}

/** Every job there is. */
export async function allJobs(): Promise<readonly Job[]> {
  return (await Promise.all(SLICES.map((slice) => slice.jobs?.() ?? []))).flat();
}
