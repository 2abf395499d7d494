/**
 * The slices in one list: the words they own on the command line, their operations and their jobs.
 *
 * Everything is loaded when asked for, so that a command pays for its own slice only.
 */
import type { Config } from "./config/mod.ts";
import type { Clock } from "./lib/clock.ts";
import type { Operation } from "./lib/operation.ts";
import type { StateDirectory } from "./lib/state.ts";

/** What time asks: a function called on a cron expression (UTC) while the daemon runs. */
export interface Job<App = unknown> {
  /** `schedules-dispatch`; Deno.cron takes no dots. */
  name: string;
  /** Five fields, UTC. */
  cron: string;
  run(app: App): Promise<void>;
}

/** What a slice is given to answer from its upstream alone. */
export interface StandaloneContext {
  config: Config;
  /** For certificate pins and detected revisions; never tokens. */
  state: StateDirectory;
  clock: Clock;
  /** Says a sentence to the person, such as which certificate is trusted from now on. */
  note(sentence: string): void;
}

/** Services in this process for one command. */
export interface StandaloneApp {
  /** As much of the services as the slice's operations with `standalone: true` use. */
  app: object;
  /** Ends connections; called once, however the command ended. */
  close(): Promise<void>;
}

/**
 * How a slice's operations with `standalone: true` run without daemon, data directory and configuration file.
 *
 * It happens when one of the `connection` settings comes from a flag or a variable, even with a daemon up (then
 * `--api-url` typed on the command line is stronger), and whenever there is no daemon at all. Such a call is not
 * audited: there is nowhere to write to. Follow and watch operations of a standalone one must be standalone too.
 *
 * ```ts
 * standalone: {
 *   connection: ["veeam.servers.*.host"],
 *   open: async ({ config, ...context }) => (await import("./veeam/mod.ts")).openStandalone(config.veeam, context),
 * }
 * ```
 */
export interface Standalone {
  /** Settings that say where the upstream is, `*` standing for its name: `veeam.servers.*.host`. */
  connection: readonly string[];
  /** Makes the services; imports what it needs only now. Sends nothing yet. */
  open(context: StandaloneContext): Promise<StandaloneApp>;
}

/** One slice as the ways in see it. */
export interface Slice {
  name: string;
  /** First words of its commands, each with a line for `--help`; two words describe a group inside. */
  words: Readonly<Record<string, string>>;
  operations(): Promise<readonly Operation[]>;
  jobs?(): Promise<readonly Job[]>;
  standalone?: Standalone;
  /** What it is asked for is elsewhere, or in the configuration: where there is no data yet, it is asked none the less. */
  readsElsewhere?: boolean;
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
    name: "monitor",
    words: {
      monitor: "Every expected backup, whoever makes it: jobs, entries, findings, board",
      metrics: "What Prometheus and Grafana can be given",
      "monitor jobs": "What is expected, and when",
      "monitor entries": "What became of each due instant",
      "monitor findings": "What is wrong, and what somebody does about it",
      "monitor versions": "The kept versions of good files, and their trash",
      "monitor pings": "What was signalled by ping",
    },
    operations: async () => (await import("./monitor/operations.ts")).operations,
    jobs: async () => (await import("./monitor/jobs.ts")).jobs,
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
    readsElsewhere: true,
  },
  {
    name: "veeam",
    words: {
      veeam: "Veeam Backup & Replication: jobs, sessions, repositories, the morning report",
      "veeam jobs": "Jobs: list, get, sessions, restore points, start, stop, retry, enable, disable, watch",
      "veeam sessions": "Sessions: what ran, and its log",
      "veeam tasks": "Results per machine",
      "veeam repos": "Repositories",
      "veeam backups": "Backups on repositories",
      "veeam objects": "Machines and other things that are backed up",
      "veeam proxies": "Backup proxies",
      "veeam servers": "Hosts that Veeam servers manage",
      "veeam tapes": "Tape libraries, drives and media",
    },
    operations: async () => (await import("./veeam/operations.ts")).operations,
    jobs: async () => (await import("./veeam/jobs.ts")).jobs,
    standalone: {
      connection: ["veeam.servers.*.host"],
      open: async ({ config, ...context }) =>
        (await import("./veeam/mod.ts")).openStandalone(config.veeam, {
          ...context,
          mailer: async (letter, signal) => {
            const { letterSender } = await import("./notify/mod.ts");
            await letterSender(config.notify, context.clock)(letter, signal);
          },
          askOne: async (caller) => {
            const { openStandalone, tapeRows } = await import("./veeam-one/mod.ts");
            const { app, close } = openStandalone(config.veeam_one, context);
            return await tapeRows(app.veeamOne, caller).finally(close);
          },
        }),
    },
  },
  {
    name: "veeam-one",
    words: {
      "veeam-one": "Veeam ONE: alarms, forecasts and last results across all backup servers",
      "veeam-one alarms": "Alarms: list, get, resolve",
      "veeam-one servers": "The backup servers it watches",
      "veeam-one repos": "Repositories of all backup servers",
      "veeam-one jobs": "Jobs of all backup servers",
      "veeam-one tapes": "Tape jobs and tape servers",
    },
    operations: async () => (await import("./veeam-one/operations.ts")).operations,
    standalone: {
      connection: ["veeam_one.servers.*.host"],
      open: async ({ config, ...context }) =>
        (await import("./veeam-one/mod.ts")).openStandalone(config.veeam_one, context),
    },
  },
  {
    name: "network",
    words: {
      network: "VyOS routers: machines behind them, forwards, drift, versions of configurations",
      "network pools": "Pools of addresses and outside ports",
      "network vms": "Machines behind a router",
      "network ports": "Forwards of machines",
      "network changes": "Changes of routers: plan, commands, result",
      "network config": "Kept versions of a router's whole configuration",
    },
    operations: async () => (await import("./network/operations.ts")).operations,
    jobs: async () => (await import("./network/jobs.ts")).jobs,
    readsElsewhere: true,
  },
  {
    name: "vpn",
    words: {
      vpn: "OpenVPN CloudConnexa: everything in a tenant, its logs, its whole as files",
      "vpn networks": "Networks",
      "vpn network-connectors": "Connectors of networks: their state, profiles and tokens",
      "vpn network-routes": "Subnets behind networks",
      "vpn network-ip-services": "What networks offer under addresses",
      "vpn network-applications": "What networks offer under names",
      "vpn hosts": "Hosts",
      "vpn host-connectors": "Connectors of hosts: their state, profiles and tokens",
      "vpn host-ip-services": "What hosts offer under addresses",
      "vpn host-applications": "What hosts offer under names",
      "vpn users": "Users, and what is done with their accounts",
      "vpn user-groups": "Groups of users",
      "vpn devices": "Devices of users",
      "vpn device-postures": "What devices must be like",
      "vpn location-contexts": "From where users get in",
      "vpn dns-records": "Names in the tenant's DNS",
      "vpn access-groups": "Who may reach what",
      "vpn sessions": "Who is and was connected",
      "vpn audit": "The tenant's audit log",
      "vpn dns-log": "Which names users asked for",
      "vpn access-visibility": "The record of who reached what",
      "vpn cyber-shield": "Domains that are always let through or blocked",
      "vpn settings": "Settings of the tenant",
      "vpn regions": "Regions to connect to",
      "vpn tenants": "The configured tenants",
    },
    operations: async () => (await import("./vpn/operations.ts")).operations,
    jobs: async () => (await import("./vpn/jobs.ts")).jobs,
    standalone: {
      connection: ["vpn.url", "vpn.cloud_id"],
      open: async ({ config, ...context }) =>
        (await import("./vpn/mod.ts")).openStandalone(config.vpn, context),
    },
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
