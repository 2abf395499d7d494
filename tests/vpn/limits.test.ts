/** Rate limits: calls are paced by what the API tells, failures teach, and everything can be cancelled. */
import assert from "node:assert/strict";
import { CloudConnexaClient } from "../../src/vpn/mod.ts";
import { FakeClock } from "../support/clock.ts";
import { GENEROUS, STRICT } from "../support/cloudconnexa_limits.ts";
import { clientOf, LeapingClock, tenantAndClient } from "./fixture.ts";

const NOW = "2026-01-05T10:00:00Z";
const refused = (headers: Record<string, string> = {}) => () => new Response(null, { status: 429, headers });
const statuses = (tenant: { exchanges: { status: number }[] }) =>
  tenant.exchanges.map(({ status }) => status);

Deno.test("reads are paced by the headers, so that none is refused and none waits longer than it must", async () => {
  const clock = new LeapingClock(NOW);
  const { tenant, client } = tenantAndClient({ clock, limits: STRICT });
  const start = clock.now();
  for (let i = 0; i < 60; i++) await client.networks.list();
  assert.ok(statuses(tenant).every((status) => status === 200));
  const least = (60 - STRICT.capacity) * 15_000;
  const took = clock.now() - start;
  assert.ok(took >= least && took <= least * 1.01, `took ${took} ms, the limit demands ${least} ms`);
});

Deno.test("calls side by side are paced as well", async () => {
  const clock = new LeapingClock(NOW);
  const { tenant, client } = tenantAndClient({ clock, limits: STRICT });
  await Promise.all(Array.from({ length: 50 }, () => client.networks.list()));
  assert.ok(statuses(tenant).every((status) => status === 200));
});

Deno.test("reads and writes have limits of their own", async () => {
  const clock = new LeapingClock(NOW);
  const writeLimits = { capacity: 1, rate: 1, period_seconds: 60 };
  const { client } = tenantAndClient({ clock, limits: GENEROUS, writeLimits });
  await client.networks.create({ name: "a" });
  await client.networks.create({ name: "b" });
  const after = clock.now();
  await client.networks.list();
  assert.equal(clock.now(), after);
  assert.ok(clock.slept.some((ms) => ms >= 59_000));
  assert.deepEqual(client.limits.write, { remaining: 0, capacity: 1, rate: 1, period_seconds: 60 });
});

Deno.test("limits and pauses that no API means hold nobody up for days", async () => {
  const clock = new LeapingClock(NOW);
  const { tenant, client } = tenantAndClient({ clock });
  await client.regions.listAll();
  const start = clock.now();
  const headers = (period: string) => ({
    "x-ratelimit-remaining": "0",
    "x-ratelimit-replenish-rate": "1",
    "x-ratelimit-replenish-time": period,
  });
  tenant.faults.push(() => Response.json([], { headers: headers("99999999") }));
  await client.regions.listAll();
  await client.regions.listAll();
  assert.equal(clock.now(), start);
  tenant.faults.push(refused({ "retry-after": "99999999" }));
  await assert.rejects(client.regions.listAll(), { kind: "rate_limited" });
  await client.regions.listAll();
  const waited = clock.now() - start;
  assert.ok(waited >= 3_600_000 && waited <= 4_000_000, String(waited));
});

Deno.test("where reads and writes share a bucket, that is found out", async () => {
  const clock = new LeapingClock(NOW);
  const { tenant, client } = tenantAndClient({ clock, limits: { capacity: 4, rate: 1, period_seconds: 15 } });
  for (let i = 0; i < 8; i++) {
    await client.networks.list();
    await client.networks.create({ name: `n${i}` });
  }
  assert.equal(client.limits.shared, true);
  assert.ok(statuses(tenant).filter((status) => status === 429).length <= 2);
});

Deno.test("429 and 503 are tried again, by a write too", async () => {
  for (const status of [429, 503]) {
    const clock = new LeapingClock(NOW);
    const { tenant, client } = tenantAndClient({ clock });
    await client.regions.listAll();
    tenant.faults.push(...[1, 2].map(() => () => new Response(null, { status })));
    await client.networks.create({ name: "hq" });
    assert.equal(tenant.store.all("networks").length, 1);
    assert.ok(clock.slept.length > 0);
  }
});

Deno.test("a create that failed with 500 is not sent twice", async () => {
  const { tenant, client } = tenantAndClient();
  await client.regions.listAll();
  tenant.faults.push(() => new Response(null, { status: 500 }));
  await assert.rejects(client.networks.create({ name: "hq" }));
  assert.equal(tenant.store.all("networks").length, 0);
});

Deno.test("limits are learned from the headers of a 429", async () => {
  const clock = new LeapingClock(NOW);
  const { tenant, client } = tenantAndClient({ clock });
  await client.regions.listAll();
  tenant.faults.push(refused({
    "x-ratelimit-remaining": "0",
    "x-ratelimit-replenish-rate": "1",
    "x-ratelimit-replenish-time": "40",
    "x-ratelimit-burst-capacity": "2",
  }));
  const before = clock.now();
  await client.networks.list();
  assert.ok(clock.now() - before >= 40_000);
});

Deno.test("a rate of 0 in the headers is no endless wait", async () => {
  const clock = new LeapingClock(NOW);
  const { tenant, client } = tenantAndClient({ clock });
  const zero = {
    "x-ratelimit-remaining": "0",
    "x-ratelimit-replenish-rate": "0",
    "x-ratelimit-replenish-time": "0",
    "x-ratelimit-burst-capacity": "0",
  };
  await client.regions.listAll();
  tenant.faults.push(
    refused(zero),
    () => Response.json({ content: [], totalPages: 0 }, { headers: zero }),
  );
  assert.deepEqual((await client.networks.list()).items, []);
  assert.ok(clock.slept.every((ms) => Number.isFinite(ms) && ms < 120_000));
});

Deno.test("Retry-After is kept where it is sent", async () => {
  const clock = new LeapingClock(NOW);
  const { tenant, client } = tenantAndClient({ clock });
  await client.regions.listAll();
  tenant.faults.push(refused({ "retry-after": "90" }));
  const before = clock.now();
  await client.networks.list();
  assert.ok(clock.now() - before >= 90_000);
});

Deno.test("after a 429 the sessions and the audit log wait a minute", async () => {
  for (const read of ["connections", "auditLogs"] as const) {
    const clock = new LeapingClock(NOW);
    const { tenant, client } = tenantAndClient({ clock });
    await client.regions.listAll();
    tenant.faults.push(refused());
    const before = clock.now();
    await client[read].list();
    assert.ok(clock.now() - before >= 60_000);
  }
});

Deno.test("a wait can be cancelled, and is told before it begins", async () => {
  const clock = new FakeClock(NOW);
  const told: string[] = [];
  const { tenant } = tenantAndClient({ clock, limits: { capacity: 1, rate: 1, period_seconds: 15 } });
  const client = clientOf(tenant, { clock, onWait: (_, reason) => told.push(reason) });
  await client.networks.list();
  const stop = new AbortController();
  const waiting = client.networks.list({ signal: stop.signal });
  while (clock.sleeping === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  assert.equal(tenant.calls, 1);
  assert.match(told[0] ?? "", /rate limit lets one read pass every 15 s/);
  // Whoever stood behind is not held up by who left.
  clock.advance(16_000);
  await client.networks.list();
});

Deno.test("an API that tells no limits is not held back", async () => {
  const clock = new LeapingClock(NOW);
  const client = new CloudConnexaClient({
    cloudId: "acme",
    clientId: "i",
    clientSecret: "s",
    clock,
    fetch: (url) =>
      Promise.resolve(
        url.endsWith("/oauth/token")
          ? Response.json({ access_token: "t", expires_in: 43_199 })
          : Response.json({ content: [], totalPages: 0 }),
      ),
  });
  await Promise.all(Array.from({ length: 100 }, () => client.networks.list()));
  assert.deepEqual(clock.slept, []);
  assert.equal(client.limits.read, null);
});
