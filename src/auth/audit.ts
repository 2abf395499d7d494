/** The audit log as people read it. Lines are written by the store, with the change they tell of. */
import { iso } from "../lib/clock.ts";
import type { Kysely } from "kysely";
import { type Database, type DigestReaders, strayAuditLines, tablesOf } from "../store/mod.ts";
import type { AuditPage } from "./model.ts";
import * as queries from "./queries.ts";
import type { AuditFilter, AuthTables } from "./queries.ts";

/** The service behind `audit.list`. */
export class AuditLog {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Lines that fit, newest first. `since` and `until` are instants with a zone, or days in UTC. */
  async list(filter: AuditFilter & { limit: number; offset: number }): Promise<AuditPage> {
    const { limit, offset, ...rest } = filter;
    const wanted = { ...rest, since: instant(rest.since), until: instant(rest.until) };
    const { rows, total } = await queries.findAudit(
      this.#database.tables<AuthTables>(),
      wanted,
      limit,
      offset,
    );
    const lines = rows.map((row) => ({ ...row, before: parsed(row.before), after: parsed(row.after) }));
    return { lines, total, limit, offset };
  }

  /** Digests of lines by id, for the check of the hash chain. */
  readonly digests: DigestReaders["audit"] = (refs) =>
    queries.auditDigests(this.#database.tables<AuthTables>(), refs);
}

/** Reads audit lines for the check of the hash chain, in the caller's transaction. */
export function auditReaders(db: Kysely<unknown>): {
  digests: DigestReaders["audit"];
  strays(): Promise<string[]>;
} {
  return {
    digests: (refs) => queries.auditDigests(tablesOf<AuthTables>(db), refs),
    strays: () => strayAuditLines(tablesOf(db)),
  };
}

function instant(text: string | undefined): string | undefined {
  return text === undefined ? undefined : iso(Date.parse(text));
}

function parsed(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}
