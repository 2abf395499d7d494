/** What people send and get: schemas of machines, forwards, pools, changes and drift. */
import { z } from "zod";
import { HoldfastError } from "../lib/errors.ts";
import { DRIFT_KINDS } from "./drift.ts";
import { PROTOCOLS, TEMPLATES } from "./machine.ts";

export const MachineName = z.string().regex(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
  "must be letters, digits, dots, hyphens or underscores, at most 63, and begin with a letter or digit",
);
export const PortName = z.string().regex(
  /^[a-z0-9][a-z0-9._-]{0,39}$/,
  "must be lower-case letters, digits, dots, hyphens or underscores",
);
export const Mac = z.string().regex(
  /^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$/,
  "must be a MAC address such as 52:54:00:aa:bb:17",
).transform((text) => text.toLowerCase());
export const Address = z.ipv4("must be an IPv4 address");
const Port = z.int().min(1).max(65_535);
const Text = z.string().min(1).max(200);
export const RouterRef = z.string().min(1).max(64).optional().describe(
  "Router; may be absent when there is one",
);
export const DryRun = z.boolean().default(false).describe("Only show what would be done");
export const Idempotency = z.string().min(1).max(200).optional().describe(
  "The same call with the same key is done once",
);

/** A forward as people ask for it. */
export const PortRequest = z.strictObject({
  name: PortName.optional().describe("Default: protocol and inside port, such as tcp-8080"),
  protocol: z.enum(PROTOCOLS).default("tcp"),
  internal_port: Port.optional().describe("Port of the machine; known for ssh, http and https"),
  external_port: Port.optional().describe("Default: the next free one of the pool"),
  source: z.string().min(1).max(64).optional().describe(
    "Address or network that may use it; default everybody",
  ),
  description: Text.optional(),
  enabled: z.boolean().default(true),
});
export type PortRequest = z.output<typeof PortRequest>;

/** `ssh`, `tcp:8080`, `udp:53:32053` (inside, outside), or an object in JSON. */
export const PortSpec = z.union([
  z.string().min(1).max(500).transform((text, context) => {
    try {
      return parsePort(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
      return z.NEVER;
    }
  }),
  PortRequest,
]);

const FORMS = "write ssh, http, https, tcp:8080, udp:53, tcp_udp:53, tcp:8080:32017 or JSON";

/** Reads a forward from its short form. Errors: `invalid`. */
export function parsePort(text: string): PortRequest {
  if (text.startsWith("{")) {
    const parsed = PortRequest.safeParse(jsonOf(text));
    if (parsed.success) return parsed.data;
    throw new HoldfastError("invalid", `Cannot read forward ${text}: ${parsed.error.issues[0]?.message}`, {
      hint: FORMS,
    });
  }
  if (Object.hasOwn(TEMPLATES, text)) return { ...TEMPLATES[text]!, name: text, enabled: true };
  const [, word = "", inside = "", outside] = /^([a-z_]+):(\d{1,5})(?::(\d{1,5}))?$/.exec(text) ?? [];
  const protocol = PROTOCOLS.find((known) => known === word);
  const request = PortRequest.safeParse({
    protocol,
    internal_port: Number(inside),
    ...(outside === undefined ? {} : { external_port: Number(outside) }),
  });
  if (protocol !== undefined && request.success) return request.data;
  throw new HoldfastError("invalid", `Cannot read forward "${text}": unknown form`, { hint: FORMS });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A forward as it is. */
export const PortView = z.object({
  name: z.string(),
  protocol: z.enum(PROTOCOLS),
  external_port: z.int(),
  internal_port: z.int(),
  interface: z.string().nullable(),
  source: z.string().nullable(),
  description: z.string().nullable(),
  enabled: z.boolean(),
  rule: z.int().describe("Number of its destination rule"),
  hairpin_rule: z.int().nullable(),
}).meta({ id: "NetworkPort" });

/** A machine as it is. */
export const MachineView = z.object({
  router: z.string(),
  name: z.string(),
  mac: z.string().nullable(),
  address: z.string(),
  host_name: z.string().nullable(),
  reservation: z.object({ shared_network: z.string(), subnet: z.string() }).nullable(),
  hairpin: z.object({
    interface: z.string(),
    external_address: z.string(),
    network: z.string(),
    rule: z.int(),
  }).nullable(),
  ports: z.array(PortView),
  created_at: z.string(),
  updated_at: z.string(),
}).meta({ id: "NetworkMachine" });

/** What is asked of a new machine. */
export const MachineRequest = z.strictObject({
  name: MachineName.describe("Unique name on its router"),
  mac: Mac.optional().describe("MAC address; without one no reservation is made"),
  address: Address.optional().describe("Fixed address; default: the next free one of the pool"),
  host_name: MachineName.optional().describe("Name of the reservation; default: the machine's"),
  ports: z.array(PortSpec).max(100).default([]).describe(
    "Forwards: ssh, http, https, tcp:8080, udp:53, tcp:8080:32017",
  ),
  hairpin: z.boolean().default(false).describe("Reachable from inside by the outside address too"),
  pool: Text.optional().describe("Pool of addresses"),
  port_pool: Text.optional().describe("Pool of outside ports"),
});
export type MachineRequest = z.output<typeof MachineRequest>;

export const CHANGE_STATUSES = ["applying", "applied", "saved", "failed"] as const;
export type ChangeStatus = typeof CHANGE_STATUSES[number];
export const CHANGE_KINDS = [
  "provision",
  "update",
  "ports",
  "decommission",
  "repair",
  "adopt",
  "rollback",
  "restore",
] as const;
export type ChangeKind = typeof CHANGE_KINDS[number];

const StepView = z.object({
  what: z.string(),
  action: z.enum(["create", "change", "delete"]),
  path: z.string(),
});

/** A change, or what one would be. */
export const Outcome = z.object({
  router: z.string(),
  dry_run: z.boolean(),
  change_id: z.int().nullable().describe("Null when nothing had to change, or for a dry run"),
  status: z.enum([...CHANGE_STATUSES, "planned", "unchanged"]),
  machines: z.array(MachineView).describe("The machines as they are afterwards"),
  steps: z.array(StepView),
  commands: z.array(z.string()).describe("What is sent to the router, as one commit"),
  warnings: z.array(z.string()),
}).meta({ id: "NetworkOutcome" });
export type Outcome = z.output<typeof Outcome>;

/** Each of many, with what became of it. */
export const BulkOutcome = Outcome.extend({
  results: z.array(z.object({
    name: z.string(),
    ok: z.boolean(),
    machine: MachineView.nullable(),
    error: z.string().nullable(),
    code: z.string().nullable(),
  })),
}).meta({ id: "NetworkBulkOutcome" });

export const ChangeView = z.object({
  id: z.int(),
  router: z.string(),
  kind: z.enum(CHANGE_KINDS),
  subject: z.string(),
  status: z.enum(CHANGE_STATUSES),
  requested_by: z.string(),
  created_at: z.string(),
  ended_at: z.string().nullable(),
  result: z.string().nullable().describe("What the router said"),
  error: z.string().nullable(),
  rollback_of: z.int().nullable(),
}).meta({ id: "NetworkChange" });

export type ChangeView = z.output<typeof ChangeView>;

export const ChangeDetail = ChangeView.extend({
  steps: z.array(StepView),
  commands: z.array(z.string()),
  before: z.record(z.string(), z.unknown()).describe("Each node as it was, by its path; null was not there"),
}).meta({ id: "NetworkChangeDetail" });

export type ChangeDetail = z.output<typeof ChangeDetail>;

export const DifferenceView = z.object({
  kind: z.enum(DRIFT_KINDS),
  what: z.string(),
  machine: z.string().nullable(),
  path: z.string(),
  detail: z.string(),
});

export const DriftReport = z.object({
  drift: z.boolean(),
  routers: z.array(z.object({
    router: z.string(),
    checked_at: z.string(),
    error: z.string().nullable().describe("Why the router could not be asked"),
    vanished: z.boolean().describe("Nothing of ours is there at all: is this the right router?"),
    differences: z.array(DifferenceView),
  })),
}).meta({ id: "NetworkDrift" });
export type DriftReport = z.output<typeof DriftReport>;

export const PoolView = z.object({
  id: z.int(),
  router: z.string(),
  kind: z.enum(["ip", "ports"]),
  name: z.string(),
  cidr: z.string().nullable(),
  ranges: z.array(z.string()),
  exclusions: z.array(z.string()),
  shared_network: z.string().nullable(),
  interface: z.string().nullable(),
  manage_subnet: z.boolean(),
  is_default: z.boolean(),
  is_active: z.boolean(),
  size: z.int(),
  used: z.int().describe("Drawn by machines; what others have on the router is not counted"),
  free: z.int(),
  used_percent: z.number(),
  exhausted_at: z.string().nullable().describe("When it is empty if it goes on like in the last 30 days"),
  warnings: z.array(z.string()),
  created_at: z.string(),
  updated_at: z.string(),
}).meta({ id: "NetworkPool" });
export type PoolView = z.output<typeof PoolView>;

export const RouterStatus = z.object({
  router: z.string(),
  url: z.string(),
  reachable: z.boolean(),
  error: z.string().nullable(),
  release: z.string().nullable(),
  version: z.string().nullable(),
  commit_confirm: z.boolean().describe("The router goes back by itself from what is not confirmed"),
  machines: z.int(),
  forwards: z.int(),
  unsaved_changes: z.int().describe("Done, but not on the router's disk"),
  unsettled_changes: z.int().describe("Nobody knows yet what became of them"),
  waiting: z.int(),
  drift: z.int().describe("Differences at the last check"),
  checked_at: z.string().nullable(),
}).meta({ id: "NetworkRouterStatus" });
export type RouterStatus = z.output<typeof RouterStatus>;
