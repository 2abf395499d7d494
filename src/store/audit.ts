/**
 * Audit lines: who changed what, before and after, without secrets. Written inside the change's transaction.
 */
import type { Generated, Kysely, Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import type { Caller } from "../lib/operation.ts";
import { redact } from "../lib/redact.ts";
import { appendChain, type ChainTables, digestOf } from "./chain.ts";
import { tablesOf } from "./tables.ts";

/** What a change did, as its service says it. */
export interface AuditChange {
  /** `schedules/3f9c...`, `users/ada`: slice and key. */
  target: string;
  /** The record before and after, as people see it; secrets are struck out here in any case. */
  before?: object | null;
  after?: object | null;
  /** `ok` when absent. */
  outcome?: string;
}

/** A stored line. */
export interface AuditLine {
  id: number;
  at: string;
  caller_kind: string;
  caller_id: number;
  caller_name: string;
  role: string;
  address: string | null;
  request_id: string;
  operation: string;
  target: string;
  /** JSON text. */
  before: string | null;
  after: string | null;
  outcome: string;
}

/** Table of audit lines; the database numbers them and never gives a number twice. */
export interface AuditTables {
  audit_lines: Omit<AuditLine, "id"> & { id: Generated<number> };
}

/** Appends a line and its chain link. `now` in milliseconds. */
export async function recordAudit(
  tx: Transaction<unknown>,
  caller: Caller,
  change: AuditChange,
  now: number,
): Promise<void> {
  const db = tablesOf<AuditTables>(tx);
  const line = {
    at: iso(now),
    caller_kind: caller.kind,
    caller_id: caller.id,
    caller_name: caller.name,
    role: caller.role,
    address: caller.address,
    request_id: caller.request_id,
    operation: caller.operation,
    target: change.target,
    before: asText(change.before),
    after: asText(change.after),
    outcome: change.outcome ?? "ok",
  };
  const { id } = await db.insertInto("audit_lines").values(line).returning("id").executeTakeFirstOrThrow();
  await appendChain(tx, [{ kind: "audit", ref: String(id), digest: auditDigest({ ...line, id }) }], now);
}

/** Digest of a line for the chain. */
export function auditDigest(line: AuditLine): string {
  return digestOf([
    line.id,
    line.at,
    line.caller_kind,
    line.caller_id,
    line.caller_name,
    line.role,
    line.address,
    line.request_id,
    line.operation,
    line.target,
    line.before,
    line.after,
    line.outcome,
  ]);
}

/** Keys of audit lines without a link, at most a hundred: somebody wrote them past Holdfast. */
export async function strayAuditLines(db: Kysely<AuditTables & ChainTables>): Promise<string[]> {
  const rows = await db.selectFrom("audit_lines").select("id").where((eb) =>
    eb.not(eb.exists(
      eb.selectFrom("chain").select("seq").where("kind", "=", "audit")
        .whereRef("ref", "=", eb.cast("audit_lines.id", "text")),
    ))
  ).orderBy("id").limit(100).execute();
  return rows.map((row) => String(row.id));
}

function asText(record: object | null | undefined): string | null {
  return record === undefined || record === null ? null : JSON.stringify(redact(record));
}
