/** What people do about findings, what is unusual, what scripts are told, and Holdfast's own schedules. */
import assert from "node:assert/strict";
import { MINUTE, type SizedWorld, sizedWorld } from "./sized_world.ts";

Deno.test("a size is learnt from ten good backups; one far off is a finding until it is marked as expected", async () => {
  await using world = await sizedWorld();
  for (let day = 0; day < 10; day++) {
    assert.match((await world.arrive(1000 + day)).message, new RegExp(`learning ${day + 1}/10`));
  }
  assert.match((await world.arrive(1005)).message, /usual is 1004|usual is 1004\.5 B|usual is 1005/);
  await world.arrive(400);
  const [finding] = await world.findings();
  assert.equal(finding?.code, "drift");
  assert.match(finding?.detail ?? "", /400 B, usual is .* below/);
  await world.local("POST", `/api/v1/monitor/findings/${finding?.id}/expect`);
  assert.deepEqual(await world.findings(), []);
  assert.match((await world.arrive(401)).message, /learning 2\/10/);
  assert.deepEqual(await world.findings(), []);
});

Deno.test("a file that is empty is too small and not good; the next one mends it", async () => {
  await using world = await sizedWorld();
  assert.equal((await world.arrive(0)).status, "failed");
  assert.deepEqual((await world.findings()).map(({ code }) => code), ["too_small"]);
  assert.equal((await world.arrive(1000)).status, "ok");
  assert.deepEqual(await world.findings(), []);
});

async function open(world: SizedWorld): Promise<number> {
  await world.arrive(0);
  return (await world.findings())[0]!.id;
}

Deno.test("check exits by what nobody knows of: open findings count, acknowledged and muted ones do not", async () => {
  await using world = await sizedWorld();
  const check = (query = "") => world.local("GET", `/api/v1/monitor/check${query}`);
  assert.equal((await check()).state, "ok");
  const id = await open(world);
  assert.deepEqual([(await check()).state, (await check()).line], ["critical", "critical: crm too small"]);
  assert.match(
    (await check("?nagios=true")).line,
    /^BACKUP CRITICAL - crm too small \| jobs=1 good=0 bad=1;;0 /,
  );
  const acknowledged = await world.local("POST", `/api/v1/monitor/findings/${id}/acknowledge`, {
    note: "known",
  });
  assert.deepEqual([acknowledged.state, acknowledged.note], ["acknowledged", "known"]);
  assert.equal((await check()).state, "ok");
  const until = new Date(world.clock.now() + 10 * MINUTE).toISOString();
  assert.equal((await world.local("POST", `/api/v1/monitor/findings/${id}/mute`, { until })).state, "muted");
  assert.equal((await check()).state, "ok");
  world.clock.advance(11 * MINUTE);
  assert.equal((await check()).state, "critical");
  assert.equal((await world.local("POST", `/api/v1/monitor/findings/${id}/resolve`)).state, "resolved");
  assert.equal((await check()).state, "ok");
  const again = await world.request("POST", `/api/v1/monitor/findings/${id}/resolve`, {
    token: await world.keyFor("operator"),
  });
  assert.equal(again.status, 409);
});

Deno.test("the board shows a day by state, the calendar each day", async () => {
  await using world = await sizedWorld();
  const day = new Date(world.clock.now()).toISOString().slice(0, 10);
  const board = async () => (await world.local("GET", `/api/v1/monitor/board?date=${day}`)).counts;
  assert.deepEqual(await board(), { due: 1 });
  world.clock.advance(30 * MINUTE);
  assert.deepEqual(await board(), { overdue: 1 });
  world.clock.advance(60 * MINUTE);
  await world.app.services.monitor.tick();
  assert.deepEqual(await board(), { missing: 1 });
  const calendar = await world.local("GET", `/api/v1/monitor/calendar?from=${day}&days=2`);
  assert.deepEqual(calendar.jobs[0].days.map((one: { state: string }) => one.state), ["missing", "due"]);
});
