/** What people can ask of the catalogue. */
import { z } from "zod";
import { EXIT_BAD_ANSWER } from "../lib/errors.ts";
import { type Operation, operation } from "../lib/operation.ts";
import { formatSize } from "../lib/size.ts";
import type { Backups } from "./backups.ts";
import { backupContents } from "./contents_operations.ts";
import { engineOperations } from "./engine_operations.ts";
import { IDENTITY_FLAGS, IdentityFields } from "./identity.ts";
import {
  Backup,
  BackupFilter,
  BackupVerification,
  counted,
  ImportResult,
  RestoreFields,
  RestoreResult,
} from "./model.ts";
import { S3Settings } from "./engines/s3/options.ts";
import { listProofs, proveBackup } from "./proof_operations.ts";
import { emptyTrash, listTrash, pruneBackups, undeleteBackup } from "./retention_operations.ts";

/** What the operations need of the app. */
export interface BackupsApp {
  backups: Backups;
}

const Ref = z.strictObject({
  backup: z.string().min(1).describe(
    "Id or name of the backup; the first four or more characters of an id will do",
  ),
});

const scope = {
  server: (app: BackupsApp, input: z.output<typeof Ref>) => app.backups.serverOf(input.backup),
};

export const listBackups = operation({
  name: "backups.list",
  route: "GET /api/v1/backups",
  role: "user",
  scope: "filtered",
  summary: "List backups, newest first",
  input: BackupFilter,
  output: z.array(Backup),
  cli: {
    flags: { server_id: { hidden: true }, schedule_id: { hidden: true } },
    columns: [
      { key: "id" },
      { key: "name" },
      { key: "status" },
      { key: "size_bytes", title: "size", format: "bytes", align: "right" },
      { key: "verified_ok", title: "good", format: "boolean" },
    ],
    examples: [
      "holdfast backups list",
      "holdfast backups list --schedule nightly --status completed --output json",
    ],
  },
  run: (app: BackupsApp, input, caller) => app.backups.list(input, caller),
});

export const getBackup = operation({
  name: "backups.get",
  route: "GET /api/v1/backups/{backup}",
  role: "user",
  scope,
  summary: "Show one backup",
  input: Ref,
  output: Backup,
  cli: { args: ["backup"], examples: ["holdfast backups get 3f9c01ab"] },
  run: (app: BackupsApp, input) => app.backups.get(input.backup),
});

/** What a verification found, for people; `name` of the backup or path of the file. */
export function verifiedText(
  found: Pick<BackupVerification, "ok" | "problems" | "size_bytes" | "item_count"> & {
    name?: string;
    path: string;
  },
): string {
  const what = found.name ?? found.path;
  return found.ok
    ? `${what} is good: ${counted(found.item_count ?? 0, "item")}, ${formatSize(found.size_bytes ?? 0)}`
    : [`${what} is not good:`, ...found.problems].join("\n  ");
}

export const verifyBackup = operation({
  name: "backups.verify",
  route: "POST /api/v1/backups/{backup}/verify",
  role: "operator",
  scope,
  summary: "Read a backup again and compare it with what was written",
  description: "Answers when all of it was read. The command ends with 20 when the backup is not good. " +
    "An encrypted one is only looked into with its identity; without, its hash is compared. " +
    "With --file PATH it verifies a file without any database.",
  input: Ref.extend(IdentityFields.shape),
  output: BackupVerification,
  progress: true,
  cli: {
    args: ["backup?"],
    flags: { ...IDENTITY_FLAGS },
    text: verifiedText,
    exit: (found) => found.ok ? 0 : EXIT_BAD_ANSWER,
    examples: [
      "holdfast backups verify 3f9c01ab",
      "holdfast backups verify --file /mnt/usb/nightly.tar.zst",
      "holdfast backups verify 3f9c01ab --identity-file /root/age.key",
    ],
  },
  run: (app: BackupsApp, { backup, ...identity }, caller) => app.backups.verify(backup, caller, identity),
});

export const restoreBackup = operation({
  name: "backups.restore",
  route: "POST /api/v1/backups/{backup}/restore",
  role: "operator",
  scope,
  summary: "Restore a backup into a directory, whole or in part",
  description:
    "Answers when all of it was written. Nothing is written outside the directory, and nothing is " +
    "overwritten unless forced. With --file PATH it restores a file without any database.",
  input: Ref.extend({ ...RestoreFields.shape, ...IdentityFields.shape }),
  output: RestoreResult,
  progress: true,
  cli: {
    args: ["backup?"],
    flags: {
      to: {
        flag: "--to <directory>",
        path: true,
        description: "Directory to restore into; made when missing",
      },
      patterns: { flag: "--pattern <glob>" },
      ...IDENTITY_FLAGS,
    },
    text: (done) =>
      [
        `Restored ${counted(done.item_count, "item")} (${formatSize(done.restored_bytes)}) to ${done.to}`,
        ...done.warnings,
      ]
        .join("\n"),
    examples: [
      "holdfast backups restore 3f9c01ab --to /srv/restored",
      'holdfast backups restore 3f9c01ab --to /srv/restored --pattern "srv/data/**/*.conf"',
      "holdfast backups restore --file /mnt/usb/nightly.tar.zst --to /srv/restored",
    ],
  },
  run: (app: BackupsApp, { backup, ...fields }, caller) => app.backups.restore(backup, fields, caller),
});

export const deleteBackup = operation({
  name: "backups.delete",
  route: "DELETE /api/v1/backups/{backup}",
  role: "operator",
  scope,
  summary: "Delete a backup and its artifact",
  description:
    "The last verified good copy of a schedule is refused unless forced. Where backups.trash_days says so, it goes into the trash first.",
  input: Ref.extend({
    force: z.boolean().default(false).describe("Also delete the last verified good copy"),
    for_good: z.boolean().default(false).describe("Not into the trash"),
    reason: z.string().min(1).max(200).optional().describe("Why, for the record"),
  }),
  output: z.null(),
  status: 204,
  cli: {
    args: ["backup"],
    confirm: "Delete this backup and its artifact?",
    text: () => "Deleted the backup",
    examples: ["holdfast backups delete 3f9c01ab --yes"],
  },
  run: (app: BackupsApp, { backup, ...how }, caller) => app.backups.delete(backup, how, caller),
});

export const importBackups = operation({
  name: "backups.import",
  route: "POST /api/v1/backups/import",
  role: "operator",
  // A directory holds backups of any server.
  scope: { server: () => Promise.resolve(null) },
  summary: "Take the backups that lie in a directory into the catalogue",
  description:
    "Reads the manifests beside the artifacts. Doing it again changes nothing. Imported backups count as " +
    "verified only after `backups verify`. The command ends with 20 when a manifest could not be used.",
  input: z.strictObject({
    directory: z.string().min(1).describe(
      "Directory of artifacts and their manifests, as an absolute path, or s3://bucket/prefix",
    ),
    s3: S3Settings.optional().describe(
      "How the storage of a place s3://... is reached, as in engine_options",
    ),
  }),
  output: ImportResult,
  cli: {
    args: ["directory"],
    flags: {
      directory: { path: true },
    },
    text: (done) =>
      [
        `Imported ${done.imported.length}, known already ${done.known}`,
        ...done.imported.map((backup) => `  ${backup.id}  ${backup.name}`),
        ...done.problems.map(({ path, problem }) => `  ${path}: ${problem}`),
      ].join("\n"),
    exit: (done) => done.problems.length === 0 ? 0 : EXIT_BAD_ANSWER,
    examples: [
      "holdfast backups import /srv/backups",
      "holdfast backups import s3://backups/web-1 --s3 '{...}'",
    ],
  },
  run: (app: BackupsApp, { directory, ...reach }, caller) => app.backups.import(directory, caller, reach),
});

export const operations: readonly Operation<BackupsApp>[] = [
  listBackups,
  getBackup,
  backupContents,
  verifyBackup,
  restoreBackup,
  proveBackup,
  listProofs,
  deleteBackup,
  undeleteBackup,
  pruneBackups,
  listTrash,
  emptyTrash,
  importBackups,
  ...engineOperations,
];
