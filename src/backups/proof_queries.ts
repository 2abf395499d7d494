/** Every statement on the evidence of restore tests. */
import type { Selectable } from "kysely";
import { z } from "zod";
import { type BackupProof, ProofCheck, type ProofHistory } from "./proof.ts";
import type { Db, ProofRow } from "./tables.ts";

export async function insertProof(db: Db, proof: BackupProof): Promise<void> {
  const { ok, restore_seconds, checks, ...row } = proof;
  await db.insertInto("backup_proofs").values({
    ...row,
    ok: ok ? 1 : 0,
    restore_ms: restore_seconds === null ? null : Math.round(restore_seconds * 1000),
    checks: JSON.stringify(checks),
  }).execute();
}

/** Conditions of a list; what is absent does not limit. */
export interface ProofConditions {
  server_ids?: readonly number[];
  schedule_id?: string;
  backup_id?: string;
  limit: number;
}

/** Newest first. */
export async function listProofs(db: Db, wanted: ProofConditions): Promise<BackupProof[]> {
  if (wanted.server_ids?.length === 0) return [];
  let query = db.selectFrom("backup_proofs").selectAll().orderBy("started_at", "desc").orderBy("id", "desc");
  if (wanted.server_ids !== undefined) query = query.where("server_id", "in", wanted.server_ids);
  if (wanted.schedule_id !== undefined) query = query.where("schedule_id", "=", wanted.schedule_id);
  if (wanted.backup_id !== undefined) query = query.where("backup_id", "=", wanted.backup_id);
  return (await query.limit(wanted.limit).execute()).map(fromRow);
}

/** The last evidence of each schedule, newest first; of these servers, or of all. */
export async function lastProofs(db: Db, serverIds: readonly number[] | null): Promise<BackupProof[]> {
  let query = db.selectFrom("backup_proofs as proof").selectAll("proof").where(({ eb, not, exists }) =>
    not(exists(
      eb.selectFrom("backup_proofs as later").select("later.id")
        .whereRef("later.schedule_id", "=", "proof.schedule_id")
        .whereRef("later.started_at", ">", "proof.started_at"),
    ))
  ).where("schedule_id", "is not", null);
  if (serverIds !== null) query = query.where("server_id", "in", serverIds);
  return (await query.orderBy("started_at", "desc").execute()).map(fromRow);
}

/** When a schedule was last proved, and how many of its backups were completed since. */
export async function proofHistory(db: Db, scheduleId: string): Promise<ProofHistory> {
  const last = await db.selectFrom("backup_proofs").select("started_at").where("schedule_id", "=", scheduleId)
    .orderBy("started_at", "desc").limit(1).executeTakeFirst();
  const last_at = last?.started_at ?? null;
  // Removed ones count too: each was a run.
  let query = db.selectFrom("backups").select(({ fn }) => fn.countAll<number>().as("count"))
    .where("schedule_id", "=", scheduleId).where("status", "=", "completed");
  if (last_at !== null) query = query.where("created_at", ">", last_at);
  return { last_at, backups_since: Number((await query.executeTakeFirstOrThrow()).count) };
}

/** Forgets evidence from before an instant; returns how much. */
export async function removeProofs(db: Db, before: string): Promise<number> {
  const result = await db.deleteFrom("backup_proofs").where("started_at", "<", before).executeTakeFirst();
  return Number(result.numDeletedRows);
}

const Checks = z.array(ProofCheck);

function fromRow({ ok, restore_ms, checks, ...row }: Selectable<ProofRow>): BackupProof {
  return {
    ...row,
    ok: ok === 1,
    restore_seconds: restore_ms === null ? null : restore_ms / 1000,
    checks: Checks.parse(JSON.parse(checks)),
  };
}
