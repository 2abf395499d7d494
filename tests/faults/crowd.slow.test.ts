/** Ten thousand schedules that are due in the same minute. */
import assert from "node:assert/strict";
import type { MakeBackup } from "../../src/backups/make.ts";
import type { EngineContext } from "../../src/backups/engine.ts";
import { Schedules } from "../../src/schedules/schedules.ts";
import { fillSchedules } from "../bench/many.ts";
import { FileBackups, world } from "../schedules/support.ts";
import { Tally } from "./tally.ts";

const SCHEDULES = 10_000;

/** Records what is asked for, without files. */
class NoBackups extends FileBackups {
  override make(request: MakeBackup, context: EngineContext): ReturnType<FileBackups["make"]> {
    this.made.push(request);
    return Promise.resolve(this.record(request, `/b/${request.run_id}.tar`, context.now()));
  }
}

Deno.test("ten thousand schedules due in one minute each run once, and none is forgotten", async () => {
  await new Tally("crowd").survive(async () => {
    await using w = await world("2026-01-01T00:00:30Z");
    const backups = new NoBackups(w.dir);
    w.settings.max_concurrent_runs = 20;
    w.schedules = new Schedules(w.options({ backups }));
    fillSchedules(w, SCHEDULES, () => "2026-01-01T00:01:00.000Z");
    await w.schedules.settleAtStart();
    w.clock.set("2026-01-01T00:01:00Z");
    const { claimed } = await w.schedules.tick();
    assert.equal(claimed, SCHEDULES);
    await w.schedules.idle();
    assert.equal(backups.made.length, SCHEDULES);
    assert.equal(new Set(backups.made.map((request) => request.schedule?.id)).size, SCHEDULES);
    w.clock.set("2026-01-01T00:02:00Z");
    assert.equal((await w.schedules.tick()).claimed, 0);
    const report = await w.prove();
    assert.deepEqual([report.problems, report.clean], [[], true]);
    assert.deepEqual(report.outcomes, { ran: SCHEDULES });
    const open = await w.tables.selectFrom("runs").selectAll().where("status", "=", "running").execute();
    assert.deepEqual(open, []);
  });
});
