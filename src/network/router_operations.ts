/** What people can ask about routers: how they are, what changed, drift, and versions of their configuration. */
import { z } from "zod";
import { EXIT_BAD_ANSWER } from "../lib/errors.ts";
import { type ColumnSpec, operation } from "../lib/operation.ts";
import {
  ChangeDetail,
  ChangeView,
  DriftReport,
  DryRun,
  MachineName,
  Outcome,
  PortName,
  RouterRef,
  RouterStatus,
} from "./model.ts";
import { type NetworkApp, outcomeText, Router } from "./shared.ts";

const Said = z.object({ router: z.string(), text: z.string() });
const Id = z.int().min(1);

const status = operation({
  name: "network.status",
  route: "GET /api/v1/network/status",
  role: "operator",
  summary: "Show how each router is",
  description: "Asks the routers. The command ends with 20 when one cannot be reached.",
  input: Router,
  output: z.array(RouterStatus),
  cli: {
    columns: [
      { key: "router" },
      { key: "reachable", format: "boolean" },
      { key: "version" },
      { key: "machines", align: "right" },
      { key: "forwards", align: "right" },
      { key: "unsaved_changes", title: "UNSAVED", align: "right" },
      { key: "drift", align: "right" },
      { key: "checked_at", title: "CHECKED", format: "instant" },
    ],
    exit: (routers) => routers.every((router) => router.reachable) ? 0 : EXIT_BAD_ANSWER,
    examples: ["holdfast network status"],
  },
  run: (app: NetworkApp, { router }, caller) => app.network.status(router, caller.signal),
});

const leases = operation({
  name: "network.leases",
  route: "GET /api/v1/network/leases",
  role: "operator",
  summary: "List the leases of a router's DHCP server",
  input: Router,
  output: z.array(z.object({
    address: z.string(),
    mac: z.string().nullable(),
    host_name: z.string().nullable(),
    state: z.string().nullable(),
    expires: z.string().nullable(),
  })),
  cli: {
    columns: [
      { key: "address" },
      { key: "mac" },
      { key: "host_name", title: "HOST" },
      { key: "state" },
      { key: "expires" },
    ],
    examples: ["holdfast network leases"],
  },
  run: (app: NetworkApp, { router }, caller) => app.network.leases(router, caller.signal),
});

const statistics = operation({
  name: "network.statistics",
  route: "GET /api/v1/network/statistics",
  role: "operator",
  summary: "Show the router's counters of its forwards",
  input: Router,
  output: Said,
  cli: { text: ({ text }) => text, examples: ["holdfast network statistics"] },
  run: (app: NetworkApp, { router }, caller) => app.network.statistics(router, caller.signal),
});

const save = operation({
  name: "network.save",
  route: "POST /api/v1/network/save",
  role: "operator",
  summary: "Save a router's configuration to its disk now",
  description:
    "Every change is saved by itself; this is for one that could not be, and for what people changed.",
  input: Router,
  output: Said,
  cli: { text: ({ text }) => text, examples: ["holdfast network save"] },
  run: (app: NetworkApp, { router }, caller) => app.network.save(router, caller.signal),
});

const drift = operation({
  name: "network.drift",
  route: "GET /api/v1/network/drift",
  role: "operator",
  summary: "Compare routers with what they should be",
  description: "Reads the routers, changes nothing. The command ends with 20 when there is drift.",
  input: Router,
  output: DriftReport,
  cli: {
    rows: ({ routers }) =>
      routers.flatMap(({ router, error, differences }) =>
        error === null
          ? differences.map((one) => ({ ...one, router }))
          : [{ router, kind: "unreachable", detail: error }]
      ),
    columns: [{ key: "router" }, { key: "kind" }, { key: "machine" }, { key: "detail" }],
    exit: (report) => report.drift ? EXIT_BAD_ANSWER : 0,
    examples: ["holdfast network drift", "holdfast network drift --output json"],
  },
  run: (app: NetworkApp, { router }, caller) => app.network.watch.report(router, caller.signal),
});

const repair = operation({
  name: "network.repair",
  route: "POST /api/v1/network/repair",
  role: "operator",
  summary: "Put drift of our own rules and reservations right",
  description: "Foreign ones are never touched.",
  input: Router.extend({
    vm: z.string().min(1).max(100).optional().describe("Only this machine"),
    remove_unknown: z.boolean().default(false).describe(
      "Remove what carries our marker and is of no machine",
    ),
    dry_run: DryRun,
  }),
  output: Outcome,
  cli: {
    text: outcomeText,
    examples: ["holdfast network repair --dry-run", "holdfast network repair --vm vm-17"],
  },
  run: (app: NetworkApp, { router, dry_run, ...input }, caller) =>
    app.network.watch.repair(input, { router, dry_run }, caller),
});

const adopt = operation({
  name: "network.adopt",
  route: "POST /api/v1/network/adopt",
  role: "operator",
  summary: "Make a forward that somebody set up by hand a forward of a machine",
  description:
    "The machine is made when there is none of that name; the reservation of its address is adopted with it.",
  input: Router.extend({
    rule: z.int().min(1).max(999_999).describe("Number of the destination rule"),
    vm: MachineName.describe("Machine it is for"),
    port: PortName.describe("Name of the forward"),
    dry_run: DryRun,
  }),
  output: Outcome,
  cli: { text: outcomeText, examples: ["holdfast network adopt --rule 100 --vm mail --port smtp"] },
  run: (app: NetworkApp, { router, dry_run, ...adoption }, caller) =>
    app.network.watch.adopt(adoption, { router, dry_run }, caller),
});

const changeColumns: readonly ColumnSpec[] = [
  { key: "id", align: "right" },
  { key: "created_at", title: "AT", format: "instant" },
  { key: "kind" },
  { key: "subject" },
  { key: "status" },
  { key: "requested_by", title: "BY" },
  { key: "router" },
];

const listChanges = operation({
  name: "network.changes.list",
  route: "GET /api/v1/network/changes",
  role: "operator",
  summary: "List changes of routers, the newest first",
  input: Router.extend({
    limit: z.int().min(1).max(1000).default(50).describe("Most changes to list"),
    offset: z.int().min(0).max(1_000_000).default(0).describe("Changes to skip"),
  }),
  output: z.array(ChangeView),
  cli: { columns: changeColumns, examples: ["holdfast network changes list"] },
  run: (app: NetworkApp, { router, ...page }) => app.network.changes(router, page),
});

const One = z.strictObject({ change: Id.describe("Number of the change") });

const getChange = operation({
  name: "network.changes.get",
  route: "GET /api/v1/network/changes/{change}",
  role: "operator",
  summary: "Show a change: its plan, its commands, and what was there before",
  input: One,
  output: ChangeDetail,
  cli: { args: ["change"], examples: ["holdfast network changes get 12"] },
  run: (app: NetworkApp, { change }) => app.network.change(change),
});

const rollback = operation({
  name: "network.rollback",
  route: "POST /api/v1/network/changes/{change}/rollback",
  role: "operator",
  summary: "Undo a change: plan the way back, and go it as one commit",
  input: One.extend({ dry_run: DryRun }),
  output: Outcome,
  cli: {
    args: ["change"],
    text: outcomeText,
    examples: ["holdfast network rollback 12 --dry-run", "holdfast network rollback 12"],
  },
  run: (app: NetworkApp, { change, dry_run }, caller) => app.network.rollback(change, { dry_run }, caller),
});

const Version = z.object({
  id: z.int(),
  router: z.string(),
  taken_at: z.string(),
  reason: z.string(),
  digest: z.string(),
}).meta({ id: "NetworkConfigVersion" });

const versionColumns: readonly ColumnSpec[] = [
  { key: "id", align: "right" },
  { key: "taken_at", title: "AT", format: "instant" },
  { key: "reason" },
  { key: "router" },
];

const configHistory = operation({
  name: "network.config.history",
  route: "GET /api/v1/network/config/versions",
  role: "operator",
  summary: "List the kept versions of a router's configuration, the newest first",
  input: Router.extend({ limit: z.int().min(1).max(1000).default(50).describe("Most versions to list") }),
  output: z.array(Version),
  cli: { columns: versionColumns, examples: ["holdfast network config history"] },
  run: (app: NetworkApp, { router, limit }) => app.network.configs.history(router, limit),
});

const configKeep = operation({
  name: "network.config.keep",
  route: "POST /api/v1/network/config/versions",
  role: "operator",
  summary: "Keep a router's configuration as a version now, unless nothing changed",
  input: Router,
  output: Version,
  cli: { text: ({ id }) => `Version ${id}`, examples: ["holdfast network config keep"] },
  run: (app: NetworkApp, { router }, caller) => app.network.configs.keep(router, "asked for", caller.signal),
});

const configDiff = operation({
  name: "network.config.diff",
  route: "GET /api/v1/network/config/diff",
  role: "operator",
  summary: "Compare a version of a router's configuration with another, or with what it has now",
  description: "Secrets are struck out. The command ends with 20 when there is a difference.",
  input: Router.extend({
    from: Id.optional().describe("Version; default the newest"),
    to: Id.optional().describe("Version; default what the router has now"),
  }),
  output: z.object({
    router: z.string(),
    from: z.string(),
    to: z.string(),
    lines: z.array(z.string()),
  }).meta({ id: "NetworkConfigDiff" }),
  cli: {
    text: ({ from, to, lines }) => [`--- ${from}`, `+++ ${to}`, ...lines].join("\n"),
    exit: ({ lines }) => lines.length === 0 ? 0 : EXIT_BAD_ANSWER,
    examples: ["holdfast network config diff", "holdfast network config diff --from 3 --to 4"],
  },
  run: (app: NetworkApp, { router, from, to }, caller) =>
    app.network.configs.diff(router, from, to, caller.signal),
});

const configRestore = operation({
  name: "network.config.restore",
  route: "POST /api/v1/network/config/restore",
  role: "admin",
  summary: "Make a router's configuration that of a kept version, as one commit",
  description: "The section of the API itself stays as it is. What is there now is kept as a version before.",
  input: z.strictObject({
    version: Id.describe("Version to go back to"),
    router: RouterRef,
    dry_run: DryRun,
  }),
  output: Outcome,
  cli: {
    args: ["version"],
    confirm: "Replace the router's configuration?",
    text: outcomeText,
    examples: ["holdfast network config restore 3 --dry-run --yes"],
  },
  run: (app: NetworkApp, { version, ...asked }, caller) =>
    app.network.configs.restore(version, asked, caller),
});

export const routerOperations = [
  status,
  leases,
  statistics,
  save,
  drift,
  repair,
  adopt,
  listChanges,
  getChange,
  rollback,
  configHistory,
  configKeep,
  configDiff,
  configRestore,
];
