/** What people can ask about Holdfast's own database. */
import { z } from "zod";
import { operation } from "../lib/operation.ts";
import type { Maintenance } from "./maintenance.ts";

/** What the operations need. */
export interface StoreApp {
  maintenance: Maintenance;
}

const Status = z.object({
  path: z.string(),
  size_bytes: z.number().int(),
  schema: z.string().nullable().describe("Newest applied migration"),
  latest: z.string().describe("Newest migration this program knows"),
  pending: z.array(z.string()),
  integrity: z.string().describe('"ok", or what SQLite\'s check found'),
  copies: z.array(z.string()).describe("Copies in the data directory, newest first"),
}).meta({ id: "DatabaseStatus" });

const status = operation({
  name: "db.status",
  route: "GET /api/v1/db/status",
  role: "admin",
  summary: "Show the database: size, schema, integrity, copies",
  input: z.strictObject({}),
  output: Status,
  cli: { examples: ["holdfast db status"] },
  run: (app: StoreApp) => app.maintenance.status(),
});

const backup = operation({
  name: "db.backup",
  route: "POST /api/v1/db/backup",
  role: "admin",
  summary: "Copy Holdfast's own database while it is in use",
  description:
    "Without a path the copy goes to <data-dir>/copies, where old ones are cleared away. Keys are not in the copy: keep <data-dir>/keys too. Over the network only the default place is allowed.",
  input: z.strictObject({
    path: z.string().min(1).optional().describe("File to write; must not exist"),
  }),
  output: z.object({ path: z.string(), size_bytes: z.number().int() }),
  cli: {
    args: ["path?"],
    flags: { path: { path: true } },
    examples: ["holdfast db backup", "holdfast db backup /srv/backups/holdfast.db"],
    text: (copy) => `Copied the database to ${copy.path}`,
  },
  run: (app: StoreApp, input, caller) => app.maintenance.backup(input.path ?? null, caller),
});

export const operations = [status, backup];
