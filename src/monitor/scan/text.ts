/** What a scan did, for people. */
import type { ScanResult } from "./result.ts";

/** A line that sums it up, and one for whatever was decided or went wrong. */
export function scanText({ agents, reports, files, backups, refused, problems }: ScanResult): string {
  const counts = [
    `${reports.judged} judged`,
    ...part(reports.known, "known already"),
    ...part(reports.refused, "refused"),
    ...part(reports.young, "cannot be read yet and tried again for ten minutes"),
    ...part(reports.waiting, "waiting for files that are being written"),
  ];
  const checked = `${files.checked} checked${
    files.changed > 0 ? `, ${files.changed} of them changed or gone` : ""
  }`;
  return [
    `Reports of ${agents} ${agents === 1 ? "agent" : "agents"}: ${counts.join(", ")}`,
    `Files: ${files.kept} kept, ${checked}`,
    ...backups.map(({ agent_id, database_name, status, message }) =>
      `${status ?? "not expected"}: ${database_name}${agent_id === "" ? "" : ` of ${agent_id}`}: ${message}`
    ),
    ...refused.map(({ agent_id, report, reason, fields }) =>
      [
        `refused: ${report} of ${agent_id}: ${reason}`,
        ...fields.map(({ path, message }) => `  ${path}: ${message}`),
      ]
        .join("\n")
    ),
    ...problems,
  ].join("\n");
}

function part(count: number, words: string): string[] {
  return count === 0 ? [] : [`${count} ${words}`];
}
