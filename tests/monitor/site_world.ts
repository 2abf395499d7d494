/** Sites with agents: the whole application, a deposit with real files, a real SMTP server, a clock that is moved. */
import { dirname, join } from "node:path";
import { hashBytes } from "../../src/monitor/scan/hash.ts";
import type { ScanResult } from "../../src/monitor/scan/result.ts";
import type { Monitor } from "../../src/monitor/mod.ts";
import { type TestApp, testApp } from "../support/app.ts";
import { FakeClock } from "../support/clock.ts";
import { MailServer } from "../support/mail_server.ts";
import { whileMoving } from "./scan_world.ts";

/** A Monday, before any backup is due. */
export const MONDAY = "2026-03-02T12:00:00.000Z";

/** The application and what is around it. */
export interface Sites extends TestApp {
  clock: FakeClock;
  monitor: Monitor;
  mail: MailServer;
  deposit: string;
  final: string;
  /** Expects a database of an agent such as ACME_PARIS_NORTH, daily at 13:00; returns the id. */
  expect(agent: string, database: string, fields?: object): Promise<number>;
  /** Writes a file below the deposit, as of the clock; returns its path. */
  put(path: string, content: string): Promise<string>;
  /** Sets the clock, scans, lets judgement do what it does each minute, and waits until what has to be told is told. */
  at(instant: string, how?: { scan?: boolean }): Promise<ScanResult | undefined>;
  /** Subjects of mails since it was asked the last time, sorted. */
  subjects(): string[];
  /** Open findings as `code subject`, sorted. */
  open(): Promise<string[]>;
  /** Statuses of entries as `database status`, of a day, sorted. */
  entries(day: string): Promise<string[]>;
}

export async function sites(settings: Record<string, string> = {}, start = MONDAY): Promise<Sites> {
  const clock = new FakeClock(start);
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "holdfast-sites-" }));
  const [deposit, final] = [join(dir, "deposit"), join(dir, "validated")];
  await Deno.mkdir(deposit);
  await Deno.mkdir(final);
  const mail = await MailServer.start();
  const app = await testApp({
    BACKUP_STORAGE_ROOT: deposit,
    VALIDATED_BACKUPS_BASE_PATH: final,
    SMTP_HOST: "127.0.0.1",
    SMTP_PORT: String(mail.port),
    SMTP_FROM: "holdfast@example.org",
    SMTP_TO: "ops@example.org",
    ...settings,
  }, clock);
  const { monitor, notify } = app.app.services;
  const dispose = app[Symbol.asyncDispose].bind(app);
  let read = 0;
  const world: Sites = Object.assign(app, {
    clock,
    monitor,
    mail,
    deposit,
    final,
    async expect(agent: string, database: string, fields: object = {}) {
      const [company_name, city] = agent.split("_");
      const { id } = await app.local("POST", "/api/v1/jobs/", {
        database_name: database,
        agent_id_responsible: agent,
        company_name,
        city,
        expected_hour_utc: 13,
        expected_minute_utc: 0,
        backup_frequency: "daily",
        final_storage_path_template: "{company_name}/{city}/{year}/{database_name}",
        ...fields,
      });
      return id;
    },
    async put(path: string, content: string) {
      const file = join(deposit, path);
      await Deno.mkdir(dirname(file), { recursive: true });
      await Deno.writeTextFile(file, content);
      // Written a while ago, so that it is still.
      const modified = new Date(clock.now() - 60_000);
      await Deno.utime(file, modified, modified);
      return file;
    },
    async at(instant: string, { scan = true } = {}) {
      clock.set(instant);
      const result = scan
        ? await whileMoving(clock, monitor.scanner.scan(new AbortController().signal))
        : undefined;
      await monitor.tick();
      await notify.tick();
      await notify.idle();
      return result;
    },
    subjects() {
      const fresh = mail.mails.slice(read).map(({ subject }) => subject);
      read = mail.mails.length;
      return fresh.sort();
    },
    async open() {
      const findings: { code: string; subject_name: string }[] = await app.local(
        "GET",
        "/api/v1/monitor/findings?limit=1000",
      );
      return findings.map(({ code, subject_name }) => `${code} ${subject_name}`).sort();
    },
    async entries(day: string) {
      const entries: { database_name?: string; job_name: string; status: string; due_at: string }[] =
        await app
          .local("GET", "/api/v1/entries/?limit=1000");
      return entries.filter(({ due_at }) => due_at.startsWith(day))
        .map(({ job_name, status }) => `${job_name.split("/").at(-1)} ${status}`).sort();
    },
    async [Symbol.asyncDispose]() {
      await dispose();
      await mail[Symbol.asyncDispose]();
      await Deno.remove(dir, { recursive: true });
    },
  });
  return world;
}

/** What a report says of a file. */
export function described(content: string): { sha256: string; size: number } {
  return { sha256: hashBytes(content), size: new TextEncoder().encode(content).length };
}
