/**
 * Hooks: what people have called before and after a backup. A command line, run by `/bin/sh` in a process group of its own,
 * or an http(s) address that is sent the facts as JSON. Their output is in the run's log, bounded.
 */
import type { Authority } from "../lib/authority.ts";
import { isPublicAddress } from "../lib/address.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { Upstream } from "../lib/upstream.ts";
import { type EngineContext, runTool, Secrets } from "../backups/mod.ts";
import { isProbeable } from "../servers/mod.ts";
import type { Policies } from "./policies.ts";

/** When a hook is called. */
export type HookMoment = "before" | "after" | "failure";

const FIELDS = { before: "hook_before", after: "hook_after", failure: "hook_on_failure" } as const;

/** What a hook is told. */
export interface HookFacts {
  schedule: string;
  schedule_id: string;
  server: string;
  server_id: number;
  run_id: string;
  attempt: number;
  due_at: string | null;
  /** How the attempt ended; null before it. */
  outcome: string | null;
  error: string | null;
  backup_id: string | null;
  backup_path: string | null;
  backup_size_bytes: number | null;
}

/** Answers of an address are read up to this many bytes. */
const MAX_ANSWER = 64 * 1024;

export const isAddress = (hook: string) => /^https?:\/\//i.test(hook);

/** Refuses hooks that would give a caller more than its role does. Errors: `invalid`, `forbidden`. */
export function authorizeHooks(
  policies: Policies,
  caller: Pick<Caller, "role">,
  allowCommands: boolean,
): void {
  for (const field of [...Object.values(FIELDS), "prove_command"] as const) {
    const hook = policies[field];
    if (hook === null) continue;
    const refuse = (kind: "invalid" | "forbidden", reason: string, hint?: string) =>
      new HoldfastError(kind, `Cannot use ${field}: ${reason}`, {
        errors: [{ path: field, message: reason }],
        ...(hint === undefined ? {} : { hint }),
      });
    if (isAddress(hook)) {
      if (!URL.canParse(hook)) throw refuse("invalid", `"${hook}" is no address`);
      if (new URL(hook).username !== "") throw refuse("invalid", "an address must not hold a login");
    } else if (caller.role !== "admin") {
      throw refuse("forbidden", "it runs a command, which needs role admin", "an http(s) address needs none");
    } else if (!allowCommands) {
      throw refuse(
        "forbidden",
        "it runs a command",
        "set backups.allow_commands to true to let administrators use it",
      );
    }
  }
}

/** What a hook is called with. */
export interface HookCall {
  moment: HookMoment;
  policies: Policies;
  facts: HookFacts;
  allowCommands: boolean;
  context: Pick<EngineContext, "signal" | "log" | "secret" | "caps">;
}

/** Calls the hook of a moment, if there is one. Rejects with a sentence when it fails; never before its program has ended. */
export async function callHook(call: HookCall): Promise<void> {
  const { moment, policies, allowCommands, context } = call;
  const hook = policies[FIELDS[moment]];
  if (hook === null) return;
  const name = `${moment}-hook`;
  try {
    const authority: Authority = policies.hook_authority ?? { role: "operator", on_host: false };
    // Rights may have been taken away since it was set.
    authorizeHooks(policies, authority, allowCommands);
    if (isAddress(hook)) await post(new URL(hook), name, authority, call);
    else await run(hook, name, call);
  } catch (error) {
    context.signal.throwIfAborted();
    throw new HoldfastError("upstream", `the ${name} failed: ${messageOf(error)}`, { cause: error });
  }
}

async function run(
  command: string,
  name: string,
  { policies, facts, moment, context }: HookCall,
): Promise<void> {
  const { code, last } = await runTool({
    name,
    program: "/bin/sh",
    args: ["-c", command],
    env: environmentOf(moment, facts),
    timeoutMs: policies.hook_timeout_seconds * 1000,
  }, { context, secrets: new Secrets(context) });
  if (code === 0) return;
  const said = last.at(-1);
  throw new Error(`it ended with ${code}${said === undefined ? "" : `: ${said}`}`);
}

/** `HOLDFAST_EVENT`, `HOLDFAST_RUN_ID` and so on; what is not known is left out. */
function environmentOf(moment: HookMoment, facts: HookFacts): Record<string, string> {
  const values = Object.entries({ event: moment, ...facts }).filter(([, value]) => value !== null);
  return Object.fromEntries(values.map(([name, value]) => [`HOLDFAST_${name.toUpperCase()}`, String(value)]));
}

/** An operator over the network could make the daemon knock anywhere, so its hooks reach public addresses only. */
async function post(url: URL, name: string, authority: Authority, call: HookCall): Promise<void> {
  const { policies, facts, moment, context } = call;
  const trusted = authority.role === "admin" || authority.on_host;
  await using upstream = new Upstream({
    name: `the ${name}`,
    baseUrl: url.origin,
    retries: 0,
    timeoutMs: policies.hook_timeout_seconds * 1000,
    maxAnswerBytes: MAX_ANSWER,
    trust: { allowAddress: trusted ? isProbeable : isPublicAddress },
  });
  const { status } = await upstream.request({
    method: "POST",
    path: `${url.pathname}${url.search}`,
    json: { event: moment, ...facts },
    signal: context.signal,
  });
  context.log("info", `${name}: ${url.host} answered ${status}`);
}
