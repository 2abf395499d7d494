/** The morning report as text for a terminal or a mail. */
import { formatDuration } from "../lib/duration.ts";
import { formatSize } from "../lib/size.ts";
import { headline, type ServerReport, type VeeamReport } from "./report.ts";

const short = (at: string | null) => at === null ? "-" : `${at.slice(0, 19).replace("T", " ")}Z`;

/** The whole report; empty sections are left out. */
export function reportText(report: VeeamReport): string {
  const head = [headline(report), `from ${short(report.since)} to ${short(report.generated_at)}`];
  return [...head, ...report.servers.flatMap(serverLines)].join("\n");
}

function serverLines(one: ServerReport): string[] {
  const about = [
    one.build === null ? null : `build ${one.build}`,
    one.revision === null ? null : `API ${one.revision}`,
  ];
  const known = about.filter((part) => part !== null).join(", ");
  const title = `Veeam server ${one.server}${known === "" ? "" : ` (${known})`}`;
  return [
    "",
    title,
    "=".repeat(title.length),
    ...section(
      "Problems",
      one.problems.map(({ severity, what, name, text }) => [severity, `${what} ${name}`, text]),
    ),
    ...section(
      "Jobs by kind",
      one.kinds.map((kind) => [
        kind.kind,
        `${kind.jobs} ${kind.jobs === 1 ? "job" : "jobs"}`,
        `${kind.success} success`,
        `${kind.warning} warning`,
        `${kind.failed} failed`,
        `${kind.running} running`,
      ]),
    ),
    ...section(
      "Failures and warnings",
      one.failures.map(({ at, job, result, message, recovered }) => [
        short(at),
        job,
        `${result}${recovered ? ", recovered since" : ""}`,
        (message ?? "").split("\n")[0]!,
      ]),
    ),
    ...section(
      "Running",
      one.running.map(({ name, created_at, progress_percent }) => [
        name,
        `since ${short(created_at)}`,
        progress_percent === null ? "" : `${progress_percent} %`,
      ]),
    ),
    ...section(
      "Waiting",
      one.waiting.map(({ name, created_at, state }) => [
        name,
        `since ${short(created_at)}`,
        state ?? "",
      ]),
    ),
    ...section(
      "Machines without a recent restore point",
      one.unprotected.map(({ name, platform, last_restore_point_at }) => [
        name,
        platform ?? "",
        last_restore_point_at === null ? "none" : `last ${short(last_restore_point_at)}`,
      ]),
    ),
    ...section(
      "Repositories",
      one.repositories.map((repository) => [
        repository.name,
        repository.capacity_bytes === null
          ? "capacity not told"
          : `${formatSize(repository.free_bytes ?? 0)} free of ${formatSize(repository.capacity_bytes)}`,
        repository.fill_percent === null ? "" : `${repository.fill_percent} %`,
        repository.days_to_full === null ? "" : `full in ${repository.days_to_full} days`,
        repository.is_online === false ? "offline" : "",
      ]),
    ),
    ...section(
      "Licence",
      one.license === null ? [] : [[
        [one.license.edition, one.license.type].filter((part) => part !== null).join(" "),
        one.license.status ?? "",
        one.license.expires_at === null ? "" : `until ${one.license.expires_at.slice(0, 10)}`,
        one.license.licensed_instances === null
          ? ""
          : `${one.license.used_instances ?? 0} of ${one.license.licensed_instances} instances`,
      ]],
    ),
    ...section(
      "Configuration backup",
      one.config_backup === null ? [] : [[
        one.config_backup.is_enabled === false ? "switched off" : "on",
        one.config_backup.last_success_at === null
          ? "never succeeded"
          : `last ${short(one.config_backup.last_success_at)}`,
        one.config_backup.age_seconds === null
          ? ""
          : `${formatDuration(Math.floor(one.config_backup.age_seconds / 60) * 60)} ago`,
      ]],
    ),
    ...section("Not seen", one.hidden.map((sentence) => [sentence])),
  ];
}

/** Lines in columns. */
function section(title: string, rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  );
  return ["", title, ...lines.map((line) => `  ${line}`)];
}
