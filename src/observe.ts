/** Feeds telemetry from the services, which do not know it: health probes and metrics. */
import { type Clock, iso } from "./lib/clock.ts";
import { freeBytes } from "./lib/disk.ts";
import { formatDuration } from "./lib/duration.ts";
import { formatSize } from "./lib/size.ts";
import type { RouterHealth } from "./network/mod.ts";
import type { Services } from "./services.ts";
import { type Database, databaseProbe } from "./store/mod.ts";
import type { Metrics } from "./telemetry/mod.ts";

/** A tick every minute; three missing ones in a row are somebody's problem. */
const TICK_LATE_MS = 180_000;

/** A scan of a large deposit takes minutes; one that takes so long hangs. */
const SCAN_LATE_MS = 1_800_000;

/** A message that could not leave for so long is somebody's problem. */
const OUTBOX_LATE_SECONDS = 900;

/** What the probes look at. */
export interface Observed {
  services: Services;
  database: Database;
  dataDir: string;
  minFreeBytes: number;
  /** When the daemon started, in milliseconds; null in a process that is none. */
  startedAt: number | null;
  clock: Clock;
}

/** Registers the probes every process has. */
export function registerProbes(
  { services, database, dataDir, minFreeBytes, startedAt, clock }: Observed,
): void {
  const { health, schedules, notify, monitor, network } = services;
  health.register({ name: "database", critical: true, check: databaseProbe(database) });
  health.register({
    name: "scheduler",
    critical: false,
    async check() {
      if (startedAt === null) return { status: "degraded", detail: "no daemon runs" };
      if (await schedules.scheduler.isStopped()) return { status: "degraded", detail: "stopped by a person" };
      // One that has not ticked yet counts as fresh: the first tick comes with the next full minute.
      const { lastTickAt } = schedules;
      const age = clock.now() - (lastTickAt ?? startedAt);
      if (age > TICK_LATE_MS) {
        return { status: "degraded", detail: `no tick for ${Math.round(age / 1000)} s` };
      }
      return {
        status: "ok",
        detail: lastTickAt === null ? "waiting for the first tick" : `last tick ${iso(lastTickAt)}`,
      };
    },
  });
  health.register({
    name: "scanner",
    critical: false,
    check() {
      const { idle, last_scan_at, last_error, last_reason } = monitor.scanner.state;
      if (idle) return Promise.resolve({ status: "ok", detail: "nothing is to be scanned" });
      if (startedAt === null) return Promise.resolve({ status: "degraded", detail: "no daemon runs" });
      if (last_error !== null) {
        // Everybody may read this: what is no plain reason is in the log only, and which directory in the finding.
        const why = last_reason === null ? "" : `: ${last_reason.replaceAll(/ "[^"]*"/g, "")}`;
        return Promise.resolve({ status: "degraded", detail: `the last scan failed${why}` });
      }
      const age = clock.now() - (last_scan_at ?? startedAt);
      return Promise.resolve(
        age > SCAN_LATE_MS ? { status: "degraded", detail: `no scan for ${formatDuration(age / 1000)}` } : {
          status: "ok",
          detail: last_scan_at === null ? "waiting for the first scan" : `last scan ${iso(last_scan_at)}`,
        },
      );
    },
  });
  health.register({
    name: "outbox",
    critical: false,
    async check() {
      const { counts, oldest_seconds } = await notify.state();
      const count = (...statuses: string[]) =>
        counts.filter((one) => statuses.includes(one.status)).reduce((sum, one) => sum + one.count, 0);
      const detail = `${count("waiting", "sending")} waiting, ${count("dead")} given up`;
      return oldest_seconds > OUTBOX_LATE_SECONDS
        ? { status: "degraded", detail: `${detail}; the oldest since ${formatDuration(oldest_seconds)}` }
        : { status: "ok", detail };
    },
  });
  health.register({
    name: "channels",
    critical: false,
    async check() {
      const failing = (await notify.channels()).filter((channel) => channel.status === "failing");
      // Everybody may read this: why a channel fails is said by `notify channels list`.
      const names = failing.map((channel) => channel.name);
      if (typeof notify.heartbeat.state?.last_error === "string") names.push("heartbeat");
      return names.length > 0
        ? { status: "degraded", detail: `not delivering: ${names.join(", ")}` }
        : { status: "ok", detail: "none fails" };
    },
  });
  for (const { name } of network.routers.all()) {
    health.register({
      name: `router ${name}`,
      critical: false,
      async check() {
        const state = (await network.health()).find(({ router }) => router === name);
        // Everybody may read this: why a router does not answer is said by `network status`.
        if (state?.error) return { status: "degraded", detail: "does not answer" };
        if (state !== undefined && state.drift > 0) {
          return { status: "degraded", detail: `differs in ${state.drift} places from what it should be` };
        }
        return { status: "ok", detail: state?.asked ? "answers" : "not asked yet" };
      },
    });
  }
  health.register({
    name: "disk",
    critical: false,
    async check() {
      if (database.path === ":memory:") {
        return { status: "degraded", detail: "there is no data directory yet" };
      }
      const free = await freeBytes(dataDir);
      return {
        status: free < minFreeBytes ? "degraded" : "ok",
        detail: `${formatSize(free)} free for the data directory`,
      };
    },
  });
}

/** Numbers of Veeam servers, from what was last read of them. */
function registerVeeamMetrics({ veeam, veeamSync }: Services, metrics: Metrics): void {
  const { signal } = new AbortController();
  const each = async <T>(read: (server: string) => Promise<readonly T[]>): Promise<T[]> => {
    const kept = (await veeamSync.state()).filter(({ synced_at }) => synced_at !== null);
    return (await Promise.all(kept.map(({ server }) => read(server)))).flat();
  };
  const seconds = (at: string | null) => at === null ? 0 : Date.parse(at) / 1000;
  const results: Readonly<Record<string, number>> = { Success: 0, Warning: 1, Failed: 2 };
  metrics.gauges(
    "holdfast_veeam_up",
    "1 when the last reading of a Veeam server worked, else 0.",
    ["server"],
    async () =>
      (await veeamSync.state()).map(({ server, error, synced_at }) => ({
        labels: { server },
        value: error === null && synced_at !== null ? 1 : 0,
      })),
  );
  metrics.gauges(
    "holdfast_veeam_sync_age_seconds",
    "Age of what was last read of a Veeam server.",
    ["server"],
    async () =>
      (await veeamSync.state()).flatMap(({ server, age_seconds }) =>
        age_seconds === null ? [] : [{ labels: { server }, value: age_seconds }]
      ),
  );
  const jobs = () => each((server) => veeam.jobsOf(server, false, signal));
  const jobLabels = ["server", "job", "type"] as const;
  metrics.gauges(
    "holdfast_veeam_job_last_result",
    "Last result of a Veeam job: 0 success, 1 warning, 2 failed, -1 none.",
    jobLabels,
    async () =>
      (await jobs()).map(({ server, name, type, last_result }) => ({
        labels: { server, job: name, type: type ?? "" },
        value: results[last_result ?? ""] ?? -1,
      })),
  );
  metrics.gauges(
    "holdfast_veeam_job_last_run_timestamp_seconds",
    "When a Veeam job last began, 0 for never.",
    jobLabels,
    async () =>
      (await jobs()).map(({ server, name, type, last_run_at }) => ({
        labels: { server, job: name, type: type ?? "" },
        value: seconds(last_run_at),
      })),
  );
  for (const field of ["capacity_bytes", "free_bytes", "backup_bytes"] as const) {
    metrics.gauges(
      `holdfast_veeam_repository_${field}`,
      `Of a Veeam repository: ${field.replace("_bytes", "")}, in bytes.`,
      ["server", "repository"],
      async () =>
        (await each((server) => veeam.repositoriesOf(server, false, signal))).flatMap((repository) => {
          const { server, name, [field]: value } = repository;
          return value === null ? [] : [{ labels: { server, repository: name }, value }];
        }),
    );
  }
  metrics.gauges(
    "holdfast_veeam_license_days_left",
    "Days until the licence of a Veeam server ends.",
    ["server"],
    async () =>
      (await veeamSync.licenses()).flatMap(({ server, days_left }) =>
        days_left === null ? [] : [{ labels: { server }, value: days_left }]
      ),
  );
}

/** Connects the counters and gauges. */
export function registerMetrics(services: Services, metrics: Metrics, clock: Clock): void {
  const { schedules, notify, monitor, health, vpn } = services;
  registerVeeamMetrics(services, metrics);
  registerRouters(services.network, metrics);
  schedules.runner.listen({
    started: (_, delaySeconds) => metrics.runStarted(delaySeconds),
    finished: (run) => metrics.runFinished(run.outcome),
  });
  const delivery = metrics.counter(
    "holdfast_notify_deliveries_total",
    "Attempts to deliver a message, by channel and result.",
    ["channel", "result"],
  );
  notify.listen(({ channel, result }) => delivery({ channel, result }));
  metrics.gauges(
    "holdfast_notify_outbox_messages",
    "Messages that are not sent, by channel and status.",
    ["channel", "status"],
    async () =>
      (await notify.state()).counts.map(({ channel, status, count }) => ({
        labels: { channel, status },
        value: count,
      })),
  );
  metrics.gauges(
    "holdfast_notify_channel_healthy",
    "1 while the last delivery through a channel worked or there was none, else 0.",
    ["channel"],
    async () =>
      (await notify.channels()).filter((channel) => channel.status !== "disabled").map((
        { name, status },
      ) => ({
        labels: { channel: name },
        value: status === "failing" ? 0 : 1,
      })),
  );
  metrics.gauge(
    "holdfast_notify_outbox_oldest_seconds",
    "Age of the oldest message that should have left.",
    async () => (await notify.state()).oldest_seconds,
  );
  metrics.gauges(
    "holdfast_vpn_connections",
    "Users, devices and connectors of CloudConnexa tenants, by how they are connected, as they were seen last.",
    ["tenant", "kind", "status"],
    async () =>
      (await (await vpn.inventory()).connections()).map(({ tenant, kind, connection, count }) => ({
        labels: { tenant, kind, status: connection },
        value: count,
      })),
  );
  metrics.gauges(
    "holdfast_vpn_rate_limit_remaining",
    "Calls a tenant's API lets through before it slows down, as it said last.",
    ["tenant", "lane"],
    () => vpn.tenants.budgets(),
  );
  monitorMetrics(monitor, metrics, clock);
  metrics.gauge(
    "holdfast_runs_queued",
    "Runs waiting for a free place.",
    () => schedules.runner.queued.length,
  );
  metrics.gauge("holdfast_runs_active", "Runs at work.", () => schedules.runner.active.size);
  metrics.gauge(
    "holdfast_healthy",
    "1 when health is ok, else 0.",
    async () => (await health.report()).status === "ok" ? 1 : 0,
  );
}

function monitorMetrics(monitor: Services["monitor"], metrics: Metrics, clock: Clock): void {
  const entries = metrics.counter(
    "holdfast_monitor_entries_total",
    "Due instants of expected backups that were decided, by status.",
    ["status"],
  );
  monitor.listen((status) => entries({ status }));
  metrics.gauges("holdfast_monitor_jobs", "Expected backups, by status.", ["status"], async () => {
    const counts = Map.groupBy((await monitor.state()).jobs, (job) => job.current_status);
    return [...counts].map(([status, jobs]) => ({ labels: { status }, value: jobs.length }));
  });
  metrics.gauges(
    "holdfast_monitor_findings",
    "Open findings, by code and severity.",
    ["code", "severity"],
    async () => {
      const counts = Map.groupBy((await monitor.state()).findings, (row) => `${row.code} ${row.severity}`);
      return [...counts.values()].map((rows) => {
        const { code, severity } = rows[0]!;
        return { labels: { code, severity }, value: rows.length };
      });
    },
  );
  // Labelled by id as well: two jobs may have one name at two hours.
  metrics.gauges(
    "holdfast_monitor_last_good_age_seconds",
    "Age of the last good backup of each expected one.",
    ["id", "name"],
    async () =>
      (await monitor.state()).jobs.flatMap(({ id, name, last_successful_backup_utc: at }) =>
        at === null
          ? []
          : [{ labels: { id: String(id), name }, value: Math.max(0, (clock.now() - Date.parse(at)) / 1000) }]
      ),
  );
  metrics.gauges(
    "holdfast_monitor_last_good_size_bytes",
    "Size of the last good backup of each expected one.",
    ["id", "name"],
    async () =>
      (await monitor.state()).jobs.flatMap(({ id, name, last_good_size_bytes: value }) =>
        value === null ? [] : [{ labels: { id: String(id), name }, value }]
      ),
  );
  metrics.gauges(
    "holdfast_monitor_scan_age_seconds",
    "Time since the last scan of the deposit ended.",
    [],
    () => {
      const at = monitor.scanner.state.last_scan_at;
      const value = at === null ? [] : [{ labels: {}, value: Math.max(0, (clock.now() - at) / 1000) }];
      return Promise.resolve(value);
    },
  );
}

function registerRouters(network: Services["network"], metrics: Metrics): void {
  const health = (value: (state: RouterHealth) => number) => async () =>
    (await network.health()).map((state) => ({ labels: { router: state.router }, value: value(state) }));
  metrics.gauges(
    "holdfast_network_router_up",
    "1 when a router answered the last time it was asked, else 0.",
    ["router"],
    health(({ error }) => error === null ? 1 : 0),
  );
  metrics.gauges(
    "holdfast_network_drift",
    "Differences between a router and what it should be, at the last check.",
    ["router"],
    health(({ drift }) => drift),
  );
  metrics.gauges(
    "holdfast_network_pool_free",
    "Addresses and ports that are left in a pool.",
    ["router", "kind", "pool"],
    async () =>
      (await network.pools.list(undefined)).map(({ router, kind, name, free }) => ({
        labels: { router, kind, pool: name },
        value: free,
      })),
  );
  metrics.gauges(
    "holdfast_network_changes",
    "Changes of routers, by status.",
    ["router", "status"],
    async () =>
      (await network.countChanges()).map(({ router, status, count }) => ({
        labels: { router, status },
        value: count,
      })),
  );
}
