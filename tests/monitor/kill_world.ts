/** What the killed processes scan: a deposit of reports in turn bad and good about one job, some refused; and their services. */
import { join } from "node:path";
import { type Clock, iso, systemClock } from "../../src/lib/clock.ts";
import { MonitorConfig } from "../../src/monitor/config.ts";
import { Monitor } from "../../src/monitor/mod.ts";
import { hashBytes } from "../../src/monitor/scan/hash.ts";
import { NotifyConfig } from "../../src/notify/config.ts";
import { Notify } from "../../src/notify/mod.ts";
import type { Database } from "../../src/store/mod.ts";
import { reportA } from "./report_samples.ts";

const AGENT = "ACME_PARIS_NORTH";

/** Where things are in a data directory. */
export function placesOf(dir: string) {
  const [deposit, final] = [join(dir, "deposit"), join(dir, "final")];
  const log = join(deposit, AGENT, "log");
  return {
    deposit,
    final,
    log,
    archive: join(log, "_archive"),
    databases: join(deposit, AGENT, "databases"),
  };
}

/** Nobody waits for files to be still: they are, before a process begins. */
const clock: Clock = { ...systemClock, now: () => systemClock.now(), sleep: () => Promise.resolve() };

/** The services, with one mail channel. */
export function services(
  database: Database,
  dir: string,
  mailPort: number,
): { notify: Notify; monitor: Monitor; clock: Clock; settings: MonitorConfig } {
  const notify = new Notify({
    database,
    clock: systemClock,
    allowCommands: false,
    settings: NotifyConfig.parse({
      mail: { host: "127.0.0.1", port: mailPort, recipients: ["ops@example.org"] },
    }),
  });
  const absent = () => Promise.reject(new Error("there are none"));
  const { deposit, final } = placesOf(dir);
  const settings = MonitorConfig.parse({ deposit_root: deposit, final_root: final });
  const monitor = new Monitor({
    database,
    clock: systemClock,
    settings,
    notify,
    schedules: { get: absent, ledger: { list: absent } },
    backups: { troubled: () => Promise.resolve([]) },
    veeam: { find: absent, servers: () => Promise.resolve(new Map()), sessions: absent },
  });
  return { notify, monitor, clock, settings };
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
  final_storage_path_template: "{database_name}",
};

/** Puts report number `n` and its file into the deposit, `n` minutes after `start`: even ones failed, odd ones are good. */
export function putReport(dir: string, n: number, start: number): void {
  const { log, databases } = placesOf(dir);
  const [file, content] = [`${n}.zst`, `dump ${n}`];
  Deno.writeTextFileSync(join(databases, file), content);
  const end = iso(start + n * 60_000);
  const said = { agent: AGENT, file, sha256: hashBytes(content), size: content.length, end };
  const report = reportA({ ...said, failed: n % 2 === 0 ? ["BACKUP"] : [] });
  Deno.writeTextFileSync(join(log, `${String(n).padStart(6, "0")}.json`), JSON.stringify(report));
}

/** Puts a report into the deposit that will be refused. */
export function putRefused(dir: string, n: number): void {
  Deno.writeTextFileSync(join(placesOf(dir).log, `refused-${n}.json`), JSON.stringify({ number: n }));
}
