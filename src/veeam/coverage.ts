/** What a server does not show: kinds of job its revision leaves out, and what the account's role may not read. */
import { z } from "zod";
import { compareRevisions } from "./revisions.ts";

/** Kinds of job and the revision that lists them first; null is none. Names as the newest revision writes them. */
export const JOB_KINDS: readonly { kind: string; title: string; first: string | null }[] = [
  { kind: "VSphereBackup", title: "VMware backup", first: "1.1-rev0" },
  { kind: "VSphereReplica", title: "VMware replication", first: "1.2-rev1" },
  { kind: "CloudDirectorBackup", title: "Cloud Director backup", first: "1.2-rev1" },
  { kind: "EntraIDTenantBackup", title: "Entra ID tenant backup", first: "1.2-rev1" },
  { kind: "EntraIDAuditLogBackup", title: "Entra ID log backup", first: "1.2-rev1" },
  { kind: "FileBackupCopy", title: "file backup copy", first: "1.2-rev1" },
  { kind: "HyperVBackup", title: "Hyper-V backup", first: "1.3-rev0" },
  { kind: "BackupCopy", title: "backup copy", first: "1.3-rev0" },
  { kind: "LegacyBackupCopy", title: "backup copy of earlier releases", first: "1.3-rev0" },
  { kind: "WindowsAgentBackup", title: "Windows agent backup", first: "1.3-rev0" },
  { kind: "LinuxAgentBackup", title: "Linux agent backup", first: "1.3-rev0" },
  { kind: "FileBackup", title: "file share backup", first: "1.3-rev1" },
  { kind: "ObjectStorageBackup", title: "object storage backup", first: "1.3-rev1" },
  { kind: "SureBackupContentScan", title: "content scan", first: "1.3-rev1" },
  { kind: "WindowsAgentPolicy", title: "Windows agent policy", first: "1.3-rev1" },
  { kind: "LinuxAgentPolicy", title: "Linux agent policy", first: "1.3-rev1" },
  { kind: "NutanixAHVBackupJob", title: "Nutanix AHV backup", first: "1.3-rev2" },
  { kind: "ProxmoxBackupJob", title: "Proxmox backup", first: "1.3-rev2" },
  { kind: "IrisBackup", title: "InterSystems IRIS backup", first: "1.3-rev2" },
  { kind: "TapeBackup", title: "tape", first: null },
];

export const CoverageRow = z.object({
  server: z.string(),
  area: z.enum(["jobs", "role", "sessions"]),
  what: z.string(),
  visible: z.boolean(),
  jobs: z.number().nullable().describe("Jobs of that kind in the list"),
  reason: z.string().nullable(),
}).meta({ id: "VeeamCoverage" });
export type CoverageRow = z.output<typeof CoverageRow>;

/** Kinds of job with whether the revision lists them. */
export function kindRows(server: string, revision: string, types: readonly (string | null)[]): CoverageRow[] {
  return JOB_KINDS.map(({ kind, title, first }) => {
    const visible = first !== null && compareRevisions(revision, first) >= 0;
    return {
      server,
      area: "jobs",
      what: title,
      visible,
      jobs: visible ? types.filter((type) => type?.toLowerCase() === kind.toLowerCase()).length : null,
      reason: visible
        ? null
        : first === null
        ? "no revision lists tape jobs; see: holdfast veeam tapes list"
        : `listed from revision ${first} on`,
    };
  });
}

/** One sentence for what a revision leaves out, or null when it lists all but tape. */
export function hiddenKinds(revision: string): string | null {
  const hidden = JOB_KINDS.filter(({ first }) => first !== null && compareRevisions(revision, first) < 0);
  if (hidden.length === 0) return null;
  return `Revision ${revision} lists no jobs of ${hidden.length} kinds: ${
    hidden.map(({ title }) => title).join(", ")
  }`;
}
