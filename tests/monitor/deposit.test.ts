/** A deposit that cannot be read: told at once, with the reason, and over by itself. */
import assert from "node:assert/strict";
import { sites } from "./site_world.ts";

Deno.test("a deposit that is not there is a critical finding and the reason in health, until it is back", async () => {
  await using world = await sites();
  const { clock, deposit, monitor } = world;
  const { services } = world.app;
  const look = async () => {
    monitor.scanner.begin();
    await monitor.scanner.idle();
    await services.notify.tick();
    await services.notify.idle();
  };
  const scanner = async () => {
    // Health is kept for a few seconds.
    clock.advance(10_000);
    const { checks }: { checks: { name: string; status: string; detail: string }[] } = await world.local(
      "GET",
      "/api/v1/health",
    );
    return checks.find(({ name }) => name === "scanner")!;
  };
  await look();
  assert.deepEqual(await world.open(), []);
  await Deno.rename(deposit, `${deposit}.away`);
  await look();
  await look();
  assert.deepEqual(await world.open(), [`unreadable ${deposit}`]);
  assert.deepEqual(world.subjects().map((subject) => subject.replace(/^\[.*?\] /, "")), [
    `CANNOT BE READ: ${deposit}`,
  ]);
  assert.equal((await world.local("GET", "/api/v1/monitor/check")).line, `critical: ${deposit} unreadable`);
  const { status, detail } = await scanner();
  assert.equal(status, "degraded");
  assert.match(detail, /: Cannot scan the deposit: it is not there$/);
  await Deno.rename(`${deposit}.away`, deposit);
  await look();
  assert.deepEqual(await world.open(), []);
  assert.equal((await scanner()).status, "ok");
  assert.match(world.subjects()[0] ?? "", /RECOVERED/);
});

Deno.test("a finding that a person ends is told as resolved by that person", async () => {
  await using world = await sites();
  const { deposit, monitor } = world;
  const { notify } = world.app.services;
  const look = async () => {
    monitor.scanner.begin();
    await monitor.scanner.idle();
    await notify.tick();
    await notify.idle();
  };
  await Deno.rename(deposit, `${deposit}.away`);
  await look();
  world.subjects();
  const [{ id }] = await world.local("GET", "/api/v1/monitor/findings");
  const day = "2026-03-09";
  const muted = await world.local("POST", `/api/v1/monitor/findings/${id}/mute`, { until: day });
  assert.equal(muted.muted_until, `${day}T00:00:00.000Z`);
  const { ended_by } = await world.local("POST", `/api/v1/monitor/findings/${id}/resolve`);
  await notify.tick();
  await notify.idle();
  assert.deepEqual(world.subjects(), [`[Holdfast] RESOLVED: ${deposit}`]);
  assert.match(
    world.mail.mails.at(-1)!.text,
    new RegExp(`${ended_by} says that it is over[^]*By: +${ended_by}`),
  );
});
