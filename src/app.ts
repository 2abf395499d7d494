/**
 * Configuration to services: the only place that constructs them.
 *
 * The daemon and the command line without a daemon get the same services; they differ in who holds the lock, in
 * whether the database may be written, and in whether time runs.
 */
import { getLogger } from "@logtape/logtape";
import { z } from "zod";
import { auditReaders, Auth } from "./auth/mod.ts";
import {
  archiveEngine,
  Backups,
  commandEngine,
  Destination,
  documentEngine,
  type Engine,
  type EngineContext,
  httpEngine,
  mysqlEngine,
  postgresEngine,
  resticEngine,
  type RestoreFields,
  restoreFile,
  sqliteEngine,
  verifyFile,
} from "./backups/mod.ts";
import { type LoadedConfig, settingTexts } from "./config/mod.ts";
import { openEmpty, openForReading, openForWriting } from "./data_dir.ts";
import { type Clock, systemClock } from "./lib/clock.ts";
import { HoldfastError } from "./lib/errors.ts";
import type { Kernel } from "./lib/operation.ts";
import { StateDirectory } from "./lib/state.ts";
import { VERSION } from "./lib/version.ts";
import { Monitor } from "./monitor/mod.ts";
import { configEngine, Network } from "./network/mod.ts";
import { type AlertSink, letterSender, Notify } from "./notify/mod.ts";
import { registerMetrics, registerProbes } from "./observe.ts";
import { removeOutcomes, Schedules } from "./schedules/mod.ts";
import { Servers } from "./servers/mod.ts";
import type { Services } from "./services.ts";
import { type Database, forgetChained, Maintenance, type Pruner } from "./store/mod.ts";
import { Health, Metrics } from "./telemetry/mod.ts";
import { tapeRows, VeeamOne } from "./veeam-one/mod.ts";
import { Vpn } from "./vpn/mod.ts";
import { veeamJobEngine } from "./veeam_engine.ts";
import { databaseMemory, SyncedJobs, Veeam, VeeamStore, VeeamSync } from "./veeam/mod.ts";

const veeamLog = getLogger(["holdfast", "veeam"]);

const oneLog = getLogger(["holdfast", "veeam-one"]);

/** Every kind of backup this program makes. A file without manifest is what the first says it is: the archive knows it last. */
const ENGINES = [
  resticEngine,
  postgresEngine,
  mysqlEngine,
  sqliteEngine,
  commandEngine,
  httpEngine,
  archiveEngine,
] as const;

/** A CloudConnexa tenant as a backup: its export, as one file that `vpn plan` and `vpn apply` read. */
function tenantEngine(vpn: () => Vpn): Engine {
  return documentEngine({
    kind: "cloudconnexa",
    summary: "A CloudConnexa tenant: everything in it, as one file of YAML",
    options: z.strictObject({
      tenant: z.string().min(1).optional().describe("Tenant, where several are configured"),
      secrets: z.boolean().optional().describe("With the pre-shared keys of connectors"),
      destination: Destination,
    }),
    suffix: ".tenant.yaml",
    content: "tenant.yaml",
    reserved: ({ secrets }) => secrets === true ? ["secrets of connectors"] : [],
    check: ({ tenant }) => vpn().tenants.problems(tenant),
    produce: ({ tenant, secrets = false }, { signal }) => vpn().keeper.document({ tenant, secrets }, signal),
  });
}

/** Without services files are still read and restored; no tenant can be asked. */
const RECOVERING = [
  tenantEngine(() => {
    throw new HoldfastError("unavailable", "Cannot ask a tenant: this command reads files only");
  }),
  ...ENGINES,
];

/** Constructs the services on an open database. Reads and writes nothing. */
export function createServices(loaded: LoadedConfig, database: Database, clock: Clock): Services {
  const { config } = loaded;
  const servers: Servers = new Servers({
    database,
    clock,
    settings: { ...config.servers, allow_commands: config.backups.allow_commands },
    validateEngine: (engine, options, caller) => backups.validateEngine(engine, options, caller),
    countSchedules: (serverId) => schedules.countOnServer(serverId),
  });
  const auth = new Auth({
    database,
    clock,
    dataDir: config.data_dir,
    settings: config.auth,
    resolveServer: async (ref) => (await servers.resolve(ref)).id,
  });
  const readSecret = (name: string) => auth.secrets.read(name);
  // What these slices find is a finding of the monitor's too, which is made last.
  const alerts: AlertSink = { enqueue: (tx, event) => monitor.told.enqueue(tx, event) };
  const network = new Network({ database, clock, settings: config.network, alerts });
  const backups: Backups = new Backups({
    database,
    clock,
    settings: { ...config.backups, data_dir: config.data_dir },
    engines: [tenantEngine(() => vpn), veeamJobEngine(() => veeam), configEngine(network), ...ENGINES],
    findServer: (ref) => servers.resolve(ref),
    findSchedule: (ref, caller) => schedules.find(ref, caller),
    listSchedules: () => schedules.backedUp(),
    readSecret,
  });
  const schedules: Schedules = new Schedules({
    database,
    clock,
    settings: { ...config.schedules, allow_commands: config.backups.allow_commands },
    servers,
    backups,
    secrets: { readSecret },
    auditReaders,
  });
  const notify = new Notify({
    database,
    clock,
    settings: config.notify,
    allowCommands: config.backups.allow_commands,
  });
  const veeamOne = new VeeamOne({
    settings: config.veeam_one,
    clock,
    state: new StateDirectory(config.data_dir),
    note: (sentence) => oneLog.warn("{sentence}", { sentence }),
  });
  const vpn: Vpn = new Vpn({ settings: config.vpn, clock, daemon: { database, alerts } });
  const veeam: Veeam = new Veeam({
    settings: config.veeam,
    clock,
    memory: databaseMemory(database),
    stored: new VeeamStore(database, clock),
    note: (sentence) => veeamLog.warn("{sentence}", { sentence }),
    askOne: (caller) => tapeRows(veeamOne, caller),
    mailer: letterSender(config.notify, clock),
  });
  const veeamSync = new VeeamSync({ database, clock, settings: config.veeam, veeam, alerts });
  const monitor: Monitor = new Monitor({
    database,
    clock,
    settings: config.monitor,
    notify,
    schedules,
    backups,
    veeam: new SyncedJobs({ database, clock, settings: config.veeam, clients: veeam.clients }),
  });
  notify.addDigestSource(() => monitor.digest());
  const maintenance = new Maintenance({
    database,
    dataDir: config.data_dir,
    clock,
    settings: config.store,
    pruners: pruners(
      { auth, backups, schedules, notify, monitor, veeamSync, vpn },
      database,
      config.history.keep_days,
    ),
  });
  return {
    auth,
    servers,
    backups,
    schedules,
    notify,
    veeamOne,
    monitor,
    network,
    vpn,
    veeam,
    veeamSync,
    maintenance,
    health: new Health(clock, VERSION),
    settings: settingTexts(loaded),
  };
}

/** What is forgotten after its days; 0 days keep for ever. */
function pruners(
  { auth, backups, schedules, notify, monitor, veeamSync, vpn }: Pick<
    Services,
    "auth" | "backups" | "schedules" | "notify" | "monitor" | "veeamSync" | "vpn"
  >,
  database: Database,
  days: LoadedConfig["config"]["history"]["keep_days"],
): Pruner[] {
  const before = (now: number, keep: number) => keep === 0 ? null : now - keep * 86_400_000;
  return [
    (now) => auth.prune(now),
    async (now) => ({
      ...await schedules.prune({ runs: before(now, days.runs), run_lines: before(now, days.run_lines) }),
    }),
    (now) => notify.prune(before(now, days.notifications)),
    (now) => veeamSync.prune(now),
    (now) => vpn.prune({ sessions: before(now, days.runs), audit: before(now, days.audit) }),
    (now) => monitor.prune({ entries: before(now, days.entries), pings: before(now, days.pings) }),
    async (now) => ({ ...await backups.forget(now, days.deleted_backups) }),
    async (now) => {
      const horizon = { audit: before(now, days.audit), outcome: before(now, days.ledger) };
      return { chain_links: await forgetChained(database, horizon, removeOutcomes, now) };
    },
  ];
}

/** The kernel on services: audit lines of writes that left none go to the database. */
function createKernel(services: Services, database: Database): Kernel<Services> {
  return {
    app: services,
    audit: (caller, outcome, target) =>
      database.change(caller, (change) => {
        change.audit({ target, outcome });
        return Promise.resolve();
      }),
  };
}

/** What a crash left open is settled before anything else is written. */
async function settle({ backups, schedules, notify, network }: Services): Promise<void> {
  await backups.settle();
  await schedules.settleAtStart();
  await notify.settle();
  await network.settle();
}

/** Whether what an alert is about is still in the configuration; alerts are called `router:edge:drift`, `veeam:vbr-1:unread`. */
function isLookedAt(
  alert: string,
  { network, vpn, veeam }: Services,
  config: LoadedConfig["config"],
): boolean {
  const [what = "", name = "", part] = alert.split(":");
  switch (what) {
    case "router":
      return network.routers.all().some((router) => router.name === name);
    case "vpn":
      return vpn.tenants.names.includes(name);
    case "veeam":
      return veeam.clients.names.includes(name) && (config.veeam.alerts || part === "unread");
    default:
      return true;
  }
}

/** What one command does with the data directory; `none` needs no such directory at all. */
export type Access = "none" | "read" | "write";

/** How long a process that ends lets messages under way arrive, in milliseconds; what is left stays in the outbox. */
const LAST_MESSAGES_MS = 10_000;

async function stopNotifying(notify: Notify, now: AbortSignal): Promise<void> {
  const done = new AbortController();
  const patience = systemClock.sleep(LAST_MESSAGES_MS, AbortSignal.any([now, done.signal]));
  await notify.stop(patience.catch(() => {}));
  done.abort();
}

/** Services in this process, for one command. */
export interface LocalApp {
  kernel: Kernel<Services>;
  /** Lets runs finish as long as settings allow, and messages leave; aborting `now` ends them at once. */
  close(now: AbortSignal): Promise<void>;
}

/**
 * Opens the data directory for one command. A write takes the lock and brings the schema up to date; a read takes
 * nothing and changes nothing. Errors: as {@linkcode openForReading} and {@linkcode openForWriting}.
 */
export async function openLocal(
  loaded: LoadedConfig,
  access: Access,
  clock = systemClock,
): Promise<LocalApp> {
  const { data_dir, health } = loaded.config;
  const opened = access === "none"
    ? await openEmpty(clock)
    : access === "read"
    ? await openForReading(data_dir, clock)
    : await openForWriting(data_dir, "holdfast (one command)", clock);
  const { database } = opened;
  const services = createServices(loaded, database, clock);
  const minFreeBytes = health.min_free_bytes;
  registerProbes({ services, database, dataDir: data_dir, minFreeBytes, startedAt: null, clock });
  if (access === "write") await settle(services);
  return {
    kernel: createKernel(services, database),
    async close(now) {
      await services.backups.stop();
      await services.monitor.stop();
      if (access === "write") await services.schedules.shutdown(now);
      await stopNotifying(services.notify, now);
      await services.veeamOne[Symbol.asyncDispose]();
      await services.vpn.close();
      await services.veeamSync.stop();
      await services.veeam[Symbol.asyncDispose]();
      await services.network.stop();
      await opened.close();
    },
  };
}

/** Services for the daemon. */
export interface DaemonApp {
  services: Services;
  kernel: Kernel<Services>;
  metrics: Metrics;
  clock: Clock;
  authenticate: Auth["authenticate"];
  /** Settles what a crash left, before time begins. */
  start(): Promise<void>;
  /** The set-up code while there is no administrator, else null. */
  setupCode(): Promise<string | null>;
  /** Told of each periodic job that ended. */
  onJob(name: string, durationMs: number, error?: unknown): void;
  /** True while the database answers and the event loop turns. */
  alive(): Promise<boolean>;
  /** Lets runs finish as long as settings allow, then ends them; aborting `now` ends them at once. */
  stop(now: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Opens everything the daemon needs. Errors: `conflict` when another process holds the data directory. */
export async function openDaemonApp(loaded: LoadedConfig, clock = systemClock): Promise<DaemonApp> {
  const { data_dir, health } = loaded.config;
  const opened = await openForWriting(data_dir, "holdfast serve", clock);
  const { database } = opened;
  const services = createServices(loaded, database, clock);
  const metrics = new Metrics(VERSION);
  const minFreeBytes = health.min_free_bytes;
  registerProbes({ services, database, dataDir: data_dir, minFreeBytes, startedAt: clock.now(), clock });
  registerMetrics(services, metrics, clock);
  return {
    services,
    kernel: createKernel(services, database),
    metrics,
    clock,
    authenticate: services.auth.authenticate,
    async start() {
      await settle(services);
      await services.monitor.told.keepOnly((alert) => isLookedAt(alert, services, loaded.config));
      await services.auth.signing.ensureKey();
      // What is due this minute must not wait for the next one, by when it would be too late for it.
      await services.schedules.tick();
    },
    setupCode: () => services.auth.setup.ensureCode(),
    onJob: (name, durationMs, error) => metrics.job(name, durationMs / 1000, error === undefined),
    alive: async () => (await services.health.report()).status !== "failed",
    async stop(now) {
      await services.backups.stop();
      await services.monitor.stop();
      await services.schedules.shutdown(now);
      await stopNotifying(services.notify, now);
      await services.veeamOne[Symbol.asyncDispose]();
      await services.vpn.close();
      await services.veeamSync.stop();
      await services.veeam[Symbol.asyncDispose]();
      await services.network.stop();
    },
    close: () => opened.close(),
  };
}

/** Recovery with nothing but an artifact: reads it and compares it with its manifest. */
export function verifyArtifact(
  file: string,
  context: EngineContext,
  identity?: string,
): ReturnType<typeof verifyFile> {
  return verifyFile(RECOVERING, file, context, identity);
}

/** Recovery with nothing but an artifact: restores it. */
export function restoreArtifact(
  request: RestoreFields & { file: string; identity?: string },
  context: EngineContext,
): ReturnType<typeof restoreFile> {
  return restoreFile(RECOVERING, request, context);
}
