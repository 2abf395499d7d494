/** Tenants in the whole application: the job, alerts in the outbox, metrics, and a tenant as a scheduled backup. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { allJobs } from "../../src/catalogue.ts";
import { SOCKET, type TestApp, testApp } from "../support/app.ts";
import { FakeCloudConnexa } from "../support/cloudconnexa.ts";
import { furnish } from "./fixture.ts";

async function withDaemon(work: (app: TestApp, tenant: FakeCloudConnexa) => Promise<void>): Promise<void> {
  const tenant = new FakeCloudConnexa();
  furnish(tenant);
  await using server = tenant.serve();
  await using app = await testApp({
    CLOUDCONNEXA_URL: server.url,
    CLOUDCONNEXA_CLIENT_ID: tenant.door.clientId,
    CLOUDCONNEXA_CLIENT_SECRET: tenant.door.clientSecret,
    "notify.mail.host": "127.0.0.1",
    "notify.mail.recipients": "ops@example.org",
  });
  try {
    await work(app, tenant);
  } finally {
    await app.app.services.vpn.close();
  }
}

const sync = async ({ app }: TestApp) => {
  const job = (await allJobs()).find(({ name }) => name === "vpn-sync");
  await job?.run(app.services);
};

Deno.test("the job vpn-sync looks at tenants; what matters is in the outbox, numbers are in the metrics", () =>
  withDaemon(async (app, tenant) => {
    const connector = tenant.store.where("networks/connectors", "name", "hq-1")[0]!;
    connector.connectionStatus = "ONLINE";
    await sync(app);
    connector.connectionStatus = "OFFLINE";
    await sync(app);
    const messages = JSON.stringify(await app.local("GET", "/api/v1/notify/outbox"));
    assert.match(messages, /connector/);
    assert.match(JSON.stringify(await app.local("GET", "/api/v1/vpn/status")), /"error":null/);
    const { body: metrics } = await app.app.metrics.text();
    assert.match(
      metrics,
      /holdfast_vpn_connections\{tenant="default",kind="network-connectors",status="OFFLINE"\} 2/,
    );
    assert.match(metrics, /holdfast_vpn_rate_limit_remaining\{tenant="default",lane="read"\} \d+/);
    assert.ok(!messages.includes("a-shared-key") && !messages.includes(tenant.door.clientSecret));
  }));

Deno.test("an apply that ends half-way is answered with the status of what ended it, and audited as failed", () =>
  withDaemon(async (app, tenant) => {
    let posts = 0;
    const fault = (request: Request): Response | undefined => {
      if (request.method !== "POST" || request.url.endsWith("/oauth/token") || ++posts < 2) return undefined;
      tenant.faults.push(fault);
      return new Response(null, { status: 401 });
    };
    tenant.faults.push(fault);
    const files = { "hosts.yaml": "- name: web\n- name: mail\n" };
    const answer = await app.request("POST", "/api/v1/vpn/apply", { peer: SOCKET, json: { files } });
    assert.equal(answer.status, 502);
    const body = await answer.json();
    assert.deepEqual(
      [body.steps.map(({ result }: { result: string }) => result), body.stopped.code],
      [["done", "failed"], "vpn_authentication"],
    );
    const { lines } = await app.local("GET", "/api/v1/audit?operation=vpn");
    assert.deepEqual(
      lines.map(({ operation, outcome }: Record<string, string>) => [operation, outcome]),
      [["vpn.apply", "failed"]],
    );
  }));

Deno.test("a schedule keeps a tenant as a backup, which restores to a file that leaves nothing to plan", () =>
  withDaemon(async (app, tenant) => {
    const destination = join(app.dir, "backups");
    const { id: server } = await app.local("POST", "/api/v1/servers", { name: "cloud", host: "127.0.0.1" });
    const { id } = await app.local("POST", "/api/v1/backup-scheduler/schedules", {
      server_id: server,
      name: "tenant",
      cron_expression: "0 2 * * *",
      engine: "cloudconnexa",
      engine_options: { destination },
    });
    const { run_id } = await app.local("POST", `/api/v1/backup-scheduler/schedules/${id}/trigger`);
    await app.app.services.schedules.idle();
    const log = await app.local("GET", `/api/v1/backup-scheduler/logs/${run_id}`);
    assert.equal(log.status, "success", log.error_message);
    const target = join(app.dir, "restored");
    await app.local("POST", `/api/v1/backups/${log.backup_id}/restore`, { to: target });
    const from = join(target, "tenant.yaml");
    const text = await Deno.readTextFile(from);
    assert.ok(text.includes("ada@example.org") && !text.includes("a-shared-key"));
    const { steps } = await app.local("POST", "/api/v1/vpn/plan", { from });
    assert.deepEqual(steps, []);
    tenant.store.wipe();
    const again = await app.local("POST", "/api/v1/vpn/plan", { from });
    assert.ok(again.steps.length > 15);
  }));
