/**
 * OpenVPN CloudConnexa: a complete client, and a tenant kept as its people want it.
 *
 * Commands and the API are made from one table of things (`resources.ts`) and work on any tenant of section `vpn`, or on the
 * one that variables name, then without daemon and data directory. A tenant is compared as a *picture* (`picture.ts`), in
 * which names stand in place of ids: `reader.ts` reads one from the API, `files.ts` from and into YAML, `plan.ts` says
 * what leads from one to the other (pure), `apply.ts` does it. What was applied half is adopted by name the next time.
 *
 * The daemon looks at each tenant every ten minutes (`inventory.ts`). What it saw is in `vpn_things`, what changed since the
 * look before in `vpn_changes`, how it went in `vpn_tenants`; what people are told of it is in the same transaction. Sessions
 * and the audit log are read on (`feeds.ts`) into `vpn_sessions` and `vpn_audit`; `vpn_feeds` says how far, down to the
 * cursor. Secrets (pre-shared keys) are in none of them.
 *
 * `CloudConnexaClient` stands alone: this module is what a TypeScript program imports to use it.
 *
 * ```ts
 * import { CloudConnexaClient, isOnline, ValidationError } from "./src/vpn/mod.ts";
 *
 * await using client = new CloudConnexaClient({ cloudId: "acme", clientId: "key-1.acme", clientSecret: "..." });
 *
 * // A group, a user in it, and who of all users is online.
 * const group = await client.userGroups.create({ name: "engineers", allRegionsIncluded: true });
 * await client.users.create({ username: "ada@example.org", email: "ada@example.org", groupId: group.id });
 * for await (const user of client.users.each()) console.log(user.username, isOnline(user.connectionStatus));
 *
 * // What the API is known to refuse is refused before a call is spent on it, with the reason.
 * try {
 *   await client.dnsRecords.create({ domain: "wiki.example.org" });
 * } catch (error) {
 *   if (error instanceof ValidationError) console.log(error.message);
 * }
 * ```
 *
 * Sessions and the audit log are read to their end batch by batch; a profile is made when it is asked for, never on a read:
 *
 * ```ts
 * import { CloudConnexaClient } from "./src/vpn/mod.ts";
 *
 * await using client = new CloudConnexaClient({ cloudId: "acme", clientId: "key-1.acme", clientSecret: "..." });
 * const [startDate, endDate] = ["2026-01-05T00:00:00Z", "2026-01-08T00:00:00Z"];
 * for await (const session of client.connections.each({ startDate })) console.log(session.userName);
 * for await (const line of client.auditLogs.each({ startDate, endDate })) {
 *   console.log(line.timestamp, line.operation, line.entityType);
 * }
 * const network = await client.networks.create({
 *   name: "hq",
 *   connectors: [{ name: "hq-1", vpnRegionId: "eu-central-1" }],
 * });
 * const [connector] = await client.connectors.network.listAll({ parentId: network.id });
 * if (connector !== undefined) {
 *   const profile = await client.profiles.ofConnector("network", connector.id);
 *   await Deno.writeTextFile("hq-1.ovpn", profile, { mode: 0o600 });
 * }
 * ```
 */
export { CloudConnexaClient, type CloudConnexaOptions } from "./client.ts";
export type { CallOptions } from "./connection.ts";
export {
  ApiError,
  type ApiProblem,
  AuthenticationError,
  CloudConnexaError,
  NetworkError,
  NotFoundError,
  PermissionError,
  RateLimitError,
  ValidationError,
} from "./errors.ts";
export type { Limits } from "./limits.ts";
export type { Batch, Page } from "./paging.ts";
export { isOnline } from "./schemas/fields.ts";
export type { SettingName, SettingValue } from "./schemas/settings.ts";
export { openStandalone } from "./standalone.ts";
export type { Version } from "./versions.ts";
export { Vpn, type VpnOptions } from "./vpn.ts";
