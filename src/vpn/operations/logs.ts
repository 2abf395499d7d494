/** Sessions, the audit log, the DNS log, and the switches and lists around them. */
import { z } from "zod";
import { operation } from "../../lib/operation.ts";
import { WORDS } from "../schemas/fields.ts";
import { AuditLog, DnsLogEntry, Session } from "../schemas/logs.ts";
import { OfTenant, type VpnApp, type VpnOperation } from "./common.ts";

const Span = OfTenant.extend({
  since: z.string().min(1).optional().describe("From then on: 24h, 7d, or an instant; default a day ago"),
  until: z.string().min(1).optional().describe("Before then: a duration back from now, or an instant"),
});
const Follow = OfTenant.extend({
  every_seconds: z.number().min(5).max(3600).default(60).describe("Seconds between two questions"),
});
const LogLine = z.object({
  type: z.literal("line"),
  level: z.string(),
  text: z.string(),
  session: Session.optional(),
  entry: AuditLog.optional(),
});
const reading = { role: "operator", standalone: true } as const;

const listSessions = operation({
  ...reading,
  name: "vpn.sessions.list",
  route: "GET /api/v1/vpn/sessions",
  summary: "List sessions: who is and was connected",
  input: Span.extend({
    status: z.enum(WORDS.sessionStatus).optional().describe("Only sessions of this state"),
  }),
  output: z.array(Session),
  cli: {
    columns: [
      { key: "sessionStartTime", title: "began", format: "instant" },
      { key: "status" },
      { key: "userName", title: "user" },
      { key: "deviceName", title: "device" },
      { key: "region" },
      { key: "publicIp", title: "from" },
      { key: "bytesIn", title: "in", format: "bytes", align: "right" },
      { key: "bytesOut", title: "out", format: "bytes", align: "right" },
    ],
    examples: [
      "holdfast vpn sessions list --since 24h --output csv",
      "holdfast vpn sessions list --status ACTIVE",
    ],
  },
  run: (app: VpnApp, input, { signal }) => app.vpn.logs.sessions(input, signal),
});

const followSessions = operation({
  ...reading,
  name: "vpn.sessions.follow",
  route: "GET /api/v1/vpn/sessions/follow",
  summary: "Follow sessions as they begin and end, until Ctrl-C",
  input: Follow,
  output: LogLine,
  stream: true,
  cli: { examples: ["holdfast vpn sessions follow"] },
  run: (app: VpnApp, { tenant, every_seconds }, { signal }) =>
    app.vpn.logs.followSessions(tenant, every_seconds, signal),
});

const listAudit = operation({
  ...reading,
  name: "vpn.audit.list",
  route: "GET /api/v1/vpn/audit",
  summary: "List the tenant's audit log: who changed what",
  input: Span.extend({
    initiator: z.string().min(1).optional().describe("Only what this user or key id did"),
  }),
  output: z.array(AuditLog),
  cli: {
    columns: [
      { key: "timestamp", title: "at", format: "instant" },
      { key: "initiatorName", title: "who" },
      { key: "operation" },
      { key: "entityType", title: "kind" },
      { key: "entityName", title: "what" },
      { key: "description" },
    ],
    examples: ["holdfast vpn audit list --since 7d"],
  },
  run: (app: VpnApp, input, { signal }) => app.vpn.logs.audit(input, signal),
});

const followAudit = operation({
  ...reading,
  name: "vpn.audit.follow",
  route: "GET /api/v1/vpn/audit/follow",
  summary: "Follow the tenant's audit log, until Ctrl-C",
  input: Follow,
  output: LogLine,
  stream: true,
  cli: { examples: ["holdfast vpn audit follow"] },
  run: (app: VpnApp, { tenant, every_seconds }, { signal }) =>
    app.vpn.logs.followAudit(tenant, every_seconds, signal),
});

const listDns = operation({
  ...reading,
  name: "vpn.dns-log.list",
  route: "GET /api/v1/vpn/dns-log",
  summary: "List which names users asked for, summed up by the hour",
  input: Span.extend({
    since: z.string().min(1).optional().describe("From then on: 2h, or an instant; default an hour ago"),
  }),
  output: z.array(DnsLogEntry),
  cli: {
    columns: [
      { key: "domain" },
      { key: "memberId", title: "user" },
      { key: "allowedCount", title: "allowed", align: "right" },
      { key: "blockedCount", title: "blocked", align: "right" },
      { key: "failedCount", title: "failed", align: "right" },
    ],
    examples: ["holdfast vpn dns-log list --since 2h"],
  },
  run: (app: VpnApp, input, { signal }) => app.vpn.logs.dns(input, signal),
});

const Switch = z.object({ enabled: z.boolean() });

/** What can be on or off beside the settings. */
const switches = ([["dns-log", "dnsLog", "the DNS log"], [
  "access-visibility",
  "accessVisibility",
  "the record of who reached what",
]] as const)
  .flatMap(([word, service, what]): VpnOperation[] => {
    const show = operation({
      ...reading,
      name: `vpn.${word}.status`,
      route: `GET /api/v1/vpn/${word}/status`,
      summary: `Show whether ${what} is on`,
      input: OfTenant,
      output: Switch,
      cli: { text: ({ enabled }) => enabled ? "on" : "off", examples: [`holdfast vpn ${word} status`] },
      run: async (app: VpnApp, { tenant }, { signal }) => ({
        enabled: await (await app.vpn.client(tenant))[service].isEnabled({ signal }),
      }),
    });
    const turn = (["enable", "disable"] as const).map((verb): VpnOperation =>
      operation({
        name: `vpn.${word}.${verb}`,
        route: `POST /api/v1/vpn/${word}/${verb}`,
        role: "admin",
        standalone: true,
        summary: `Switch ${what} ${verb === "enable" ? "on" : "off"}`,
        input: OfTenant,
        output: Switch,
        cli: {
          text: ({ enabled }) => `Switched ${what} ${enabled ? "on" : "off"}`,
          examples: [`holdfast vpn ${word} ${verb}`],
        },
        run: async (app: VpnApp, { tenant }, { signal }) => {
          await (await app.vpn.client(tenant))[service][verb]({ signal });
          return { enabled: verb === "enable" };
        },
      })
    );
    return [show, ...turn];
  });

const list = z.enum(["allow", "block"]).describe("Which list: what is always let through, or always blocked");
const domains = z.array(z.string().min(1)).min(1).max(1000).describe("Domains, at most 1000");
const Listed = z.object({ list: z.string(), domains: z.array(z.string()) });
const shared = { role: "operator", standalone: true, output: Listed } as const;

const addDomains = operation({
  ...shared,
  name: "vpn.cyber-shield.add",
  route: "POST /api/v1/vpn/cyber-shield/add",
  summary: "Put domains on a list of Cyber Shield",
  description: "The lists can be written and not read. Of duplicates the last one counts.",
  input: OfTenant.extend({
    list,
    domains,
    comment: z.string().optional().describe("Why; with a domain at most 150 characters"),
  }),
  cli: {
    args: ["list", "domains..."],
    text: ({ list, domains }) => `Put ${domains.length} on the ${list} list`,
    examples: ["holdfast vpn cyber-shield add block bad.example --comment 'Seen in mail'"],
  },
  run: async (app: VpnApp, { tenant, list, domains, comment }, { signal }) => {
    const client = await app.vpn.client(tenant);
    await client.cyberShield.add(list, domains.map((domain) => ({ domain, comment })), { signal });
    return { list, domains };
  },
});

const removeDomains = operation({
  ...shared,
  name: "vpn.cyber-shield.remove",
  route: "POST /api/v1/vpn/cyber-shield/remove",
  summary: "Take domains off a list of Cyber Shield",
  input: OfTenant.extend({ list, domains }),
  cli: {
    args: ["list", "domains..."],
    text: ({ list, domains }) => `Took ${domains.length} off the ${list} list`,
    examples: ["holdfast vpn cyber-shield remove block bad.example"],
  },
  run: async (app: VpnApp, { tenant, list, domains }, { signal }) => {
    await (await app.vpn.client(tenant)).cyberShield.remove(list, domains, { signal });
    return { list, domains };
  },
});

export const logOperations: readonly VpnOperation[] = [
  listSessions,
  followSessions,
  listAudit,
  followAudit,
  listDns,
  ...switches,
  addDomains,
  removeDomains,
];
