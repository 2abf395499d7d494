/** A tenant as a whole: as files, compared with them, made into them; and whether it can be worked with. */
import { z } from "zod";
import { ERROR_KINDS, type ErrorKind, EXIT_BAD_ANSWER } from "../../lib/errors.ts";
import { operation } from "../../lib/operation.ts";
import type { AppliedView, PlanView } from "../keeper.ts";
import { OfTenant, type VpnApp, type VpnOperation } from "./common.ts";

const files = z.record(z.string(), z.string()).optional();
const Exported = z.object({
  tenant: z.string(),
  path: z.string().nullable().describe("Directory that was written; null where the files are in the answer"),
  files: z.record(z.string(), z.string()).nullable(),
  things: z.int(),
  settings: z.int(),
});
const StepView = z.object({
  action: z.enum(["create", "update", "delete", "set"]),
  kind: z.string(),
  name: z.string(),
  key: z.string(),
  changes: z.array(z.object({ field: z.string(), from: z.unknown(), to: z.unknown() })),
  result: z.enum(["planned", "done", "failed", "blocked", "waits", "skipped"]),
  reason: z.string().nullable(),
});
const PlanOutput = z.object({
  tenant: z.string(),
  steps: z.array(StepView),
  extra: z.array(z.string()).describe(
    "In the tenant and not in the files; it stays unless deletion is asked for",
  ),
});
const KINDS = [
  "internal",
  "invalid",
  "unauthenticated",
  "forbidden",
  "not_found",
  "conflict",
  "rate_limited",
  "upstream",
  "unavailable",
  "exhausted",
] as const satisfies readonly ErrorKind[];
const Applied = PlanOutput.extend({
  stopped: z.object({
    kind: z.enum(KINDS),
    code: z.string(),
    message: z.string(),
    hint: z.string().nullable(),
  }).nullable().describe(
    "What ended it before the last step, so that the rest was skipped; started again it goes on from there",
  ),
});

const Source = OfTenant.extend({
  from: z.string().min(1).optional().describe("Directory of an export, on this host"),
  files: files.describe("The files themselves, by name, instead of a directory"),
  delete: z.boolean().default(false).describe("Delete what is in the tenant and not in the files"),
});
const flags = { from: { flag: "--from <directory>", path: true }, files: { hidden: true } };

/** `update  networks  hq  description: "office" -> "Head office"`. */
function planText({ steps, extra, stopped = null }: PlanView & Partial<AppliedView>): string {
  const lines = steps.map(({ action, key, changes, result, reason }) => {
    const what = action === "create" || action === "delete"
      ? ""
      : `  ${
        changes.map(({ field, from, to }) => `${field}: ${JSON.stringify(from)} -> ${JSON.stringify(to)}`)
          .join(", ")
      }`;
    const state = result === "planned" || result === "done"
      ? ""
      : `  (${reason === null ? result : `${result}: ${reason}`})`;
    return `${action.padEnd(6)}  ${key}${what}${state}`;
  });
  const count = (...results: string[]) => steps.filter(({ result }) => results.includes(result)).length;
  const broken = stopped === null ? 0 : 1;
  const [planned, done, other] = [
    count("planned"),
    count("done"),
    count("failed", "blocked", "waits") - broken,
  ];
  const sums = [
    ...(steps.length === 0 ? ["Nothing to do"] : []),
    ...(planned > 0 ? [`${planned} to do`] : []),
    ...(done > 0 ? [`${done} done`] : []),
    ...(other > 0 ? [`${other} not possible`] : []),
    ...(broken > 0 ? [`${broken} failed, ${count("skipped")} skipped`] : []),
  ].join(", ");
  const stays = extra.length === 0
    ? []
    : [`Not in the files, and left alone without --delete: ${extra.join(", ")}`];
  const goesOn = stopped === null ? [] : [
    "It stopped at the one that failed. Start it again to go on: what is done is found by its name",
    ...(stopped.hint === null ? [] : [`hint: ${stopped.hint}`]),
  ];
  return [...lines, sums, ...stays, ...goesOn].join("\n");
}

/** What ended it, as the exit code of that; else whether everything could be done. */
function exitOfApply({ steps, stopped }: AppliedView): number {
  if (stopped !== null) return ERROR_KINDS[stopped.kind].exit;
  return steps.some(({ result }) => result !== "done" && result !== "planned") ? EXIT_BAD_ANSWER : 0;
}

const exportTenant = operation({
  name: "vpn.export",
  route: "POST /api/v1/vpn/export",
  role: "admin",
  standalone: true,
  summary: "Write the whole tenant into a directory of YAML files",
  description: "Secrets are left out unless they are asked for. The files are readable by their owner only.",
  input: OfTenant.extend({
    to: z.string().min(1).optional().describe(
      "Directory on this host; without it the answer holds the files",
    ),
    secrets: z.boolean().default(false).describe("With the pre-shared keys of connectors"),
  }),
  output: Exported,
  progress: true,
  cli: {
    flags: { to: { flag: "--to <directory>", path: true } },
    text: ({ path, files, things, settings }) =>
      path === null
        ? Object.entries(files ?? {}).map(([name, text]) => `# ${name}\n${text}`).join("\n").trimEnd()
        : `Wrote ${things} things and ${settings} settings to ${path}`,
    examples: ["holdfast vpn export --to tenant/", "holdfast vpn export --to tenant/ --secrets"],
  },
  run: (app: VpnApp, input, caller) => app.vpn.keeper.export(input, caller),
});

const plan = operation({
  name: "vpn.plan",
  route: "POST /api/v1/vpn/plan",
  role: "operator",
  standalone: true,
  summary: "Show what would make the tenant equal to a directory",
  description: "Things are known by their names: what is there already is adopted. Nothing is changed.",
  input: Source,
  output: PlanOutput,
  cli: { flags, text: planText, examples: ["holdfast vpn plan --from tenant/"] },
  run: (app: VpnApp, input, caller) => app.vpn.keeper.plan(input, caller),
});

const apply = operation({
  name: "vpn.apply",
  route: "POST /api/v1/vpn/apply",
  role: "admin",
  standalone: true,
  summary: "Make the tenant equal to a directory",
  description:
    "Things are known by their names: what is there already is adopted. One that was interrupted goes on " +
    "when it is started again. It ends with 20 when something could not be done. What keeps every further step " +
    "from being done ends it; the answer then tells what was done, what failed and what was skipped, and the status " +
    "and the exit code are those of what ended it.",
  input: Source.extend({
    dry_run: z.boolean().default(false).describe("Show what would be done, and do nothing"),
  }),
  output: Applied,
  status: { of: ({ stopped }) => stopped === null ? 200 : ERROR_KINDS[stopped.kind].status },
  progress: true,
  cli: {
    flags,
    text: planText,
    exit: exitOfApply,
    examples: ["holdfast vpn apply --from tenant/ --dry-run", "holdfast vpn apply --from tenant/ --delete"],
  },
  run: (app: VpnApp, input, caller) => app.vpn.keeper.apply(input, caller),
});

const diff = operation({
  name: "vpn.diff",
  route: "POST /api/v1/vpn/diff",
  role: "operator",
  standalone: true,
  summary: "Show how the tenant differs from a directory, or from itself at another time",
  description:
    "With --since it tells what is different since then, as the daemon saw it; with --until up to then. " +
    "It ends with 20 when there is a difference.",
  input: Source.omit({ delete: true }).extend({
    since: z.string().min(1).optional().describe("Compare with what was then: 24h, 7d, or an instant"),
    until: z.string().min(1).optional().describe("With since: the later one of both times; default now"),
  }),
  output: PlanOutput,
  cli: {
    flags,
    text: planText,
    exit: ({ steps, extra }) => steps.length + extra.length > 0 ? EXIT_BAD_ANSWER : 0,
    examples: ["holdfast vpn diff --from tenant/", "holdfast vpn diff --since 7d --until 1d"],
  },
  run: (app: VpnApp, input, caller) => app.vpn.diff(input, caller),
});

const doctor = operation({
  name: "vpn.doctor",
  route: "POST /api/v1/vpn/doctor",
  role: "operator",
  standalone: true,
  summary: "See whether the tenant can be worked with: key, permissions, limits, release",
  description: "Only reads are tried. It ends with 20 when something is bad.",
  input: OfTenant,
  output: z.array(
    z.object({ check: z.string(), status: z.enum(["ok", "warning", "bad"]), detail: z.string() }),
  ),
  cli: {
    columns: [{ key: "check" }, { key: "status" }, { key: "detail", wrap: true }],
    exit: (findings) => findings.some(({ status }) => status === "bad") ? EXIT_BAD_ANSWER : 0,
    examples: ["holdfast vpn doctor"],
  },
  run: (app: VpnApp, { tenant }, { signal }) => app.vpn.doctor.examine(tenant, signal),
});

export const wholeOperations: readonly VpnOperation[] = [exportTenant, plan, apply, diff, doctor];
