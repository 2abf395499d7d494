import assert from "node:assert/strict";
import { caller } from "../support/store.ts";
import { create, until, type World, world } from "./support.ts";

/** Ended runs with these ids. */
async function runs(w: World, ...ids: string[]): Promise<void> {
  await create(w);
  await w.schedules.trigger("nightly", caller());
  await w.schedules.idle();
  const run = await w.tables.selectFrom("runs").selectAll().executeTakeFirstOrThrow();
  await w.tables.insertInto("runs").values(ids.map((id) => ({ ...run, id }))).execute();
}

Deno.test("a run is meant by the beginning of its id, for reading, following and cancelling", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await runs(w, "abcd111111111111", "abce222222222222");
  const { runs: reader } = w.schedules;
  assert.equal((await reader.get("abcd", caller())).id, "abcd111111111111");
  const [result] = await Array.fromAsync(reader.follow("abce", caller()));
  assert.equal(result?.type === "result" && result.log.id, "abce222222222222");
  await assert.rejects(w.schedules.cancel("abcd1", caller()), {
    kind: "conflict",
    message: /run "abcd111111111111": it has ended/,
  });
});

Deno.test("a run under way is followed and cancelled by the beginning of its id", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await create(w);
  w.backups.work = (_request, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const { run_id } = await w.schedules.trigger("nightly", caller());
  await until(() => w.backups.made.length === 1);
  const events = Array.fromAsync(w.schedules.runs.follow(run_id.slice(0, 8), caller()));
  assert.equal((await w.schedules.cancel(run_id.slice(0, 8), caller())).outcome, "cancelled");
  const last = (await events).at(-1);
  assert.equal(last?.type === "result" && last.log.outcome, "cancelled");
});

Deno.test("what fits several runs, or is too short, is refused; runs of foreign servers are not told", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await runs(w, "abcd111111111111", "abcd222222222222");
  const { runs: reader } = w.schedules;
  await assert.rejects(reader.get("abcd", caller()), {
    kind: "invalid",
    message: 'Cannot tell which log "abcd" is: abcd111111111111, abcd222222222222 fit',
  });
  for (const ref of ["abc", "ABCD1", "%", "abcd3"]) {
    await assert.rejects(reader.get(ref, caller()), { kind: "not_found" }, ref);
  }
  await assert.rejects(reader.get("abcd1", caller({ servers: [99] })), { kind: "not_found" });
  assert.equal(await reader.serverOf("abcd"), null);
});
