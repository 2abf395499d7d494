/** Expected jobs meant by name, and what errors say of a name that is none. */
import assert from "node:assert/strict";
import { testApp } from "../support/app.ts";
import { FakeClock } from "../support/clock.ts";

Deno.test("a job is meant by its id, its name or the end of its name; of several all are named", async () => {
  await using world = await testApp({}, new FakeClock("2026-03-02T12:00:00Z"));
  const token = await world.keyFor("operator");
  const expect = async (company_name: string, city: string, database_name: string, more = {}) =>
    (await world.local("POST", "/api/v1/jobs", {
      ...{ company_name, city, database_name, way: "ping", expected_hour_utc: 13, backup_frequency: "daily" },
      ...more,
    })).id;
  const paris = await expect("ACME", "PARIS", "shop", { neighborhood: "NORTH" });
  const lyon = await expect("ACME", "LYON", "shop");
  const crm = await expect("ACME", "LYON", "crm");
  const ask = async (path: string, name: string) => {
    const answer = await world.request("GET", path.replace("NAME", encodeURIComponent(name)), { token });
    return { status: answer.status, body: await answer.json() };
  };
  const found = async (name: string) => (await ask("/api/v1/jobs/NAME", name)).body.id;
  assert.equal(await found("crm"), crm);
  assert.equal(await found(String(lyon)), lyon);
  assert.equal(await found("LYON/shop"), lyon);
  assert.equal(await found("ACME/PARIS/NORTH/shop"), paris);
  // As entries call it.
  assert.equal(await found("ACME/PARIS/shop"), paris);
  const several = await ask("/api/v1/jobs/NAME", "shop");
  assert.equal(several.status, 409);
  assert.match(
    several.body.detail,
    /job "shop" is meant: ACME\/PARIS\/NORTH\/shop \(1\), ACME\/LYON\/shop \(2\)/,
  );
  for (
    const path of ["/api/v1/jobs/NAME", "/api/v1/monitor/findings?job_id=NAME", "/api/v1/jobs/NAME/pings"]
  ) {
    assert.deepEqual((await ask(path, "hop")).body.detail, 'Cannot find expected job "hop"', path);
  }
  assert.equal((await ask("/api/v1/entries/by_job/NAME", "crm")).status, 200);
  assert.equal((await ask("/api/v1/monitor/calendar?job=NAME", "crm")).body.jobs[0].job_id, crm);
  assert.equal((await ask("/api/v1/jobs/NAME", "99")).body.detail, "Cannot find expected job 99");
  for (const [path, what] of [["monitor/findings", "finding"], ["entries", "entry"]]) {
    const { status, body } = await ask(`/api/v1/${path}/NAME`, "x");
    assert.deepEqual([status, body.detail], [404, `Cannot find ${what} "x"`]);
  }
});
