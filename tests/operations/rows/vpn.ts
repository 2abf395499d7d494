/** Rows about CloudConnexa tenants; those of things are made from a table, as the operations are. */
import type { World } from "../../support/world.ts";
import type { Input, Row, Rows } from "../row.ts";

const operator = (input: Row["input"] = () => ({})): Row => ({ role: "operator", limited: "free", input });
const admin = (input: Row["input"] = () => ({})): Row => ({ role: "admin", limited: "never", input });

const config = { serviceTypes: ["HTTPS"] };
const everybody = [{ type: "USER_GROUP", allCovered: true }];

/** Per kind: what the tenant has one of, what it belongs to, a body to create another with, and a change. */
const THINGS: Record<string, { there: string; of?: Input; body(world: World): Input; change?: Input }> = {
  networks: { there: "hq", body: (world) => ({ name: world.fresh("network") }) },
  "network-connectors": {
    there: "hq-1",
    of: { network: "hq" },
    body: (world) => ({ name: world.fresh("connector"), vpnRegionId: "it-mxp" }),
  },
  "network-routes": {
    there: "10.201.0.0/16",
    of: { network: "hq" },
    body: (world) => ({ value: subnet(Number(world.fresh("").slice(1))) }),
  },
  "network-ip-services": {
    there: "wiki",
    of: { network: "hq" },
    body: (world) => ({ name: world.fresh("service"), config, routes: [{ value: "10.201.1.0/24" }] }),
  },
  "network-applications": {
    there: "intranet",
    of: { network: "hq" },
    body: (world) => ({ name: world.fresh("application"), config, routes: [{ value: "a.example" }] }),
  },
  hosts: { there: "db", body: (world) => ({ name: world.fresh("host") }) },
  "host-connectors": {
    there: "db-1",
    of: { host: "db" },
    body: (world) => ({ name: world.fresh("connector"), vpnRegionId: "it-mxp" }),
  },
  "host-ip-services": {
    there: "sql",
    of: { host: "db" },
    body: (world) => ({ name: world.fresh("service"), config }),
  },
  "host-applications": {
    there: "admin",
    of: { host: "db" },
    body: (world) => ({ name: world.fresh("application"), config, routes: [{ value: "b.example" }] }),
  },
  users: {
    there: "ada@example.org",
    body: (world) => ({ username: world.fresh("user"), groupId: "engineers" }),
    change: { firstName: "Ada" },
  },
  "user-groups": {
    there: "engineers",
    body: (world) => ({ name: world.fresh("group"), allRegionsIncluded: true }),
    change: { maxDevice: 100 },
  },
  devices: {
    there: "laptop",
    of: { user: "ada@example.org" },
    body: (world) => ({ name: world.fresh("device") }),
  },
  "device-postures": { there: "managed", body: (world) => ({ name: world.fresh("posture") }) },
  "location-contexts": {
    there: "office",
    body: (world) => ({
      name: world.fresh("context"),
      defaultCheck: { allowed: false },
      countryCheck: { allowed: true, countries: ["FR"] },
    }),
  },
  "dns-records": {
    there: "a.example",
    body: (world) => ({ domain: world.fresh("record"), ipv4Addresses: ["192.0.2.1"] }),
  },
  "access-groups": {
    there: "engineers to wiki",
    body: (world) => ({ name: world.fresh("group"), source: everybody, destination: everybody }),
  },
};

/** A subnet nobody else has. */
const subnet = (n: number) => `10.${Math.floor(n / 250)}.${n % 250}.0/24`;
const labels = ["name", "domain", "username", "value"];

const things: Rows = Object.fromEntries(
  Object.entries(THINGS).flatMap(([word, { there, of = {}, body, change = { description: "changed" } }]) => [
    [`vpn.${word}.list`, operator()],
    [`vpn.${word}.get`, operator(() => ({ ref: there }))],
    [`vpn.${word}.create`, operator((world) => ({ ...body(world), ...of }))],
    [`vpn.${word}.update`, operator(() => ({ ref: there, ...change }))],
    [
      `vpn.${word}.delete`,
      operator(async (world) => {
        const made = body(world);
        await world.local("POST", `/api/v1/vpn/${word}`, { ...made, ...of });
        return { ref: String(labels.map((label) => made[label]).find((label) => label !== undefined)) };
      }),
    ],
  ]),
);

const actions = (word: string, there: string, ...verbs: string[]): Rows =>
  Object.fromEntries(verbs.map((verb) => [`vpn.${word}.${verb}`, operator(() => ({ ref: there }))]));

const credentials = (word: string, there: string): Rows => ({
  [`vpn.${word}.profile`]: admin(() => ({ ref: there })),
  [`vpn.${word}.token`]: admin(() => ({ ref: there })),
  [`vpn.${word}.bundle`]: admin(() => ({ ref: there, type: "MSI" })),
});

const of = operator(() => ({ ref: "engineers to wiki", type: "USER_GROUP" }));
const toAll = operator(() => ({ ref: "engineers to wiki", type: "USER_GROUP", allCovered: true }));

export const vpnRows: Rows = {
  ...things,
  ...actions("network-connectors", "hq-1", "activate", "suspend", "revoke"),
  ...actions("network-connectors", "vault-1", "start", "stop"),
  ...actions("host-connectors", "db-1", "activate", "suspend", "revoke"),
  ...actions(
    "users",
    "ada@example.org",
    "activate",
    "suspend",
    "reset-mfa",
    "resend-invitation",
    "force-password-change",
  ),
  ...actions("devices", "laptop", "revoke"),
  ...credentials("network-connectors", "hq-1"),
  ...credentials("host-connectors", "db-1"),
  "vpn.devices.profile": admin(() => ({ ref: "laptop", region: "it-mxp" })),
  "vpn.access-groups.add-source": toAll,
  "vpn.access-groups.add-destination": toAll,
  "vpn.access-groups.remove-source": of,
  "vpn.access-groups.remove-destination": of,
  "vpn.sessions.list": operator(),
  "vpn.sessions.follow": operator(),
  "vpn.audit.list": operator(),
  "vpn.audit.follow": operator(),
  "vpn.dns-log.list": operator(),
  "vpn.dns-log.status": operator(),
  "vpn.dns-log.enable": admin(),
  "vpn.dns-log.disable": admin(),
  "vpn.access-visibility.status": operator(),
  "vpn.access-visibility.enable": admin(),
  "vpn.access-visibility.disable": admin(),
  "vpn.cyber-shield.add": operator(() => ({ list: "block", domains: ["bad.example"] })),
  "vpn.cyber-shield.remove": operator(() => ({ list: "block", domains: ["bad.example"] })),
  "vpn.tenants.list": operator(),
  "vpn.tenants.create": admin((world) => ({ cloud_id: world.fresh("acme") })),
  "vpn.regions.list": operator(),
  "vpn.regions.get": operator(() => ({ region: "it-mxp" })),
  "vpn.export": admin(),
  "vpn.plan": operator(() => ({ files: {} })),
  "vpn.apply": admin(() => ({ files: {} })),
  "vpn.diff": operator(() => ({ files: {} })),
  "vpn.doctor": operator(),
  "vpn.status": operator(),
  "vpn.sync": operator(),
  "vpn.inventory": operator(),
  "vpn.history": operator(),
  "vpn.settings.list": operator(),
  "vpn.settings.get": operator(() => ({ setting: "wpc/topology" })),
  "vpn.settings.set": admin(() => ({ setting: "wpc/topology", value: "CUSTOM" })),
};
