/** The daemon's answers about Veeam servers: over HTTP, in metrics, as an engine of schedules, and in its alerts. */
import assert from "node:assert/strict";
import { systemClock } from "../../src/lib/clock.ts";
import { testApp } from "../support/app.ts";
import { FakeVeeam } from "../support/veeam/fake.ts";

Deno.test("what was read is served with its age, counted in metrics and told as an alert", async () => {
  const fake = new FakeVeeam({ clock: systemClock });
  fake.addSession({ job: 5, result: "Failed", message: "no space left" });
  await using served = fake.serve();
  await using t = await testApp({
    VEEAM_HOST: served.url,
    VEEAM_USER: fake.user,
    VEEAM_PASSWORD: fake.password,
    HOLDFAST_NOTIFY_CHANNELS_LOG_KIND: "syslog",
    HOLDFAST_NOTIFY_CHANNELS_LOG_URL: "udp://127.0.0.1:9",
    "metrics.public": "true",
  });
  const [read] = await t.local("POST", "/api/v1/veeam/sync", {});
  assert.deepEqual([read.jobs, read.sessions, read.changes], [5, 21, 1]);
  const calls = fake.requests.length;
  const jobs = await t.local("GET", "/api/v1/veeam/jobs?status=Failed");
  assert.deepEqual(jobs.map(({ name, server }: Record<string, unknown>) => [name, server]), [[
    "Job 0005",
    "default",
  ]]);
  assert.ok(Date.parse(jobs[0].read_at) > 0);
  assert.equal(fake.requests.length, calls, "answered from the store");
  await t.local("GET", "/api/v1/veeam/jobs?live=true");
  assert.ok(fake.requests.length > calls);

  const metrics = await (await t.request("GET", "/metrics")).text();
  assert.match(metrics, /holdfast_veeam_up\{server="default"\} 1/);
  assert.match(
    metrics,
    /holdfast_veeam_job_last_result\{server="default",job="Job 0005",type="VSphereBackup"\} 2/,
  );
  assert.match(
    metrics,
    /holdfast_veeam_repository_capacity_bytes\{server="default",repository="Main store"\} \d+/,
  );
  assert.match(metrics, /holdfast_veeam_license_days_left\{server="default"\} 200/);

  await t.app.services.notify.idle();
  const sent = await t.app.services.notify.outbox.list({ limit: 10 });
  assert.match(JSON.stringify(sent), /default\/Job 0005/);
  const [state] = await t.local("GET", "/api/v1/veeam/status");
  assert.equal(state.error, null);
  const report = await t.local("GET", "/api/v1/veeam/report");
  assert.equal(report.verdict, "bad");
  const refused = await t.request("GET", "/api/v1/veeam/report?mail=ops@example.org", {
    token: await t.keyFor("admin"),
  });
  assert.equal(refused.status, 403);
  await refused.body?.cancel();
});
