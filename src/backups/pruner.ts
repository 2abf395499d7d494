/** Applying retention to a schedule, or saying what it would do. */
import { messageOf } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { KeepRules } from "./keep.ts";
import type { Backup, PruneResult } from "./model.ts";
import { log, type Parts, tables } from "./parts.ts";
import { backupsOfSchedule } from "./queries.ts";
import { removeBackup } from "./remover.ts";
import { planRetention } from "./retention.ts";

/** What is to be pruned, and by which rules. */
export interface Pruning {
  schedule_id: string;
  keep: KeepRules;
  timezone: string;
  trust_newest: boolean;
  dry_run: boolean;
}

/** Applies retention, oldest first. What cannot be removed is named and does not stop the rest. */
export async function prune(parts: Parts, pruning: Pruning, caller: Caller): Promise<PruneResult> {
  const { schedule_id, keep, dry_run } = pruning;
  const all = await backupsOfSchedule(tables(parts), schedule_id);
  const { decisions, waiting } = planRetention(all, keep, pruning);
  const removed: Backup[] = [];
  const trashed = new Set<string>();
  const problems: string[] = [];
  const doomed = dry_run ? [] : decisions.filter((decision) => !decision.keep).reverse();
  for (const { backup, reason } of doomed) {
    try {
      const how = { force: false, for_good: false, reason: `retention: ${reason}` };
      if (await removeBackup(parts, backup, how, caller)) trashed.add(backup.id);
      removed.push(backup);
    } catch (error) {
      log.warning("Cannot remove {name}: {why}", { name: backup.name, why: messageOf(error) });
      problems.push(messageOf(error));
    }
  }
  return {
    schedule_id,
    max_backups: keep.max_backups,
    rules: rulesOf(keep),
    dry_run,
    waiting,
    decisions: decisions.map(({ backup, keep, reason }) => ({
      backup_id: backup.id,
      name: backup.name,
      status: backup.status,
      created_at: backup.created_at,
      size_bytes: backup.size_bytes,
      keep,
      reason,
    })),
    removed: removed.map((backup) => backup.id),
    trashed: [...trashed],
    freed_bytes: removed.filter(({ id }) => !trashed.has(id))
      .reduce((sum, backup) => sum + (backup.size_bytes ?? 0), 0),
    problems,
  };
}

/** The rules that are set. */
function rulesOf(keep: KeepRules): Record<string, number> {
  const rules: Record<string, number> = {};
  for (const [name, value] of Object.entries(keep)) if (typeof value === "number") rules[name] = value;
  return rules;
}
