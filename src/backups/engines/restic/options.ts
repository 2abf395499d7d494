/** What a person sets for a `restic` backup. */
import { isAbsolute } from "node:path";
import { z } from "zod";
import { AbsolutePath } from "../dump/destination.ts";
import { SecretRef } from "../tools/secrets.ts";

/** Variables restic's backends take. No others: some make the programs behind it run commands. */
const VARIABLES = [
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_DEFAULT_REGION",
  "B2_ACCOUNT_ID",
  "B2_ACCOUNT_KEY",
  "AZURE_ACCOUNT_NAME",
  "AZURE_ACCOUNT_KEY",
  "AZURE_ACCOUNT_SAS",
  "GOOGLE_PROJECT_ID",
  "GOOGLE_ACCESS_TOKEN",
  "OS_AUTH_URL",
  "OS_REGION_NAME",
  "OS_USERNAME",
  "OS_PASSWORD",
  "OS_TENANT_ID",
  "OS_TENANT_NAME",
  "OS_USER_DOMAIN_NAME",
  "OS_PROJECT_NAME",
  "OS_PROJECT_DOMAIN_NAME",
  "OS_APPLICATION_CREDENTIAL_ID",
  "OS_APPLICATION_CREDENTIAL_SECRET",
  "ST_AUTH",
  "ST_USER",
  "ST_KEY",
  "RESTIC_REST_USERNAME",
  "RESTIC_REST_PASSWORD",
] as const;

/** Those that nobody may write down in the clear. */
const SECRET_VARIABLE = /(SECRET|PASSWORD|TOKEN|SAS|KEY)$|SECRET_ACCESS_KEY/;

const BACKENDS = ["rest", "s3", "b2", "azure", "gs", "swift", "sftp", "rclone"];

const Repository = z.string().min(1).refine(
  (text) => localPath(text) !== undefined || BACKENDS.includes(backendOf(text)),
  `expected an absolute path, or an address that begins with ${BACKENDS.join(":, ")}:`,
).refine((text) => !/\/\/[^/@\s]*:[^/@\s]*@/.test(text), {
  error:
    "expected no password in the address: rest takes RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD in env",
}).refine((text) => !/^sftp:(\/\/)?([^@/]*@)?-/.test(text), "expected a host name");

const Pattern = z.string().min(1).refine((text) => !text.includes("\n"), "expected one line");
const Word = z.string().min(1).regex(/^[^,\n]+$/, "expected no comma");

/** Schema of `engine_options`. */
export const ResticOptions = z.strictObject({
  repository: Repository.describe(
    "Absolute path of the repository, or its address as restic writes it (s3:..., rest:...)",
  ),
  password: SecretRef.describe('Password of the repository: {"secret": "NAME"}'),
  sources: z.array(AbsolutePath).min(1).describe("Directories and files to back up, as absolute paths"),
  init: z.boolean().optional().describe(
    "Make the repository when there is none; leave it off where a missing mount would look like a missing repository",
  ),
  env: z.partialRecord(z.enum(VARIABLES), z.union([z.string().min(1), SecretRef])).optional()
    .describe(
      "Variables for the storage (AWS_ACCESS_KEY_ID, B2_ACCOUNT_KEY, ...); keys and passwords as secrets",
    ),
  excludes: z.array(Pattern).optional().describe("What to leave out, in restic's patterns"),
  exclude_caches: z.boolean().optional().describe("Leave out directories marked with a CACHEDIR.TAG"),
  one_file_system: z.boolean().optional().describe("Do not go into other file systems"),
  tags: z.array(Word).optional().describe(
    "Further tags for the snapshots, beside holdfast and the backup's name",
  ),
  host: Word.optional().describe("Host name of the snapshots; default: this host's"),
  allow_unreadable: z.boolean().optional()
    .describe("Count a run as a success although files could not be read; each is named either way"),
  check: z.boolean().optional().describe(
    "Check the repository after each backup (default); without it only the snapshot's list is read back",
  ),
  read_data_subset: z.string().regex(/^(\d+(\.\d+)?%|\d+\/\d+|\d+[KMGT])$/).optional()
    .describe("Part of the data that checks read and compare: 5%, 1/10, 500M; default: none"),
  prune: z.boolean().optional().describe(
    "Give back space whenever a snapshot is removed; slow on large repositories",
  ),
  limit_upload_kib: z.int().min(1).optional().describe("Upload at most so many KiB per second"),
}).superRefine(({ env = {} }, context) => {
  for (const [name, value] of Object.entries(env)) {
    if (typeof value !== "string" || !SECRET_VARIABLE.test(name)) continue;
    context.addIssue({ code: "custom", path: ["env", name], message: 'expected {"secret": "NAME"}' });
  }
});
export type ResticOptions = z.output<typeof ResticOptions>;

/** The directory of a repository on this host. */
export function localPath(repository: string): string | undefined {
  const path = repository.replace(/^local:/, "");
  return isAbsolute(path) ? path : undefined;
}

/** The word in front of an address. */
export function backendOf(repository: string): string {
  return /^([a-z0-9]+):/.exec(repository)?.[1] ?? "";
}
