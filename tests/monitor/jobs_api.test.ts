/** The published paths and fields of expected jobs and entries, and what is refused. */
import assert from "node:assert/strict";
import { testApp } from "../support/app.ts";
import { FakeClock } from "../support/clock.ts";

const SEED = {
  database_name: "shop",
  agent_id_responsible: "ACME_PARIS_NORTH",
  company_name: "ACME",
  city: "PARIS",
  expected_hour_utc: 13,
  expected_minute_utc: 0,
  backup_frequency: "daily",
  final_storage_path_template: "{company_name}/{city}/{year}/{database_name}",
};

Deno.test("a job is created with the published fields, with and without a slash at the end, and answered with all of them", async () => {
  await using world = await testApp({}, new FakeClock("2026-03-02T12:00:00Z"));
  const token = await world.keyFor("operator");
  const created = await world.request("POST", "/api/v1/jobs/", { token, json: SEED });
  assert.equal(created.status, 201);
  const job = await created.json();
  for (const [field, value] of Object.entries(SEED)) assert.equal(job[field], value, field);
  assert.equal(job.current_status, "unknown");
  assert.equal(job.expected_frequency, "daily");
  assert.equal(job.next_due_at, "2026-03-02T13:00:00.000Z");
  assert.equal(job.next_deadline_at, "2026-03-02T14:00:00.000Z");
  for (const path of ["/api/v1/jobs", "/api/v1/jobs/", `/api/v1/jobs/${job.id}`, `/api/v1/jobs/${job.id}/`]) {
    const answer = await world.request("GET", path, { token });
    assert.equal(answer.status, 200, path);
    const body = await answer.json();
    assert.deepEqual(Array.isArray(body) ? body[0] : body, job, path);
  }
  assert.deepEqual(await world.local("GET", `/api/v1/entries/by_job/${job.id}`), []);
});

Deno.test("a status sent along is ignored, words come in any case, and both names of the frequency count", async () => {
  await using world = await testApp({}, new FakeClock("2026-03-02T12:00:00Z"));
  const { backup_frequency: _, ...seed } = SEED;
  const job = await world.local("POST", "/api/v1/jobs", {
    ...seed,
    expected_frequency: "WEEKLY",
    days_of_week: ["Mon", "thursday", 0],
    current_status: "SUCCESS",
  });
  assert.equal(job.current_status, "unknown");
  assert.equal(job.backup_frequency, "weekly");
  assert.deepEqual(job.days_of_week, [0, 1, 4]);
  assert.equal((await world.local("GET", "/api/v1/jobs/?status=UNKNOWN")).length, 1);
  assert.equal((await world.local("GET", "/api/v1/jobs/?status=SUCCESS")).length, 0);
});

Deno.test("lists are paged and filtered by status, agent, company, city and database", async () => {
  await using world = await testApp({}, new FakeClock("2026-03-02T12:00:00Z"));
  for (const [database_name, city] of [["a", "PARIS"], ["b", "LYON"], ["c", "LYON"]]) {
    await world.local("POST", "/api/v1/jobs", { ...SEED, database_name, city });
  }
  const names = async (query: string) =>
    (await world.local("GET", `/api/v1/jobs/?${query}`)).map((job: { database_name: string }) =>
      job.database_name
    );
  assert.deepEqual(await names("skip=1&limit=1"), ["b"]);
  assert.deepEqual(await names("city=LYON"), ["b", "c"]);
  assert.deepEqual(await names("city=LYON&database=c"), ["c"]);
  assert.deepEqual(await names("company=OTHER"), []);
  assert.deepEqual(await names("agent=ACME_PARIS_NORTH"), ["a", "b", "c"]);
  const bad = await world.request("GET", "/api/v1/jobs/?limit=0", { token: await world.keyFor("operator") });
  assert.equal(bad.status, 400);
});

const BAD: { what: string; fields: object; status: number; says: RegExp }[] = [
  { what: "hour 24", fields: { expected_hour_utc: 24 }, status: 400, says: /expected_hour_utc/ },
  {
    what: "a template that leaves the root",
    fields: { final_storage_path_template: "../{database_name}" },
    status: 400,
    says: /template/,
  },
  {
    what: "an unknown variable",
    fields: { final_storage_path_template: "{company}/{city}" },
    status: 400,
    says: /company/,
  },
  {
    what: "an unknown frequency",
    fields: { backup_frequency: "yearly" },
    status: 400,
    says: /backup_frequency/,
  },
  {
    what: "an unknown zone",
    fields: { cron_expression: "0 3 * * *", timezone: "Mars/One" },
    status: 400,
    says: /Mars/,
  },
  {
    what: "a cron expression of six fields",
    fields: { cron_expression: "0 0 3 * * *" },
    status: 400,
    says: /five/,
  },
  { what: "no agent", fields: { agent_id_responsible: "" }, status: 400, says: /agent_id_responsible/ },
  { what: "a job that is there", fields: {}, status: 409, says: /already/ },
];

Deno.test("what is wrong with a job is refused, with the field that is wrong", async (t) => {
  await using world = await testApp({}, new FakeClock("2026-03-02T12:00:00Z"));
  const token = await world.keyFor("operator");
  await world.local("POST", "/api/v1/jobs", SEED);
  for (const { what, fields, status, says } of BAD) {
    await t.step(what, async () => {
      const answer = await world.request("POST", "/api/v1/jobs/", { token, json: { ...SEED, ...fields } });
      const body = await answer.json();
      assert.equal(answer.status, status, body.detail);
      assert.match(JSON.stringify(body), says);
    });
  }
});

Deno.test("entries go with their job, and the entries of a job that is gone are not found", async () => {
  await using world = await testApp({}, new FakeClock("2026-03-02T12:00:00Z"));
  const token = await world.keyFor("operator");
  const { id, ping_id } = await world.local("POST", "/api/v1/jobs", {
    database_name: "mail",
    way: "ping",
    cron_expression: "* * * * *",
  });
  const ping = await world.request("GET", `/api/v1/ping/${ping_id}/1`);
  assert.equal(ping.status, 200);
  await world.app.services.monitor.pings.idle();
  const [entry] = await world.local("GET", `/api/v1/entries/by_job/${id}/`);
  assert.equal(entry.status, "failed");
  assert.deepEqual(await world.local("GET", `/api/v1/entries/${entry.id}`), entry);
  const deleted = await world.request("DELETE", `/api/v1/jobs/${id}`, { token });
  assert.equal(deleted.status, 204);
  for (const path of [`/api/v1/jobs/${id}`, `/api/v1/entries/${entry.id}`, `/api/v1/entries/by_job/${id}`]) {
    assert.equal((await world.request("GET", path, { token })).status, 404, path);
  }
  assert.deepEqual(await world.local("GET", "/api/v1/entries/"), []);
});
