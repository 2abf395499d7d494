/** What the killed processes judge: reports in turn bad and good about one job, and the services they judge with. */
import { iso, systemClock } from "../../src/lib/clock.ts";
import { MonitorConfig } from "../../src/monitor/config.ts";
import { Monitor } from "../../src/monitor/mod.ts";
import type { FoundFile, Report, ReportCase, ReportOrigin } from "../../src/monitor/report.ts";
import { NotifyConfig } from "../../src/notify/config.ts";
import { Notify } from "../../src/notify/mod.ts";
import type { Database } from "../../src/store/mod.ts";

export const AGENT = "ACME_PARIS_NORTH";

/** The services, with one mail channel. */
export function services(database: Database, mailPort: number): { notify: Notify; monitor: Monitor } {
  const notify = new Notify({
    database,
    clock: systemClock,
    allowCommands: false,
    settings: NotifyConfig.parse({
      mail: { host: "127.0.0.1", port: mailPort, recipients: ["ops@example.org"] },
    }),
  });
  const absent = () => Promise.reject(new Error("there are none"));
  const monitor = new Monitor({
    database,
    clock: systemClock,
    settings: MonitorConfig.parse({}),
    notify,
    schedules: { get: absent, ledger: { list: absent } },
    backups: { troubled: () => Promise.resolve([]) },
    veeam: { find: absent, servers: () => Promise.resolve(new Map()), sessions: absent },
  });
  return { notify, monitor };
}

/** The job all reports are about: due each minute. */
export const JOB = {
  database_name: "shop",
  agent_id_responsible: AGENT,
  company_name: "ACME",
  city: "PARIS",
  cron_expression: "* * * * *",
  grace_seconds: 0,
  tell_unchanged: false,
};

/** Report number `n`, `n` minutes after `start`: even ones failed, odd ones are good. */
export function reportCase(n: number, start: number): ReportCase {
  const end = iso(start + n * 60_000);
  const sha256 = n.toString(16).padStart(64, "0");
  const phase = { ok: true, started_at: end, ended_at: end, sha256, size_bytes: 1000, error_message: null };
  const origin: ReportOrigin = { key: `report ${n}`, file_name: `${n}.json`, way: "file", agent_id: AGENT };
  const whole: Report = {
    format: "a",
    agent_id: AGENT,
    operation_start_at: end,
    operation_end_at: end,
    overall_status: "completed",
    databases: [{
      database_name: "shop",
      staged_file_name: "shop.zst",
      backup: { ...phase, ok: n % 2 === 1 },
      compress: phase,
      transfer: phase,
      logs_summary: null,
    }],
  };
  const file: FoundFile = {
    state: "present",
    path: "/srv/deposit/shop.zst",
    size_bytes: 1000,
    modified_at: end,
    sha256,
    side_file_sha256: null,
  };
  return { origin, report: whole, files: new Map([["shop", file]]) };
}
