/** A tenant as files: written from it, compared with it, and made into it. */
import { basename, join } from "node:path";
import { type ErrorKind, HoldfastError, messageOf } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { requireHost, writePrivately } from "./actions.ts";
import { applySteps, type Outcome } from "./apply.ts";
import { filesOf, pictureOf } from "./files.ts";
import { type Plan, planTenant, type Step } from "./plan.ts";
import { type Actual, readTenant } from "./reader.ts";
import type { Tenants } from "./tenants.ts";

/** What a step looks like to whoever asks; no secrets. */
export interface StepView {
  action: Step["action"];
  kind: string;
  name: string;
  key: string;
  changes: { field: string; from: unknown; to: unknown }[];
  /** `planned`, or what became of it. */
  result: "planned" | Outcome["result"];
  reason: string | null;
}

/** A plan as it is told. */
export interface PlanView {
  tenant: string;
  steps: StepView[];
  /** What is in the tenant and not in the files; it stays unless deletion is asked for. */
  extra: string[];
}

/** A plan that was carried out, or the plan itself where it was only to be shown. */
export interface AppliedView extends PlanView {
  /** What ended it before the last step; null when nothing did. */
  stopped: { kind: ErrorKind; code: string; message: string; hint: string | null } | null;
}

/** What was written. */
export interface Exported {
  tenant: string;
  /** The directory; null where the files are in the answer. */
  path: string | null;
  files: Record<string, string> | null;
  things: number;
  settings: number;
}

/** Where what should be comes from: a directory of the host, or files in the request. */
export interface Source {
  tenant?: string | undefined;
  from?: string | undefined;
  files?: Record<string, string> | undefined;
  delete?: boolean | undefined;
}

const MAX_FILE_BYTES = 64 * 1024 * 1024;

export class Keeper {
  readonly #tenants: Tenants;

  constructor(tenants: Tenants) {
    this.#tenants = tenants;
  }

  /** Reads the whole tenant into files; nothing is written unless all of it was read. */
  async export(
    { tenant, to, secrets }: { tenant?: string | undefined; to?: string | undefined; secrets: boolean },
    caller: Caller,
  ): Promise<Exported> {
    requireHost(to, caller);
    const { client, name } = await this.#tenants.get(tenant);
    const actual = await readTenant(client, { signal: caller.signal }, { onRead: reading(caller) });
    const files = filesOf(actual, secrets);
    const counts = { tenant: name, things: actual.entries.size, settings: actual.settings.size };
    if (to === undefined) return { ...counts, path: null, files: Object.fromEntries(files) };
    await makeDirectory(to);
    for (const [file, text] of files) await writePrivately(join(to, file), () => text);
    return { ...counts, path: to, files: null };
  }

  /** The whole tenant as one text, which `plan` and `apply` read as they read a directory. */
  async document(
    { tenant, secrets }: { tenant?: string | undefined; secrets: boolean },
    signal: AbortSignal,
  ): Promise<{ text: string; item_count: number }> {
    const { client } = await this.#tenants.get(tenant);
    const actual = await readTenant(client, { signal });
    const text = [...filesOf(actual, secrets)].map(([name, content]) => `--- # ${name}\n${content}`).join("");
    return { text, item_count: actual.entries.size + actual.settings.size };
  }

  async plan(source: Source, caller: Caller): Promise<PlanView> {
    const { plan, name } = await this.#compare(source, caller);
    return { tenant: name, steps: plan.steps.map((step) => viewOf(step)), extra: plan.extra };
  }

  /** Makes the tenant what the files say, as far as the API lets it. */
  async apply(source: Source & { dry_run: boolean }, caller: Caller): Promise<AppliedView> {
    const { plan, actual, name, client } = await this.#compare(source, caller);
    if (source.dry_run) {
      return {
        tenant: name,
        steps: plan.steps.map((step) => viewOf(step)),
        extra: plan.extra,
        stopped: null,
      };
    }
    const { signal } = caller;
    const total_items = plan.steps.length;
    const { outcomes, stopped } = await applySteps(
      client,
      plan.steps,
      actual,
      { signal },
      (done_items) => caller.report?.({ phase: "apply", done_bytes: 0, done_items, total_items }),
    );
    return {
      tenant: name,
      steps: outcomes.map(({ step, result, reason }) => ({ ...viewOf(step), result, reason })),
      extra: source.delete === true ? [] : plan.extra,
      stopped: stopped === null
        ? null
        : { kind: stopped.kind, code: stopped.code, message: stopped.message, hint: stopped.hint ?? null },
    };
  }

  async #compare({ tenant, from, files, delete: remove = false }: Source, caller: Caller) {
    requireHost(from, caller);
    const desired = pictureOf(await readFiles(from, files));
    const { client, name } = await this.#tenants.get(tenant);
    const actual: Actual = await readTenant(client, { signal: caller.signal }, {
      settings: desired.settings.size > 0,
      onRead: reading(caller),
    });
    const plan: Plan = planTenant(desired, actual, { remove });
    return { plan, actual, name, client };
  }
}

/** Tells whoever watches how much of the tenant was read. */
function reading({ report }: Caller): ((done: number, total: number) => void) | undefined {
  return report &&
    ((done_items, total_items) => report({ phase: "read", done_bytes: 0, done_items, total_items }));
}

function viewOf({ action, kind, name, key, changes, blocked }: Step): StepView {
  return {
    action,
    kind,
    name,
    key,
    changes,
    result: blocked === null ? "planned" : "blocked",
    reason: blocked,
  };
}

/** The files of a directory, or those of a request. Errors: `invalid`, `not_found`. */
export async function readFiles(
  from: string | undefined,
  files: Record<string, string> | undefined,
): Promise<Map<string, string>> {
  if (from === undefined) {
    if (files === undefined) {
      throw new HoldfastError("invalid", "Cannot compare the tenant: give a directory or files");
    }
    return new Map(Object.entries(files));
  }
  const read = new Map<string, string>();
  try {
    if ((await Deno.stat(from)).isFile) return partsOf(await readText(from));
    for await (const { name, isFile } of Deno.readDir(from)) {
      if (isFile && /\.ya?ml$/.test(name)) read.set(name, await readText(join(from, name)));
    }
  } catch (error) {
    const kind = error instanceof Deno.errors.NotFound ? "not_found" : "invalid";
    throw new HoldfastError(kind, `Cannot read the tenant's files in "${from}": ${messageOf(error)}`, {
      cause: error,
      hint: "make them with: holdfast vpn export --to DIR",
    });
  }
  if (read.size === 0) {
    throw new HoldfastError("not_found", `Cannot read the tenant's files in "${from}": there are none`, {
      hint: "make them with: holdfast vpn export --to DIR",
    });
  }
  return read;
}

async function readText(path: string): Promise<string> {
  const { size } = await Deno.stat(path);
  if (size > MAX_FILE_BYTES) throw new Error(`${basename(path)} is larger than ${MAX_FILE_BYTES} bytes`);
  return await Deno.readTextFile(path);
}

/** The files in one that a backup was restored to. */
function partsOf(text: string): Map<string, string> {
  const parts = text.split(/^--- # (\S+)\n/m);
  return new Map(parts.flatMap((name, i) => i % 2 === 1 ? [[name, parts[i + 1] ?? ""] as const] : []));
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new HoldfastError("invalid", `Cannot make directory "${path}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}
