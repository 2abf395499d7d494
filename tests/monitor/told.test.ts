/** What other slices find is a finding here: it is listed, counted, known of, silent for a while, and ends with what it tells. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { createServices } from "../../src/app.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { openEmpty } from "../../src/data_dir.ts";
import { systemCaller } from "../../src/lib/caller.ts";
import { type Finding, OPEN_STATES } from "../../src/monitor/finding_model.ts";
import type { AlertEvent } from "../../src/notify/mod.ts";
import type { NotifyTables } from "../../src/notify/queries/tables.ts";
import type { Services } from "../../src/services.ts";
import type { Database } from "../../src/store/mod.ts";
import { testApp } from "../support/app.ts";
import { FakeClock } from "../support/clock.ts";
import { FakeVyos } from "../support/vyos.ts";
import { serveVyos } from "../support/vyos_server.ts";
import { handmade } from "../network/samples.ts";

const MINUTE = 60_000;
const PAGE = { skip: 0, limit: 100 };
const ADMIN = systemCaller("test");

interface World extends AsyncDisposable {
  clock: FakeClock;
  /** What a slice changes its own tables through. */
  database: Database;
  services: Services;
  tell(change: Partial<AlertEvent>): Promise<void>;
  /** What is not over. */
  open(): Promise<Finding[]>;
  /** State and code of each finding, the newest last. */
  found(): Promise<string[]>;
  /** What `monitor check` says. */
  check(): Promise<string>;
  /** How many messages wait. */
  waiting(): Promise<number>;
}

async function world(): Promise<World> {
  const clock = new FakeClock(Date.parse("2026-03-02T12:50:00Z"));
  const dir = await Deno.makeTempDir({ prefix: "holdfast-told-" });
  const args = {
    data_dir: dir,
    "notify.mail.host": "127.0.0.1",
    "notify.mail.recipients": "ops@example.org",
  };
  const loaded = await loadConfig({ args, env: {}, cwd: dir, systemFile: join(dir, "none.yaml") });
  const { database, close } = await openEmpty(clock);
  const services = createServices(loaded, database, clock);
  return {
    clock,
    database,
    services,
    tell: (change) =>
      database.transaction((tx) => services.monitor.told.enqueue(tx, { ...DRIFT, ...change })),
    open: () => services.monitor.findings.list({ ...PAGE, states: OPEN_STATES }),
    found: async () =>
      (await services.monitor.findings.list(PAGE)).map(({ state, code }) => `${state} ${code}`).toReversed(),
    check: async () => (await services.monitor.check({ nagios: false })).line,
    waiting: async () => (await services.notify.outbox.list(PAGE)).length,
    async [Symbol.asyncDispose]() {
      await close();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

const DRIFT: AlertEvent = {
  key: "router:edge:drift:1",
  kind: "finding",
  alert: "router:edge:drift",
  code: "drift",
  severity: "warning",
  subject: { kind: "router", id: "edge", name: "edge" },
  detail: "1 difference",
};

Deno.test("what a slice tells is open until it tells that it is over, and both are messages", async () => {
  await using one = await world();
  await one.tell({});
  await one.tell({ key: "2", detail: "2 differences", severity: "critical" });
  const [finding] = await one.open();
  assert.deepEqual(
    [finding?.code, finding?.severity, finding?.detail, finding?.count, finding?.subject_name],
    ["drift", "critical", "2 differences", 2, "edge"],
  );
  assert.equal(await one.check(), "critical: edge drift");
  assert.equal(await one.waiting(), 2);
  await one.tell({ key: "3", kind: "recovered" });
  assert.deepEqual(await one.found(), ["recovered drift"]);
  assert.doesNotMatch(await one.check(), /edge/);
  assert.equal(await one.waiting(), 3);
});

Deno.test("of two codes on one alert the later counts, and alerts whose names begin alike are apart", async () => {
  await using one = await world();
  await one.tell({ key: "1", alert: "veeam:hq", code: "lost" });
  await one.tell({ key: "2", alert: "veeam:hq:job:7", code: "failed" });
  await one.tell({ key: "3", alert: "veeam:hq", code: "license" });
  assert.deepEqual(await one.found(), ["replaced lost", "open failed", "open license"]);
  await one.tell({ key: "4", alert: "veeam:hq", code: "license", kind: "recovered" });
  assert.deepEqual(await one.found(), ["replaced lost", "open failed", "recovered license"]);
});

Deno.test("what gets worse while it is muted is told when that is over, once and as it is then", async () => {
  await using one = await world();
  await one.tell({});
  const [finding] = await one.open();
  const until = new Date(one.clock.now() + 30 * MINUTE).toISOString();
  await one.services.monitor.findings.mute(finding!.id, until, undefined, ADMIN);
  one.clock.advance(15 * MINUTE);
  await one.tell({ key: "2", severity: "critical", detail: "nothing is there" });
  await one.services.notify.tick();
  assert.deepEqual([await one.waiting(), await one.found()], [1, ["muted drift"]]);
  assert.doesNotMatch(await one.check(), /edge/);
  one.clock.advance(15 * MINUTE);
  await one.services.notify.tick();
  assert.equal(await one.waiting(), 2);
  const reminder = await one.database.tables<NotifyTables>().selectFrom("notify_events").select("body")
    .where("kind", "=", "reminder").executeTakeFirstOrThrow();
  const { severity, detail } = JSON.parse(reminder.body);
  assert.deepEqual([severity, detail], ["critical", "nothing is there"]);
  assert.match(await one.check(), /critical: edge drift/);
});

Deno.test("what goes on after a person said that it is over is a new finding, and told again", async () => {
  await using one = await world();
  // One key for the whole outage, told at each look.
  const outage = { alert: "veeam:hq", code: "lost", key: "veeam:hq:lost:2026-03-02" };
  await one.tell(outage);
  await one.tell(outage);
  await one.tell(outage);
  assert.equal(await one.waiting(), 1);
  const [finding] = await one.open();
  await one.services.monitor.findings.acknowledge(finding!.id, "on it", ADMIN);
  assert.doesNotMatch(await one.check(), /edge/);
  await one.services.monitor.findings.resolve(finding!.id, undefined, ADMIN);
  await one.tell(outage);
  assert.deepEqual(await one.found(), ["resolved lost", "open lost"]);
  assert.equal(await one.waiting(), 3, "told, resolved, told again");
});

Deno.test("findings about what is no longer configured end when the daemon starts", async () => {
  await using one = await world();
  await one.tell({ key: "1" });
  await one.tell({ key: "2", alert: "veeam:hq:job:7", code: "failed" });
  await one.services.monitor.told.keepOnly((alert) => !alert.startsWith("router:edge:"));
  assert.deepEqual(await one.found(), ["recovered drift", "open failed"]);
  assert.equal(await one.waiting(), 3);
});

Deno.test("a change that fails leaves neither finding nor message", async () => {
  await using one = await world();
  await assert.rejects(
    one.database.transaction(async (tx) => {
      await one.services.monitor.told.enqueue(tx, DRIFT);
      throw new Error("disk full");
    }),
    /disk full/,
  );
  assert.deepEqual([await one.found(), await one.waiting()], [[], 0]);
});

Deno.test("drift of a router is a finding that ends when the router is put right", async () => {
  const router = new FakeVyos({ config: handmade("rolling"), background: false });
  await using server = serveVyos(router);
  await using app = await testApp({ VYOS_URL: server.url, VYOS_API_KEY: router.key });
  const { network } = app.app.services;
  const pool = { name: "main", base_ip: "10.20.0.", start_octet: 100, end_octet: 101, is_active: true };
  await app.local("POST", "/v1/admin/ip-pools", pool);
  await app.local("POST", "/v1/admin/port-pools", { name: "out", start_port: 32_000, end_port: 32_010 });
  await app.local("POST", "/v1/provision", { vm_name: "vm-18" });
  router.edit("set nat destination rule 10000 translation port 2222");
  const { routers: [{ router: name }] } = await app.local("GET", "/api/v1/network/drift");
  await network.watch.check(name, ADMIN);
  const [finding] = await app.local("GET", "/api/v1/monitor/findings");
  assert.deepEqual([finding.code, finding.subject_name], ["drift", name]);
  await app.local("POST", "/api/v1/network/repair", {});
  await network.watch.check(name, ADMIN);
  assert.deepEqual(await app.local("GET", "/api/v1/monitor/findings"), []);
});
