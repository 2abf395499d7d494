/** The morning report as a page of its own: no scripts, nothing loaded, readable in a mail. */
import { formatSize } from "../lib/size.ts";
import { headline, type ServerReport, type VeeamReport } from "./report.ts";

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escape = (text: unknown) => String(text ?? "").replaceAll(/[&<>"']/g, (c) => ENTITIES[c]!);
const short = (at: string | null) => at === null ? "" : `${at.slice(0, 19).replace("T", " ")}Z`;

const STYLE =
  `body{font:14px/1.4 system-ui,sans-serif;color:#222;margin:2em}h1{font-size:1.4em}h2{margin-top:1.6em}
h3{margin:1.2em 0 .3em}table{border-collapse:collapse}td,th{padding:.25em .8em;border:1px solid #ddd;text-align:left}
th{background:#f4f4f4}.bad{background:#f8d7da}.warning{background:#fff3cd}.ok{background:#d4edda}.num{text-align:right}
h1.bad,h1.warning,h1.ok{padding:.4em .6em}`;

/** The whole report. */
export function reportHtml(report: VeeamReport): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(headline(report))}</title>
<style>${STYLE}</style></head><body>
<h1 class="${report.verdict}">${escape(headline(report))}</h1>
<p>From ${escape(short(report.since))} to ${escape(short(report.generated_at))}</p>
${report.servers.map(serverPart).join("\n")}
</body></html>`;
}

function serverPart(one: ServerReport): string {
  const about = [one.build && `build ${one.build}`, one.revision && `API ${one.revision}`].filter(Boolean)
    .join(", ");
  return [
    `<h2>Veeam server ${escape(one.server)}${about === "" ? "" : ` <small>(${escape(about)})</small>`}</h2>`,
    table(
      "Problems",
      ["", "What", "Why"],
      one.problems.map(({ severity, what, name, text }) => ({
        class: severity,
        cells: [severity, `${what} ${name}`, text],
      })),
    ),
    table(
      "Jobs by kind",
      ["Kind", "Jobs", "Success", "Warning", "Failed", "Running"],
      one.kinds.map((kind) => ({
        class: kind.failed > 0 ? "bad" : kind.warning > 0 ? "warning" : "",
        cells: [kind.kind, kind.jobs, kind.success, kind.warning, kind.failed, kind.running],
      })),
    ),
    table(
      "Failures and warnings",
      ["At", "Job", "Result", "Reason"],
      one.failures.map(({ at, job, result, message, recovered }) => ({
        class: recovered ? "ok" : result === "Failed" ? "bad" : "warning",
        cells: [short(at), job, `${result}${recovered ? ", recovered since" : ""}`, message],
      })),
    ),
    table(
      "Running and waiting",
      ["Job", "State", "Since", "Done"],
      [...one.running, ...one.waiting].map(({ name, state, created_at, progress_percent }) => ({
        class: "",
        cells: [name, state, short(created_at), progress_percent === null ? "" : `${progress_percent} %`],
      })),
    ),
    table(
      "Machines without a recent restore point",
      ["Machine", "Platform", "Last"],
      one.unprotected.map(({ name, platform, last_restore_point_at }) => ({
        class: "warning",
        cells: [name, platform, short(last_restore_point_at)],
      })),
    ),
    table(
      "Repositories",
      ["Repository", "Capacity", "Free", "Used by backups", "Full", "Days to full"],
      one.repositories.map((repository) => ({
        class: repository.is_online === false ? "bad" : "",
        cells: [
          repository.name,
          size(repository.capacity_bytes),
          size(repository.free_bytes),
          size(repository.backup_bytes),
          repository.fill_percent === null ? "" : `${repository.fill_percent} %`,
          repository.days_to_full,
        ],
      })),
    ),
    table("Licence and configuration backup", ["", "", ""], [
      ...(one.license === null
        ? []
        : [{ class: "", cells: ["Licence", one.license.status, short(one.license.expires_at)] }]),
      ...(one.config_backup === null
        ? []
        : [{ class: "", cells: ["Configuration backup", "last", short(one.config_backup.last_success_at)] }]),
    ]),
    one.hidden.length === 0
      ? ""
      : `<h3>Not seen</h3><ul>${one.hidden.map((sentence) => `<li>${escape(sentence)}</li>`).join("")}</ul>`,
  ].filter((part) => part !== "").join("\n");
}

function size(bytes: number | null): string {
  return bytes === null ? "" : formatSize(bytes);
}

interface Row {
  class: string;
  cells: readonly (string | number | null)[];
}

function table(title: string, headings: readonly string[], rows: readonly Row[]): string {
  if (rows.length === 0) return "";
  const head = headings.map((heading) => `<th>${escape(heading)}</th>`).join("");
  const cell = (value: Row["cells"][number]) =>
    `<td${typeof value === "number" ? ' class="num"' : ""}>${escape(value)}</td>`;
  const body = rows.map((row) =>
    `<tr${row.class === "" ? "" : ` class="${row.class}"`}>${row.cells.map(cell).join("")}</tr>`
  );
  return `<h3>${escape(title)}</h3><table><tr>${head}</tr>${body.join("")}</table>`;
}
