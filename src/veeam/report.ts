/** The morning report: what the last day was like on each server, what is wrong, and what cannot be seen. */
import { z } from "zod";
import { iso } from "../lib/clock.ts";
import { formatDuration } from "../lib/duration.ts";
import { HoldfastError } from "../lib/errors.ts";
import { pastMoment } from "../lib/moment.ts";
import { isPartial } from "./errors.ts";
import * as model from "./model.ts";
import { isBackup, type Veeam } from "./veeam.ts";
import type { Choice } from "./clients.ts";

const Problem = z.object({
  severity: z.enum(["bad", "warning"]),
  what: z.string().describe("job, repository, licence, ..."),
  name: z.string(),
  text: z.string(),
});
export type Problem = z.output<typeof Problem>;

const Kind = z.object({
  kind: z.string(),
  jobs: z.number(),
  success: z.number(),
  warning: z.number(),
  failed: z.number(),
  running: z.number(),
});

const Failure = z.object({
  job: z.string(),
  type: z.string().nullable(),
  result: z.string().nullable(),
  message: z.string().nullable(),
  at: z.string().nullable(),
  recovered: z.boolean().describe("A later run of the same job succeeded"),
});

export const ServerReport = z.object({
  server: z.string(),
  revision: z.string().nullable(),
  build: z.string().nullable(),
  error: z.string().nullable().describe("Why nothing could be read"),
  kinds: z.array(Kind),
  failures: z.array(Failure),
  running: z.array(model.VeeamSession),
  waiting: z.array(model.VeeamSession),
  unprotected: z.array(model.VeeamObject),
  repositories: z.array(model.VeeamRepository),
  license: model.VeeamLicense.nullable(),
  config_backup: model.VeeamConfigBackup.nullable(),
  hidden: z.array(z.string()).describe("What this report cannot see there"),
  problems: z.array(Problem),
}).meta({ id: "VeeamServerReport" });
export type ServerReport = z.output<typeof ServerReport>;

export const VeeamReport = z.object({
  generated_at: z.string(),
  since: z.string(),
  verdict: z.enum(["ok", "warning", "bad"]),
  servers: z.array(ServerReport),
}).meta({ id: "VeeamReport" });
export type VeeamReport = z.output<typeof VeeamReport>;

/** From when on something is a problem. */
const FULL_PERCENT = { bad: 95, warning: 85 };
const DAYS_TO_FULL = { bad: 3, warning: 14 };
const LICENSE_DAYS = { bad: 0, warning: 30 };
const CONFIG_BACKUP_DAYS = { bad: 30, warning: 7 };

/** Looks at each chosen server; one that fails is part of the report. */
export async function reportOn(
  veeam: Veeam,
  { since, days, live, ...choice }: Choice & { since: string; days: number; live?: boolean | undefined },
  signal: AbortSignal,
): Promise<VeeamReport> {
  const now = veeam.clock.now();
  const names = veeam.clients.choose(choice.server === undefined ? { all: true } : choice);
  const servers = await Promise.all(names.map(async (name) => {
    try {
      return await reportServer(veeam, name, { since, days, live }, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof HoldfastError)) throw error;
      return unread(name, error);
    }
  }));
  const severities = servers.flatMap(({ problems }) => problems.map(({ severity }) => severity));
  return {
    generated_at: iso(now),
    since: iso(pastMoment(since, now)),
    verdict: severities.includes("bad") ? "bad" : severities.includes("warning") ? "warning" : "ok",
    servers,
  };
}

function unread(server: string, error: HoldfastError): ServerReport {
  const text = error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
  return {
    server,
    revision: null,
    build: null,
    error: text,
    kinds: [],
    failures: [],
    running: [],
    waiting: [],
    unprotected: [],
    repositories: [],
    license: null,
    config_backup: null,
    hidden: [],
    problems: [{ severity: "bad", what: "server", name: server, text }],
  };
}

async function reportServer(
  veeam: Veeam,
  server: string,
  { since, days, live }: { since: string; days: number; live: boolean | undefined },
  signal: AbortSignal,
): Promise<ServerReport> {
  const client = veeam.clients.of(server);
  const hidden = await veeam.hidden(server, signal);
  /** One part; what the role or the revision hides is said instead. */
  const part = async <T>(work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      if (!isPartial(error)) throw error;
      hidden.push(error.hint === undefined ? error.message : `${error.message} (${error.hint})`);
      return null;
    }
  };
  const jobs = await veeam.jobsOf(server, live, signal);
  const [sessions, repositories, license, config_backup, info, unprotected] = await Promise.all([
    veeam.sessionsOf(server, { since, live }, signal),
    part(() => veeam.repositoriesOf(server, live, signal)),
    part(() => veeam.licenseOf(server, live, signal)),
    part(() => veeam.configBackupOf(server, live, signal)),
    part(() => client.serverInfo(signal)),
    part(() => veeam.unprotectedOf(server, days, signal)),
  ]);
  const backups = sessions.filter(({ type }) => isBackup(type));
  const open = backups.filter(({ state, ended_at }) => ended_at === null && state !== "Stopped");
  const facts = {
    failures: failuresOf(backups),
    repositories: repositories ?? [],
    unprotected: unprotected ?? [],
    license,
    config_backup,
  };
  return {
    server,
    revision: client.connection.revision,
    build: info?.build ?? null,
    error: null,
    kinds: kindsOf(jobs, backups),
    running: open.filter(({ state }) => !state?.startsWith("Waiting")),
    waiting: open.filter(({ state }) => state?.startsWith("Waiting")),
    ...facts,
    hidden: [...new Set(hidden)],
    problems: problemsOf(facts, days),
  };
}

/** Each kind of job with how its runs ended; kinds that are in no list of jobs show by their runs. */
export function kindsOf(
  jobs: readonly model.VeeamJob[],
  sessions: readonly model.VeeamSession[],
): ServerReport["kinds"] {
  const typeOf = new Map(jobs.map(({ id, type }) => [id, type ?? "Unknown"]));
  const kinds = new Map<string, z.output<typeof Kind>>();
  const of = (kind: string) => {
    const row = kinds.get(kind) ?? { kind, jobs: 0, success: 0, warning: 0, failed: 0, running: 0 };
    kinds.set(kind, row);
    return row;
  };
  for (const type of typeOf.values()) of(type).jobs++;
  for (const { job_id, type, result, ended_at } of sessions) {
    const row = of(typeOf.get(job_id ?? "") ?? `${type ?? "Unknown"} (in no list of jobs)`);
    if (ended_at === null) row.running++;
    else if (result === "Failed") row.failed++;
    else if (result === "Warning") row.warning++;
    else row.success++;
  }
  return [...kinds.values()].toSorted((a, b) => a.kind.localeCompare(b.kind));
}

/** What went wrong, newest first; of sessions oldest first. */
function failuresOf(sessions: readonly model.VeeamSession[]): ServerReport["failures"] {
  const key = ({ job_id, name }: model.VeeamSession) => job_id ?? name;
  const lastGood = new Map<string, string>();
  for (const session of sessions) {
    if (session.result === "Success") lastGood.set(key(session), session.created_at ?? "");
  }
  return sessions.filter(({ result }) => result === "Failed" || result === "Warning").map((session) => ({
    job: session.name,
    type: session.type,
    result: session.result,
    message: session.message,
    at: session.ended_at ?? session.created_at,
    recovered: (lastGood.get(key(session)) ?? "") > (session.created_at ?? ""),
  })).toReversed();
}

/** What of the facts somebody has to do something about. Pure. */
export function problemsOf(
  { failures, repositories, unprotected, license, config_backup }: Pick<
    ServerReport,
    "failures" | "repositories" | "unprotected" | "license" | "config_backup"
  >,
  days: number,
): Problem[] {
  const problems: Problem[] = [];
  const add = (severity: Problem["severity"], what: string, name: string, text: string) =>
    problems.push({ severity, what, name, text });
  const told = new Set<string>();
  for (const { job, result, message, recovered } of failures) {
    if (recovered || told.has(job)) continue;
    told.add(job);
    add(result === "Failed" ? "bad" : "warning", "job", job, message ?? `ended with ${result}`);
  }
  for (const { name, is_online, fill_percent, days_to_full } of repositories) {
    if (is_online === false) add("bad", "repository", name, "is offline");
    const worst = (value: number | null, limit: { bad: number; warning: number }, above: boolean) => {
      if (value === null) return undefined;
      const past = (edge: number) => above ? value >= edge : value <= edge;
      return past(limit.bad) ? "bad" : past(limit.warning) ? "warning" : undefined;
    };
    const full = worst(fill_percent, FULL_PERCENT, true);
    if (full !== undefined) add(full, "repository", name, `is ${fill_percent} % full`);
    const soon = worst(days_to_full, DAYS_TO_FULL, false);
    if (soon !== undefined) add(soon, "repository", name, `is full in ${days_to_full} days at this rate`);
  }
  if (unprotected.length > 0) {
    const names = unprotected.slice(0, 5).map(({ name }) => name).join(", ");
    const more = unprotected.length > 5 ? ` and ${unprotected.length - 5} more` : "";
    add(
      "warning",
      "machines",
      `${unprotected.length}`,
      `without a restore point for ${days} days: ${names}${more}`,
    );
  }
  if (license !== null) problems.push(...licenseProblems(license));
  if (config_backup !== null) problems.push(...configBackupProblems(config_backup));
  const order = { bad: 0, warning: 1 };
  return problems.toSorted((a, b) => order[a.severity] - order[b.severity]);
}

export function licenseProblems({ status, days_left, edition }: model.VeeamLicense): Problem[] {
  const name = edition ?? "licence";
  if (status !== null && status !== "Valid") {
    return [{ severity: "bad", what: "licence", name, text: `is ${status.toLowerCase()}` }];
  }
  if (days_left === null || days_left > LICENSE_DAYS.warning) return [];
  const severity = days_left < LICENSE_DAYS.bad ? "bad" : "warning";
  return [{
    severity,
    what: "licence",
    name,
    text: days_left < 0 ? "has expired" : `ends in ${days_left} days`,
  }];
}

function configBackupProblems({ is_enabled, age_seconds }: model.VeeamConfigBackup): Problem[] {
  const found = (severity: Problem["severity"], text: string): Problem[] => [
    { severity, what: "configuration backup", name: "configuration", text },
  ];
  if (is_enabled === false) return found("warning", "is switched off");
  if (age_seconds === null) return found("warning", "has never succeeded");
  const days = age_seconds / 86_400;
  if (days < CONFIG_BACKUP_DAYS.warning) return [];
  const severity = days >= CONFIG_BACKUP_DAYS.bad ? "bad" : "warning";
  return found(severity, `is ${formatDuration(Math.round(age_seconds / 3600) * 3600)} old`);
}

/** The report as rows, for spreadsheets. */
export function reportRows({ servers }: VeeamReport): Record<string, string | number | null>[] {
  return servers.flatMap((one) => {
    const { server } = one;
    const row = (
      section: string,
      name: string,
      status: string | null,
      detail: string | null,
      at: string | null,
    ) => ({
      server,
      section,
      name,
      status,
      detail,
      at,
    });
    return [
      ...one.problems.map(({ severity, what, name, text }) =>
        row("problem", `${what} ${name}`, severity, text, null)
      ),
      ...one.kinds.map((kind) =>
        row(
          "kind",
          kind.kind,
          `${kind.jobs} jobs`,
          `${kind.success} success, ${kind.warning} warning, ${kind.failed} failed, ${kind.running} running`,
          null,
        )
      ),
      ...one.failures.map(({ job, result, message, at }) => row("failure", job, result, message, at)),
      ...one.running.map(({ name, state, created_at }) => row("running", name, state, null, created_at)),
      ...one.waiting.map(({ name, state, created_at }) => row("waiting", name, state, null, created_at)),
      ...one.unprotected.map(({ name, type, last_restore_point_at }) =>
        row("unprotected", name, type, null, last_restore_point_at)
      ),
      ...one.repositories.map(({ name, fill_percent, days_to_full }) =>
        row(
          "repository",
          name,
          fill_percent === null ? null : `${fill_percent} %`,
          days_to_full === null ? null : `full in ${days_to_full} days`,
          null,
        )
      ),
      ...(one.license === null
        ? []
        : [row("licence", one.license.edition ?? "", one.license.status, null, one.license.expires_at)]),
      ...(one.config_backup === null
        ? []
        : [row("configuration backup", "configuration", null, null, one.config_backup.last_success_at)]),
      ...one.hidden.map((sentence) => row("not seen", server, null, sentence, null)),
    ];
  });
}

/** A sentence on the whole, for subjects of mails. */
export function headline(report: VeeamReport): string {
  const count = (severity: string) =>
    report.servers.reduce(
      (sum, { problems }) => sum + problems.filter((problem) => problem.severity === severity).length,
      0,
    );
  const [bad, warnings] = [count("bad"), count("warning")];
  const names = report.servers.map(({ server }) => server).join(", ");
  if (report.verdict === "ok") return `Veeam ${names}: nothing wrong that can be seen`;
  const parts = [bad > 0 ? `${bad} bad` : "", warnings > 0 ? `${warnings} to look at` : ""].filter((one) =>
    one !== ""
  );
  return `Veeam ${names}: ${parts.join(", ")}`;
}
