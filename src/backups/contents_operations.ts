/** What people can ask of the inside of a backup. */
import { z } from "zod";
import { operation } from "../lib/operation.ts";
import type { Backups } from "./backups.ts";
import { BackupContents, ContentsFields } from "./contents.ts";
import { IDENTITY_FLAGS, IdentityFields } from "./identity.ts";

interface App {
  backups: Backups;
}

/**
 * Names tell what only somebody who may restore is to know, so it needs the same role. It changes nothing; it is a POST as
 * an identity has no place in an address, which ends up in logs.
 */
export const backupContents = operation({
  name: "backups.contents",
  route: "POST /api/v1/backups/{backup}/contents",
  role: "operator",
  scope: { server: (app: App, input: { backup: string }) => app.backups.serverOf(input.backup) },
  summary: "List what is in a backup",
  description:
    "Tells the paths that `backups restore --pattern` takes, and changes nothing. Reads the backup from its beginning until it has what was asked for; one in a storage is fetched for it. Of dumps of databases it lists the tables.",
  input: z.strictObject({
    backup: z.string().min(1).describe(
      "Id or name of the backup; the first four or more characters of an id will do",
    ),
    ...ContentsFields.shape,
    ...IdentityFields.shape,
  }),
  output: BackupContents,
  progress: true,
  unaudited: true,
  readable: true,
  cli: {
    args: ["backup"],
    flags: { patterns: { flag: "--pattern <glob>" }, ...IDENTITY_FLAGS },
    rows: ({ entries }) => entries,
    columns: [
      { key: "kind" },
      { key: "size_bytes", title: "size", format: "bytes", align: "right" },
      { key: "modified_at", title: "modified", format: "instant" },
      { key: "path", whole: true },
    ],
    notes: ({ entries, next_offset }) =>
      next_offset !== null
        ? [`There is more: go on with --offset ${next_offset}`]
        : entries.length === 0
        ? ["Nothing matches. Paths begin at the root of the backup; **/ before a pattern finds it anywhere"]
        : [],
    examples: [
      "holdfast backups contents 3f9c01ab",
      'holdfast backups contents 3f9c01ab --pattern "srv/data/**/*.conf"',
      "holdfast backups contents 3f9c01ab --offset 1000 --limit 1000 --output json",
    ],
  },
  run: (app: App, { backup, ...wanted }, caller) => app.backups.contents(backup, wanted, caller),
});
