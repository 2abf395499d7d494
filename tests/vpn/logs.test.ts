/** Sessions and the audit log as people ask for them, and as they follow them. */
import assert from "node:assert/strict";
import { Logs } from "../../src/vpn/logs.ts";
import { Tenants } from "../../src/vpn/tenants.ts";
import { VpnConfig } from "../../src/vpn/config.ts";
import { FakeCloudConnexa } from "../support/cloudconnexa.ts";
import { LeapingClock } from "./fixture.ts";

const NOW = "2026-01-05T10:00:00Z";
const HOUR = 3_600_000;

function world(): { clock: LeapingClock; tenant: FakeCloudConnexa; logs: Logs } {
  const clock = new LeapingClock(NOW);
  const tenant = new FakeCloudConnexa({ clock });
  const { clientId, clientSecret } = tenant.door;
  const settings = VpnConfig.parse({ cloud_id: "acme", client_id: clientId, client_secret: clientSecret });
  return { clock, tenant, logs: new Logs(new Tenants({ settings, clock, fetch: tenant.fetch }), clock) };
}

Deno.test("since and until are durations back from now, days or instants", async () => {
  const { clock, tenant, logs } = world();
  for (const hours of [1, 20, 50]) {
    const sessionStartTime = new Date(clock.now() - hours * HOUR).toISOString();
    tenant.sessions.push({ id: `${hours}`, status: "COMPLETED", sessionStartTime });
  }
  const { signal } = new AbortController();
  const ids = async (span: { since?: string; until?: string }) =>
    (await logs.sessions(span, signal)).map(({ id }) => id);
  assert.deepEqual(await ids({}), ["1", "20"]);
  assert.deepEqual(await ids({ since: "3d" }), ["1", "20", "50"]);
  assert.deepEqual(await ids({ since: "3d", until: "2h" }), ["20", "50"]);
  assert.deepEqual(await ids({ since: "2026-01-05" }), ["1"]);
  assert.deepEqual(await ids({ since: "2026-01-04T13:00:00Z", until: "2026-01-04T15:00:00+00:00" }), ["20"]);
});

Deno.test("who follows sessions is told each beginning and each end once", async () => {
  const { clock, tenant, logs } = world();
  const stop = new AbortController();
  const told: string[] = [];
  for await (const { text, session } of logs.followSessions(undefined, 60, stop.signal)) {
    told.push(session === undefined ? "started" : `${session.id} ${session.status}`);
    if (told.length === 1) {
      tenant.sessions.push({
        id: "s1",
        userName: "ada",
        status: "ACTIVE",
        sessionStartTime: new Date(clock.now()).toISOString(),
      });
    }
    if (told.length === 2) {
      clock.advance(30_000);
      Object.assign(tenant.sessions[0]!, {
        status: "COMPLETED",
        sessionEndTime: new Date(clock.now()).toISOString(),
      });
    }
    assert.ok(!text.includes("undefined"));
    if (told.length === 3) break;
  }
  assert.deepEqual(told, ["started", "s1 ACTIVE", "s1 COMPLETED"]);
});

Deno.test("who follows the audit log is told each line once, and an interruption ends it", async () => {
  const { clock, tenant, logs } = world();
  const stop = new AbortController();
  const told: string[] = [];
  await assert.rejects(async () => {
    for await (const { entry } of logs.followAudit(undefined, 60, stop.signal)) {
      told.push(entry?.id ?? "started");
      if (told.length <= 3) {
        clock.advance(1000);
        tenant.auditLog.push({
          id: `a${told.length}`,
          timestamp: new Date(clock.now()).toISOString(),
          operation: "UPDATE",
        });
      } else stop.abort(new Error("Ctrl-C"));
    }
  }, /Ctrl-C/);
  assert.deepEqual(told, ["started", "a1", "a2", "a3"]);
});

Deno.test("the DNS log of five hours is read in pieces of two", async () => {
  const { clock, tenant, logs } = world();
  for (let hour = 1; hour <= 5; hour++) {
    tenant.dnsLog.push({ time: clock.now() - hour * HOUR, domain: `h${hour}.example`, allowedCount: 1 });
  }
  const entries = await logs.dns({ since: "5h" }, new AbortController().signal);
  assert.equal(entries.length, 5);
  const asked = tenant.exchanges.filter(({ path }) => path.includes("dns-log"));
  assert.ok(asked.length === 3 && asked.every(({ query }) => query.hoursBack === "2"));
});
