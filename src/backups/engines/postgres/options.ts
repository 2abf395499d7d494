/** What a person sets for a `postgres` backup. */
import { isAbsolute } from "node:path";
import { z } from "zod";
import { AbsolutePath, Destination } from "../dump/destination.ts";
import { SecretRef } from "../tools/secrets.ts";

const Pattern = z.string().min(1);

/** Schema of `engine_options`. */
export const PostgresOptions = z.strictObject({
  scope: z.enum(["database", "globals", "all"]).optional().describe(
    "database (default): one database in custom format; globals: roles and tablespaces as SQL; all: the whole cluster as SQL",
  ),
  database: z.string().min(1).optional().describe(
    "Database to dump; with scope globals or all: the one to connect to",
  ),
  destination: Destination,
  host: z.string().min(1).optional()
    .describe("Host name, address, or absolute directory of the socket; default: the local socket"),
  port: z.int().min(1).max(65535).optional().describe("Port; default 5432"),
  user: z.string().min(1).optional().describe(
    "Role to connect as; default: the name of the account Holdfast runs as",
  ),
  password: SecretRef.optional().describe('Password of the role: {"secret": "NAME"}'),
  sslmode: z.enum(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]).optional()
    .describe("How TLS is used, as libpq names it; default prefer"),
  sslrootcert: AbsolutePath.optional().describe("File of the certificate authorities to believe"),
  exclude_tables: z.array(Pattern).optional().describe("Tables to leave out, as patterns of pg_dump"),
  exclude_table_data: z.array(Pattern).optional().describe("Tables of which only the definition is kept"),
  compress: z.string().regex(/^(none|gzip|lz4|zstd)(:\d{1,2})?$|^\d$/).optional()
    .describe(
      "Compression inside the dump: a level of gzip (6), or for pg_dump 16 and later a method (zstd:3)",
    ),
  lock_timeout_seconds: z.int().min(1).max(86_400).optional()
    .describe("Longest wait for a table that is locked; default 300"),
  verify_restore: z.strictObject({
    database: z.string().min(1).describe("Name of the scratch database; it must not exist"),
  }).optional().describe(
    "Restore each dump into a scratch database on the same server, compare the counts of rows, and drop it again",
  ),
}).superRefine((options, context) => {
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  const whole = (options.scope ?? "database") === "database";
  if (whole && options.database === undefined) refuse("database", "expected the name of a database");
  for (const field of ["exclude_tables", "exclude_table_data", "compress", "verify_restore"] as const) {
    if (!whole && options[field] !== undefined) refuse(field, "only for scope database");
  }
  if (options.verify_restore !== undefined && options.verify_restore.database === options.database) {
    refuse("verify_restore", "expected another database than the one that is dumped");
  }
});
export type PostgresOptions = z.output<typeof PostgresOptions>;

/** The directory of a socket, when that is how the server is reached. */
export function socketOf({ host }: PostgresOptions): string | undefined {
  return host !== undefined && isAbsolute(host) ? host : undefined;
}

/** Longest wait for a table that is locked, in milliseconds. */
export function lockTimeoutMs({ lock_timeout_seconds = 300 }: PostgresOptions): number {
  return lock_timeout_seconds * 1000;
}
