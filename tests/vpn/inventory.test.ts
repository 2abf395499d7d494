/** What the daemon keeps: the inventory and its history, alerts, drift, and feeds that lose and double nothing. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { AlertEvent } from "../../src/notify/mod.ts";
import { VpnConfig } from "../../src/vpn/config.ts";
import { Inventory } from "../../src/vpn/inventory.ts";
import type { VpnTables } from "../../src/vpn/tables.ts";
import { Tenants } from "../../src/vpn/tenants.ts";
import { Vpn } from "../../src/vpn/vpn.ts";
import { driftAlert } from "../../src/vpn/watch.ts";
import { FakeCloudConnexa, type FakeOptions } from "../support/cloudconnexa.ts";
import { caller, type TempStore, tempStore } from "../support/store.ts";
import { furnish, LeapingClock } from "./fixture.ts";

const NOW = "2026-01-05T10:00:00Z";
const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];

interface World extends AsyncDisposable {
  clock: LeapingClock;
  tenant: FakeCloudConnexa;
  store: TempStore;
  alerts: AlertEvent[];
  inventory: Inventory;
  /** Another process on the same database. */
  restart(): Inventory;
  sync(): Promise<void>;
}

async function world(given: Record<string, unknown> = {}, options: FakeOptions = {}): Promise<World> {
  const clock = new LeapingClock(NOW);
  const tenant = new FakeCloudConnexa({ clock, ...options });
  const store = await tempStore(clock);
  const alerts: AlertEvent[] = [];
  const settings = VpnConfig.parse({
    cloud_id: "acme",
    client_id: tenant.door.clientId,
    client_secret: tenant.door.clientSecret,
    ...given,
  });
  const open = () =>
    new Inventory({
      tenants: new Tenants({ settings, clock, fetch: tenant.fetch }),
      clock,
      database: store.database,
      alerts: { enqueue: (_, event) => Promise.resolve(void alerts.push(event)) },
      feedDays: settings.feed_days,
    });
  const inventory = open();
  return {
    clock,
    tenant,
    store,
    alerts,
    inventory,
    restart: open,
    sync: () => inventory.sync("default", new AbortController().signal),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** News apart from the recovery of a key that never was in danger. */
const news = (alerts: readonly AlertEvent[]) =>
  alerts.filter(({ code }) => code !== "key_expires").map((
    { code, kind, subject },
  ) => [code, kind, subject.name]);

Deno.test("the first look finds everything and changes nothing; later ones tell what changed, and when", async () => {
  await using w = await world();
  const ids = furnish(w.tenant);
  await w.sync();
  assert.deepEqual(await w.inventory.history({}), []);
  assert.equal((await w.inventory.list(undefined, "networks")).length, 2);
  w.clock.advance(10 * MINUTE);
  w.tenant.store.get("networks", ids.network).description = "Head office";
  w.tenant.store.delete("dns-records", ids.record);
  w.tenant.create("hosts", { name: "web" });
  await w.sync();
  const changes = await w.inventory.history({});
  assert.deepEqual(changes.map(({ action, kind, name }) => [action, kind, name]).sort(), [
    ["created", "hosts", "web"],
    ["deleted", "dns-records", "a.example"],
    ["updated", "networks", "hq"],
  ]);
  assert.deepEqual(changes.find(({ kind }) => kind === "networks")?.fields, [
    { field: "description", from: "office", to: "Head office" },
  ]);
  assert.ok(changes.every(({ at }) => at === "2026-01-05T10:10:00.000Z"));
  assert.deepEqual(news(w.alerts), []);
});

Deno.test("nothing secret is kept, and being online is no change", async () => {
  await using w = await world();
  const ids = furnish(w.tenant);
  await w.sync();
  w.tenant.store.get("users", ids.user).connectionStatus = "ONLINE";
  await w.sync();
  assert.deepEqual(await w.inventory.history({}), []);
  const rows = await w.store.database.tables<VpnTables>().selectFrom("vpn_things").selectAll().execute();
  assert.ok(rows.length > 20 && !JSON.stringify(rows).includes("a-shared-key"));
  const online = (await w.inventory.connections()).filter(({ kind, connection }) =>
    kind === "users" && connection === "ONLINE"
  );
  assert.deepEqual(online.map(({ count }) => count), [1]);
});

Deno.test("a connector that leaves is told, and that it is back; one that never was online is not", async () => {
  await using w = await world();
  const ids = furnish(w.tenant);
  const connector = w.tenant.store.get("networks/connectors", ids.networkConnector);
  await w.sync();
  // Older tenants answer in lower case.
  for (const status of ["online", "OFFLINE", "OFFLINE", "ONLINE_WITH_ISSUES"]) {
    w.clock.advance(10 * MINUTE);
    connector.connectionStatus = status;
    await w.sync();
  }
  assert.deepEqual(news(w.alerts), [
    ["connector_offline", "recovered", "default/hq-1"],
    ["connector_offline", "finding", "default/hq-1"],
    ["connector_offline", "recovered", "default/hq-1"],
  ]);
  assert.equal(
    new Set(w.alerts.map(({ key }) => key)).size,
    w.alerts.length - w.alerts.filter(({ code }) => code === "key_expires").length + 1,
  );
});

Deno.test("a blocked user and a changed setting are told once", async () => {
  await using w = await world();
  const ids = furnish(w.tenant);
  await w.sync();
  w.tenant.store.get("users", ids.user).status = "SUSPENDED";
  w.tenant.settings.get("wpc/topology")!.value = "CUSTOM";
  for (let i = 0; i < 3; i++) await w.sync();
  assert.deepEqual(news(w.alerts), [
    ["user_blocked", "notice", "default/ada@example.org"],
    ["settings_changed", "notice", "default"],
  ]);
  assert.deepEqual(w.alerts.find(({ code }) => code === "settings_changed")?.facts, {
    tenant: "default",
    setting: "wpc/topology",
    from: '"FULL_MESH"',
    to: '"CUSTOM"',
  });
});

Deno.test("a key that ends soon is told", async () => {
  for (
    const [expires, kind, code] of [
      ["2026-01-10", "finding", "key_expires"],
      ["2026-01-01", "finding", "key_expired"],
      ["2026-06-01", "recovered", "key_expires"],
    ] as const
  ) {
    await using w = await world({ key_expires_at: expires });
    await w.sync();
    assert.deepEqual(w.alerts.map((event) => [event.kind, event.code]), [[kind, code]]);
  }
});

Deno.test("drift against the exported directory is a finding until it is mended", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-vpn-" });
  try {
    await using w = await world({ desired_dir: join(dir, "tenant") });
    const ids = furnish(w.tenant);
    const settings = VpnConfig.parse({
      cloud_id: "acme",
      client_id: w.tenant.door.clientId,
      client_secret: w.tenant.door.clientSecret,
    });
    const vpn = new Vpn({ settings, clock: w.clock, fetch: w.tenant.fetch });
    await vpn.keeper.export({ to: join(dir, "tenant"), secrets: false }, caller({ on_host: true }));
    await w.sync();
    const network = w.tenant.store.get("networks", ids.network);
    network.description = "Elsewhere";
    w.tenant.create("hosts", { name: "stray" });
    w.clock.advance(MINUTE);
    for (let i = 0; i < 2; i++) await w.sync();
    assert.deepEqual((await w.inventory.status())[0]?.drift, ["hosts/stray", "networks/hq"]);
    network.description = "office";
    w.tenant.store.delete("hosts", w.tenant.store.where("hosts", "name", "stray")[0]!.id);
    w.clock.advance(MINUTE);
    await w.sync();
    assert.deepEqual(news(w.alerts), [
      ["tenant_drift", "finding", "default"],
      ["tenant_drift", "recovered", "default"],
    ]);
    // Files that are wrong are told, and the tenant is looked at all the same.
    await Deno.writeTextFile(join(dir, "tenant/users.yaml"), "- [");
    w.tenant.create("hosts", { name: "web" });
    await w.sync();
    assert.deepEqual(news(w.alerts).at(-1), ["unreachable", "finding", "default"]);
    assert.ok((await w.inventory.list(undefined, "hosts")).some(({ name }) => name === "web"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a tenant that cannot be read is told once, keeps its inventory, and that it can be read again", async () => {
  await using w = await world();
  furnish(w.tenant);
  await w.sync();
  const things = (await w.inventory.status())[0]?.things;
  w.tenant.door.apiOff = true;
  w.tenant.door.revokeTokens();
  for (let i = 0; i < 3; i++) await w.sync();
  const [status] = await w.inventory.status();
  assert.match(status?.error ?? "", /API key was refused/);
  assert.equal(status?.things, things);
  w.tenant.door.apiOff = false;
  await w.sync();
  assert.deepEqual(news(w.alerts), [["unreachable", "finding", "default"], [
    "unreachable",
    "recovered",
    "default",
  ]]);
  assert.equal((await w.inventory.status())[0]?.error, null);
});

Deno.test("what is different between two dates is told without what came and went in between", async () => {
  await using w = await world();
  const ids = furnish(w.tenant);
  await w.sync();
  const network = w.tenant.store.get("networks", ids.network);
  for (const description of ["a", "b", "c"]) {
    w.clock.advance(DAY);
    network.description = description;
    const brief = w.tenant.create("hosts", { name: `brief ${description}` });
    await w.sync();
    w.tenant.store.delete("hosts", brief.id);
    await w.sync();
  }
  const steps = await w.inventory.between(undefined, "7d", undefined);
  assert.deepEqual(steps.map(({ key, changes }) => [key, changes]), [
    ["networks/hq", [{ field: "description", from: "office", to: "c" }]],
  ]);
  // Up to the day before yesterday.
  const [early] = await w.inventory.between(undefined, "7d", "30h");
  assert.deepEqual(early?.changes, [{ field: "description", from: "office", to: "a" }]);
});

Deno.test("a field that was empty and is empty again is no difference", async () => {
  await using w = await world();
  const ids = furnish(w.tenant);
  const network = w.tenant.store.get("networks", ids.network);
  delete network.description;
  await w.sync();
  for (const description of ["a", undefined]) {
    w.clock.advance(DAY);
    if (description === undefined) delete network.description;
    else network.description = description;
    await w.sync();
  }
  assert.equal((await w.inventory.history({})).length, 2);
  assert.deepEqual(await w.inventory.between(undefined, "7d", undefined), []);
});

Deno.test("files that are wrong are told, and keep nothing else from being seen; without files drift ends", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-vpn-" });
  try {
    await using w = await world({ desired_dir: dir });
    const ids = furnish(w.tenant);
    await Deno.writeTextFile(join(dir, "hosts.yaml"), "- name: wanted\n");
    await w.sync();
    w.clock.advance(MINUTE);
    await Deno.writeTextFile(join(dir, "hosts.yaml"), "- name: [\n");
    w.tenant.store.get("networks", ids.network).description = "Elsewhere";
    await w.sync();
    const [status] = await w.inventory.status();
    assert.match(status?.error ?? "", /Cannot read the tenant's files: hosts.yaml:2/);
    assert.ok(status?.drift.includes("hosts/wanted"), "as it was known last");
    assert.deepEqual((await w.inventory.history({})).map(({ name }) => name), ["hq"]);
    assert.notEqual(status?.audit_until, null);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
  assert.deepEqual(driftAlert("acme", NOW, ["hosts/x"], null)?.kind, "recovered");
  assert.equal(driftAlert("acme", NOW, [], null), null);
});

/** Lines of a log that come all the time, some of them late. */
function fillLogs({ tenant, clock }: World, count: number, start: number): void {
  for (let i = 0; i < count; i++) {
    const at = new Date(start + i * HOUR / 4).toISOString();
    tenant.auditLog.push({ id: `audit-${start}-${i}`, timestamp: at, operation: "UPDATE" });
    tenant.sessions.push({
      id: `session-${start}-${i}`,
      sessionStartTime: at,
      status: "ACTIVE",
      userName: "ada",
    });
  }
  void clock;
}

async function stored({ store }: World): Promise<{ sessions: string[]; audit: string[] }> {
  const db = store.database.tables<VpnTables>();
  const ids = async (table: "vpn_sessions" | "vpn_audit") =>
    (await db.selectFrom(table).select("id").orderBy("id").execute()).map(({ id }) => id);
  return { sessions: await ids("vpn_sessions"), audit: await ids("vpn_audit") };
}

Deno.test("the feeds read on in windows of 24 hours; an interruption anywhere loses and doubles nothing", async () => {
  await using w = await world();
  const start = w.clock.now() - 5 * DAY;
  fillLogs(w, 450, start);
  // The program is killed at the n-th call of a log, again and again.
  for (let kill = 1; kill < 14; kill++) {
    let calls = 0;
    w.tenant.faults.push((request) => {
      if (!/sessions|audit-log/.test(request.url) || ++calls < kill) return undefined;
      throw new TypeError("killed");
    });
    const stop = new AbortController();
    await w.restart().sync("default", stop.signal);
    w.tenant.faults.length = 0;
  }
  await w.restart().sync("default", new AbortController().signal);
  const { sessions, audit } = await stored(w);
  const expected = (kind: string) => Array.from({ length: 450 }, (_, i) => `${kind}-${start}-${i}`).sort();
  assert.deepEqual(sessions, expected("session"));
  assert.deepEqual(audit, expected("audit"));
});

Deno.test("a session that changed is one row, as it is now; lines that came late are found", async () => {
  await using w = await world();
  fillLogs(w, 4, w.clock.now() - HOUR);
  await w.sync();
  w.clock.advance(10 * MINUTE);
  const [session] = w.tenant.sessions;
  Object.assign(session!, {
    status: "COMPLETED",
    sessionEndTime: new Date(w.clock.now() - MINUTE).toISOString(),
  });
  // Written now about three minutes before the last look.
  w.tenant.auditLog.push({ id: "late", timestamp: new Date(w.clock.now() - 13 * MINUTE).toISOString() });
  await w.sync();
  const db = w.store.database.tables<VpnTables>();
  const rows = await db.selectFrom("vpn_sessions").selectAll().execute();
  assert.equal(rows.length, 4);
  assert.ok(rows.some(({ body }) => body.includes("COMPLETED")));
  assert.ok((await stored(w)).audit.includes("late"));
});

Deno.test("a release without an audit log is no failure", async () => {
  await using w = await world({}, { version: "1.1.0" });
  furnish(w.tenant);
  await w.sync();
  const [status] = await w.inventory.status();
  assert.deepEqual([status?.error, status?.audit_until], [null, null]);
  assert.notEqual(status?.sessions_until, null);
});

Deno.test("two looks at once are one", async () => {
  await using w = await world();
  await Promise.all([w.sync(), w.sync(), w.sync()]);
  assert.equal(w.tenant.exchanges.filter(({ path }) => path.endsWith("/networks")).length, 1);
});
