/** Reading to the end: pages, cursors, windows; and the shapes of what comes. */
import assert from "node:assert/strict";
import { type CloudConnexaClient, NotFoundError, ValidationError } from "../../src/vpn/mod.ts";
import { clientOf, furnish, LeapingClock, tenantAndClient } from "./fixture.ts";

const NOW = "2026-01-05T10:00:00Z";
const HOUR = 3_600_000;

Deno.test("pages are read from 0 until the last, in as few calls as there can be", async () => {
  const { tenant, client } = tenantAndClient();
  for (let i = 0; i < 2500; i++) {
    tenant.create("dns-records", { domain: `n${i}.example`, ipv4Addresses: ["192.0.2.1"] });
  }
  const all = await client.dnsRecords.listAll();
  assert.equal(new Set(all.map(({ id }) => id)).size, 2500);
  const calls = tenant.exchanges.filter(({ path }) => path.endsWith("/dns-records"));
  assert.deepEqual(calls.map(({ query }) => query), ["0", "1", "2"].map((page) => ({ page, size: "1000" })));
});

Deno.test("an empty collection is one call, though totalPages is 0", async () => {
  const { tenant, client } = tenantAndClient();
  assert.deepEqual(await client.hosts.listAll(), []);
  assert.equal(tenant.calls, 1);
});

Deno.test("what moves to the next page while pages are read comes once", async () => {
  const { tenant, client } = tenantAndClient();
  await client.regions.listAll();
  const page = (...ids: string[]) => () =>
    Response.json({ content: ids.map((id) => ({ id })), totalPages: 2 });
  tenant.faults.push(page("a", "b"), page("b", "c"));
  assert.deepEqual((await client.hosts.listAll()).map(({ id }) => id), ["a", "b", "c"]);
});

Deno.test("an API whose pages repeat, never end or lead in a circle is read no further", async () => {
  const { tenant, client } = tenantAndClient();
  await client.regions.listAll();
  const before = tenant.calls;
  const same = () => Response.json({ content: [{ id: "a" }], totalPages: 1e9 });
  tenant.faults.push(same, same, same);
  assert.deepEqual((await client.hosts.listAll()).map(({ id }) => id), ["a"]);
  assert.equal(tenant.calls - before, 2);
  tenant.faults.length = 0;
  let number = 0;
  const fresh = (): Response => {
    tenant.faults.push(fresh);
    return Response.json({ content: [{ id: `${number++}` }], totalPages: 1e9 });
  };
  tenant.faults.push(fresh);
  await assert.rejects(client.hosts.listAll(), { code: "endless" });
  tenant.faults.length = 0;
  const circle = ["x", "y", "x"].map((nextCursor) => () => Response.json({ sessions: [], nextCursor }));
  tenant.faults.push(...circle);
  await assert.rejects(Array.fromAsync(client.connections.each()), { code: "cursor_loop" });
});

const SIZES: readonly [title: string, call: (client: CloudConnexaClient) => Promise<unknown>][] = [
  ["devices above 1000", (client) => client.devices.list({ size: 1001 })],
  ["networks of 0", (client) => client.networks.list({ size: 0 })],
  ["networks of page -1", (client) => client.networks.list({ page: -1 })],
  ["sessions above 100", (client) => client.connections.list({ size: 101 })],
  ["sessions of 0", (client) => client.connections.list({ size: 0 })],
  ["the audit log above 100", (client) => client.auditLogs.list({ size: 101 })],
  ["the DNS log below 10", (client) => client.dnsLog.list({ startHour: NOW, size: 9 })],
  ["3 hours of the DNS log", (client) => client.dnsLog.list({ startHour: NOW, hoursBack: 3 })],
  ["sessions since a date that is none", (client) => client.connections.list({ startDate: "yesterday" })],
  [
    "25 hours of the audit log at once",
    (client) => client.auditLogs.list({ startDate: NOW, endDate: Date.parse(NOW) + 25 * HOUR }),
  ],
  [
    "a profile of a device without a region",
    (client) => client.profiles.ofDevice({ userId: "u", deviceId: "d" }, ""),
  ],
  ["routes of a network without id", (client) => client.routes.create("", { value: "10.0.0.0/8" })],
];
for (const [title, call] of SIZES) {
  Deno.test(`${title} is refused without a call`, async () => {
    const { tenant, client } = tenantAndClient();
    await assert.rejects(call(client), ValidationError);
    assert.equal(tenant.exchanges.length, 0);
  });
}

Deno.test("a cursor is followed until it is gone, and dates are sent as RFC 3339", async () => {
  const clock = new LeapingClock(NOW);
  const { tenant, client } = tenantAndClient({ clock });
  for (let i = 0; i < 250; i++) {
    const sessionStartTime = new Date(clock.now() - i * 1000).toISOString();
    tenant.sessions.push({ id: `s${i}`, userName: "ada", sessionStartTime, status: "ACTIVE" });
  }
  const ids = [];
  for await (const session of client.connections.each({ startDate: new Date(clock.now() - HOUR) })) {
    ids.push(session.id);
  }
  assert.equal(new Set(ids).size, 250);
  const queries = tenant.exchanges.slice(1).map(({ query }) => query);
  assert.deepEqual(queries.map(({ cursor }) => cursor), [undefined, "s99", "s199"]);
  assert.ok(queries.every(({ startDate }) => startDate === "2026-01-05T09:00:00Z"));
});

Deno.test("a cursor that leads nowhere is an error, not an endless loop", async () => {
  const { tenant, client } = tenantAndClient();
  await client.regions.listAll();
  tenant.faults.push(
    ...[1, 2].map(() => () => Response.json({ sessions: [], nextCursor: "same" })),
  );
  await assert.rejects(Array.fromAsync(client.connections.each()), /a cursor it was asked with/);
});

Deno.test("the audit log of three days is asked for in pieces of 24 hours, each line once", async () => {
  const clock = new LeapingClock(NOW);
  const { tenant, client } = tenantAndClient({ clock });
  const start = clock.now() - 60 * HOUR;
  for (let hour = 0; hour < 60; hour++) {
    tenant.auditLog.push({
      id: `a${hour}`,
      timestamp: new Date(start + hour * HOUR).toISOString(),
      operation: "UPDATE",
    });
  }
  const lines = await Array.fromAsync(client.auditLogs.each({ startDate: start, endDate: clock.now() }));
  assert.deepEqual(lines.map(({ id }) => id), Array.from({ length: 60 }, (_, i) => `a${i}`));
  assert.equal(tenant.calls, 3);
});

Deno.test("a DNS record, a user group and a route are one call each, no search", async () => {
  const { tenant, client } = tenantAndClient();
  const ids = furnish(tenant);
  for (
    const read of [
      () => client.dnsRecords.get(ids.record),
      () => client.userGroups.get(ids.group),
      () => client.routes.get(ids.route),
    ]
  ) {
    const before = tenant.calls;
    await read();
    assert.equal(tenant.calls, before + 1);
  }
});

Deno.test("a region nobody knows is none, not an error", async () => {
  const { client } = tenantAndClient();
  assert.equal(await client.regions.get("mars-1"), undefined);
  assert.equal((await client.regions.get("it-mxp"))?.country, "Italy");
});

Deno.test("devices name their user in each call, are created with 201 and deleted with 204", async () => {
  const { tenant, client } = tenantAndClient();
  const { user } = furnish(tenant);
  const device = await client.devices.create(user, { name: "tablet" });
  assert.equal(tenant.exchanges.at(-1)?.status, 201);
  assert.deepEqual(device.platform, { os: "linux", version: "6.1", clientVersion: "3.9" });
  await client.devices.update(user, device.id, { name: "tablet-2" });
  await client.devices.delete(user, device.id);
  assert.equal(tenant.exchanges.at(-1)?.status, 204);
  assert.ok(tenant.exchanges.slice(1).every(({ query }) => query.userId === user));
  await assert.rejects(client.devices.get(user, device.id), NotFoundError);
  assert.equal((await client.devices.listAll({ userId: user })).length, 1);
});

Deno.test("activate and suspend are PUTs; 400 and 404 come through", async () => {
  const { tenant, client } = tenantAndClient();
  const ids = furnish(tenant);
  await client.users.suspend(ids.user);
  assert.equal(tenant.store.get("users", ids.user).status, "SUSPENDED");
  for (
    const call of [
      (id: string) => client.users.activate(id),
      (id: string) => client.connectors.host.suspend(id),
      (id: string) => client.connectors.network.activate(id),
    ]
  ) {
    await assert.rejects(call("nobody"), NotFoundError);
    assert.equal(tenant.exchanges.at(-1)?.method, "PUT");
    tenant.faults.push(() => Response.json({ errorMessage: "not now" }, { status: 400 }));
    await assert.rejects(call(ids.user), ValidationError);
  }
  await assert.rejects(client.connectors.network.startIpSec(ids.networkConnector), /forbidden for non IPSEC/);
});

Deno.test("bodies make the round trip: exactMatch, gatewaysIds and its clearing, licensed, IPsec fields", async () => {
  const { tenant, client } = tenantAndClient();
  const ids = furnish(tenant);
  const { id } = await client.applications.network.create(ids.network, {
    name: "crm",
    routes: [{ value: "crm.example", exactMatch: true }],
  });
  assert.equal((await client.applications.network.get(id)).routes?.[0]?.exactMatch, true);
  await assert.rejects(
    // What is known for networks only is refused for hosts.
    client.applications.host.create(ids.host, {
      name: "crm",
      routes: [Object.assign({ value: "crm.example" }, { exactMatch: true })],
    }),
    ValidationError,
  );
  await client.networks.update(ids.network, { name: "hq", gatewaysIds: [ids.network] });
  assert.deepEqual((await client.networks.get(ids.network)).gatewaysIds, [ids.network]);
  await client.networks.update(ids.network, { name: "hq", gatewaysIds: [] });
  assert.deepEqual((await client.networks.get(ids.network)).gatewaysIds, []);
  const { licensed, ipSecConfig } = await client.connectors.network.get(ids.ipSecConnector);
  assert.equal(licensed, true);
  assert.deepEqual(
    [ipSecConfig?.serverIp, ipSecConfig?.serverId, ipSecConfig?.connectorState],
    ["192.0.2.1", "server-1", "ACTIVE"],
  );
});

Deno.test("sessions are filled under the names the API gives", async () => {
  const { tenant, client } = tenantAndClient();
  const sessionStartTime = new Date().toISOString();
  tenant.sessions.push({
    id: "s1",
    userName: "ada",
    region: "eu-central-1",
    sessionStartTime,
    status: "ACTIVE",
    bytesIn: 7,
  });
  const [session] = (await client.connections.list()).items;
  assert.deepEqual(
    [session?.id, session?.region, session?.sessionStartTime, session?.status, session?.bytesIn],
    ["s1", "eu-central-1", sessionStartTime, "ACTIVE", 7],
  );
});

Deno.test("an IPv4-only tenant and unknown fields and words are read as they come", async () => {
  const { tenant, client } = tenantAndClient({ ipv4Only: true });
  const ids = furnish(tenant);
  const connector = await client.connectors.network.get(ids.networkConnector);
  assert.equal(connector.ipV6Address, undefined);
  assert.deepEqual(await client.settings.get("wpc/subnet"), { ipV4Address: ["100.96.0.0/11"] });
  tenant.faults.push(() => Response.json({ id: "x", name: "y", internetAccess: "QUANTUM", brandNew: [1] }));
  assert.equal((await client.networks.get("x")).internetAccess, "QUANTUM");
});

Deno.test("settings travel as bare words or JSON, an unset one is undefined", async () => {
  const { tenant, client } = tenantAndClient();
  assert.equal(await client.settings.get("dns/custom-servers"), undefined);
  assert.equal(await client.settings.get("wpc/topology"), "FULL_MESH");
  await client.settings.set("wpc/topology", "CUSTOM");
  assert.equal(tenant.exchanges.at(-1)?.body, "CUSTOM");
  await client.settings.set("wpc/snat", false);
  assert.equal(tenant.exchanges.at(-1)?.body, "false");
  tenant.faults.push(() => new Response('"acme.example"'));
  assert.equal(await client.settings.get("dns/default-suffix"), "acme.example");
  await assert.rejects(client.settings.set("auth/saml/group-mappings", {}), /can only be read/);
});

Deno.test("the release is found out in at most four calls, and what is too new is explained", async () => {
  for (const [version, expected] of [["1.1.0", "1.1.0"], ["1.1.6", "1.1.6"], ["1.2.3", "1.2.3"]] as const) {
    const { tenant, client } = tenantAndClient({ version });
    assert.equal(await client.detectVersion(), expected);
    assert.ok(tenant.calls <= 4);
  }
  const { tenant, client } = tenantAndClient({ version: "1.1.0" });
  furnish(tenant);
  await assert.rejects(client.auditLogs.list(), (error) => {
    assert.ok(error instanceof NotFoundError);
    assert.match(error.hint ?? "", /came with release 1.1.6/);
    return true;
  });
  const told = clientOf(tenant, { version: "1.1.0" });
  await assert.rejects(told.auditLogs.list(), /came with release 1.1.6 of the API, the tenant runs 1.1.0/);
  await assert.rejects(
    told.userGroups.create({ name: "x", allRegionsIncluded: true, tunnelBypass: { ipv4Subnets: [] } }),
    /tunnelBypass came with release 1.2.3/,
  );
  assert.equal(tenant.calls, 1);
});
