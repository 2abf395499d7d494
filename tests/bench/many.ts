/** Many schedules at once, past the service: what is looked at is what becomes of them. */
import type { World } from "../schedules/support.ts";

/** Writes so many schedules of every hour, each with its revision; `dueAt` says when the n-th is due first. */
export function fillSchedules(w: World, count: number, dueAt: (n: number) => string): void {
  const { sqlite } = w.database;
  const at = new Date(w.clock.now()).toISOString();
  const schedule = sqlite.prepare(
    `insert into schedules (id, server_id, name, enabled, cron_expression, timezone, anchor_at, max_backups,
       only_when_running, backup_type, engine, engine_options, policies, created_at, updated_at, created_by, next_run_at)
     values (?, 1, ?, 1, ?, 'Europe/Paris', ?, 7, 0, 'scheduled', 'archive', '{"sources":["/srv"]}', '{}', ?, ?, 0, ?)`,
  );
  const revision = sqlite.prepare(
    `insert into schedule_revisions (schedule_id, at, change, enabled, cron_expression, timezone, anchor_at, policies, changed_by)
     values (?, ?, 'create', 1, ?, 'Europe/Paris', ?, '{}', 'test')`,
  );
  sqlite.exec("begin");
  for (let n = 0; n < count; n++) {
    const due = dueAt(n);
    const expression = `${new Date(due).getUTCMinutes()} * * * *`;
    schedule.run(`s${n}`, `schedule ${n}`, expression, at, at, at, due);
    revision.run(`s${n}`, at, expression, at);
  }
  sqlite.exec("commit");
}
