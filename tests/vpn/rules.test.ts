/** What the API refuses although its description does not say so: refused here, with the reason, before a call. */
import assert from "node:assert/strict";
import { type CloudConnexaClient, ValidationError } from "../../src/vpn/mod.ts";
import { furnish, tenantAndClient } from "./fixture.ts";

const long = "x".repeat(121);
const all = { type: "USER_GROUP", allCovered: true };

const RULES: readonly [
  title: string,
  call: (client: CloudConnexaClient) => Promise<unknown>,
  says: RegExp,
][] = [
  ["a user without a group", (c) => c.users.create({ username: "ada" }), /groupId is needed/],
  ["a long user name", (c) => c.users.create({ username: long, groupId: "g" }), /username is 121 characters/],
  ["a long first name", (c) => c.users.update("u", { firstName: "x".repeat(21) }), /firstName is 21/],
  ["a long last name", (c) => c.users.update("u", { lastName: "x".repeat(21) }), /lastName is 21/],
  [
    "a group without regions",
    (c) => c.userGroups.create({ name: "g" }),
    /vpnRegionIds is needed, or allRegionsIncluded/,
  ],
  [
    "a long group name",
    (c) => c.userGroups.create({ name: "x".repeat(41), allRegionsIncluded: true }),
    /name is 41 characters long, at most 40/,
  ],
  [
    "SAML as a way to log in",
    (c) => c.userGroups.create({ name: "g", allRegionsIncluded: true, connectAuth: "SAML" }),
    /SAML and LDAP are set up in the portal only/,
  ],
  ["a long device name", (c) => c.devices.create("u", { name: "x".repeat(33) }), /name is 33/],
  [
    "an access group without sources",
    (c) => c.accessGroups.create({ name: "a", source: [], destination: [all] }),
    /source must not be empty/,
  ],
  [
    "an access group without destinations",
    (c) => c.accessGroups.create({ name: "a", source: [all] }),
    /destination must not be empty/,
  ],
  [
    "an item without allCovered",
    (c) => c.accessGroups.create({ name: "a", source: [{ type: "HOST" }], destination: [all] }),
    /source\[0\].allCovered is needed/,
  ],
  [
    "a location context without default",
    (c) => c.locationContexts.create({ name: "l", countryCheck: { allowed: true, countries: ["DE"] } }),
    /defaultCheck is needed/,
  ],
  [
    "a location context without check",
    (c) => c.locationContexts.create({ name: "l", defaultCheck: { allowed: true } }),
    /ipCheck is needed, or countryCheck/,
  ],
  [
    "a location context without addresses",
    (c) =>
      c.locationContexts.create({
        name: "l",
        defaultCheck: { allowed: true },
        ipCheck: { allowed: true, ips: [] },
      }),
    /ipCheck.ips must not be empty/,
  ],
  [
    "an address that is not in CIDR form",
    (c) =>
      c.locationContexts.create({
        name: "l",
        defaultCheck: { allowed: true },
        ipCheck: { allowed: true, ips: [{ ip: "1.2.3.4" }] },
      }),
    /ips\[0\].ip must be in CIDR form: 1.2.3.4\/32/,
  ],
  [
    "a DNS record without address",
    (c) => c.dnsRecords.create({ domain: "a.example" }),
    /ipv4Addresses is needed, or ipv6Addresses/,
  ],
  [
    "a DNS record with a wrong address",
    (c) => c.dnsRecords.create({ domain: "a.example", ipv4Addresses: ["2001:db8::1"] }),
    /no IPv4 address/,
  ],
  [
    "a route that is a domain",
    (c) => c.routes.create("n", { value: "a.example" }),
    /domains are applications since release 1.0/,
  ],
  [
    "routes that overlap in one network",
    (c) => c.networks.create({ name: "n", routes: [{ value: "10.0.0.0/8" }, { value: "10.1.0.0/16" }] }),
    /routes\[1\].value 10.1.0.0\/16 overlaps 10.0.0.0\/8/,
  ],
  [
    "an IPsec connector in an OpenVPN network",
    (c) => c.networks.create({ name: "n", connectors: [{ name: "c", vpnRegionId: "r", ipSecConfig: {} }] }),
    /needs a network with tunnelingProtocol IPSEC/,
  ],
  [
    "an IPsec network whose connector has no IPsec",
    (c) =>
      c.networks.create({
        name: "n",
        tunnelingProtocol: "IPSEC",
        connectors: [{ name: "c", vpnRegionId: "r" }],
      }),
    /ipSecConfig is needed/,
  ],
  ["a long description", (c) => c.networks.create({ name: "n", description: long }), /description is 121/],
  [
    "a domain and comment of more than 150",
    (c) => c.cyberShield.add("block", [{ domain: "a.example", comment: "x".repeat(150) }]),
    /150 characters together/,
  ],
  [
    "more than 1000 domains",
    (c) => c.cyberShield.add("block", Array.from({ length: 1001 }, (_, i) => ({ domain: `n${i}.example` }))),
    /1000/,
  ],
];
for (const [title, call, says] of RULES) {
  Deno.test(`${title}: refused with the reason, without a call`, async () => {
    const { tenant, client } = tenantAndClient();
    await assert.rejects(call(client), (error) => {
      assert.ok(error instanceof ValidationError && error.errors.length > 0);
      assert.match(error.message, says);
      return true;
    });
    assert.equal(tenant.exchanges.length, 0);
  });
}

Deno.test("empty texts in nested objects are left out; at the top they clear a field", async () => {
  const { tenant, client } = tenantAndClient();
  await client.networks.create({
    name: "hq",
    description: "",
    connectors: [{ name: "hq-1", description: "", vpnRegionId: "it-mxp" }],
  });
  assert.deepEqual(JSON.parse(tenant.exchanges.at(-1)!.body), {
    name: "hq",
    description: "",
    connectors: [{ name: "hq-1", vpnRegionId: "it-mxp" }],
  });
});

Deno.test("what the tenant refuses comes with its reason: the owner, a user's device too many, an overlap", async () => {
  const { tenant, client } = tenantAndClient();
  const ids = furnish(tenant);
  const owner = tenant.store.where("users", "role", "OWNER")[0]!;
  await assert.rejects(client.users.update(owner.id, { groupId: ids.group }), /Owner can not be updated/);
  for (let i = 0; i < 2; i++) await client.devices.create(ids.user, { name: `d${i}` });
  await assert.rejects(client.devices.create(ids.user, { name: "d3" }), /Device limit is exceeded/);
  await assert.rejects(client.routes.create(ids.network, { value: "10.201.8.0/24" }), /overlaps/);
});

Deno.test("deleting a network takes its connectors, routes and services with it", async () => {
  const { tenant, client } = tenantAndClient();
  const ids = furnish(tenant);
  await client.networks.delete(ids.network);
  assert.equal(tenant.exchanges.at(-1)?.status, 204);
  assert.equal(tenant.store.all("networks/routes").length, 0);
  assert.equal(tenant.store.all("networks/applications").length, 0);
});
