/** What a person sets for a `mysql` backup. */
import { z } from "zod";
import { AbsolutePath, Destination } from "../dump/destination.ts";
import { SecretRef } from "../tools/secrets.ts";

const Name = z.string().min(1);

/** Schema of `engine_options`. */
export const MysqlOptions = z.strictObject({
  databases: z.array(Name).min(1).optional().describe(
    "Databases to dump; a dump of one can be restored under another name, one of several makes its databases itself",
  ),
  all_databases: z.boolean().optional().describe(
    "Dump every database, the server's own with accounts and grants too",
  ),
  destination: Destination,
  host: Name.optional().describe("Host name or address; default: the local socket"),
  port: z.int().min(1).max(65535).optional().describe("Port; default 3306"),
  socket: AbsolutePath.optional().describe("File of the local socket"),
  user: Name.optional().describe("Account to connect as; default: the name of the account Holdfast runs as"),
  password: SecretRef.optional().describe('Password of the account: {"secret": "NAME"}'),
  tls: z.enum(["off", "require", "verify"]).optional()
    .describe(
      "off, require an encrypted connection, or verify the server's certificate too; default: as the client does",
    ),
  tls_ca: AbsolutePath.optional().describe("File of the certificate authorities to believe"),
  exclude_tables: z.array(z.string().regex(/^[^.]+\..+$/, "expected database.table")).optional()
    .describe("Tables to leave out, as database.table"),
  lock_tables: z.boolean().optional().describe(
    "Lock all tables while dumping: for tables that are not InnoDB, which a transaction does not hold still",
  ),
}).superRefine((options, context) => {
  if ((options.databases === undefined) === (options.all_databases !== true)) {
    context.addIssue({
      code: "custom",
      path: ["databases"],
      message: "expected either databases or all_databases",
    });
  }
  if (options.host !== undefined && options.socket !== undefined) {
    context.addIssue({ code: "custom", path: ["socket"], message: "expected either host or socket" });
  }
});
export type MysqlOptions = z.output<typeof MysqlOptions>;

/** The database of a dump that can be restored under any name. */
export function onlyDatabase({ databases }: MysqlOptions): string | undefined {
  return databases?.length === 1 ? databases[0] : undefined;
}
