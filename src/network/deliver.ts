/**
 * Bringing a plan to a router: one commit, looked at afterwards, confirmed; or taken back.
 *
 * Either it is done and verified, or the router is as it was and the error says why; or nobody can tell, which is an
 * error of its own ({@linkcode UnclearError}), and is settled when the router can be asked again.
 */
import type { Clock } from "../lib/clock.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { VyosClient } from "./client.ts";
import type { RouterSettings } from "./config.ts";
import { isVyos } from "./envelope.ts";
import { keyOf } from "./objects.ts";
import { isThere, progress, render, type Step } from "./plan.ts";
import type { Profile } from "./release.ts";
import { sameTree, type Tree, treeAt } from "./tree.ts";

/** A router that can be changed now. */
export interface Link {
  name: string;
  client: VyosClient;
  profile: Profile;
  settings: RouterSettings;
  clock: Clock;
  /** The nodes that steps are about. */
  look(): Promise<Tree>;
}

/** Nobody can tell what became of a change. */
export class UnclearError extends HoldfastError {
  constructor(router: string, cause: unknown) {
    super("upstream", `Cannot tell what became of the change of router "${router}": ${messageOf(cause)}`, {
      code: "unclear",
      hint: "it is settled before the next change of this router; see holdfast network changes list",
      cause,
    });
  }
}

/** A person goes away, a commit does not: what was sent is brought to its end. */
const NEVER = new AbortController().signal;

/** Waits for a configuration that somebody else has locked, in milliseconds. */
const LOCK_WAITS = [500, 1000, 2000, 4000];
/** Waits for a router that gave no answer; a reload of its API takes seconds, a commit in the worst case minutes. */
const LOST_WAITS = [0, 500, 1000, 2000, 4000, 8000, 15_000, 30_000];

/** Does the steps. Returns what the router said. Errors: with the router as before; {@linkcode UnclearError}. */
export async function deliver(link: Link, steps: readonly Step[]): Promise<string> {
  const timed = await checkTimer(link);
  const said = await commit(link, steps, timed);
  try {
    const unsupported = timed && /unimplemented/i.test(said);
    if (progress(steps, await link.look()) !== "done") {
      await takeBack(link, steps);
      throw new HoldfastError(
        "upstream",
        `Cannot change router "${link.name}": it does not show the change afterwards, which was taken back`,
        { code: "not_verified" },
      );
    }
    if (timed && !unsupported) await confirm(link, steps);
    return said.trim();
  } catch (error) {
    if (error instanceof HoldfastError && ["not_verified", "went_back"].includes(error.code)) throw error;
    throw new UnclearError(link.name, error);
  }
}

/** True when the router shall go back by itself. Errors: `conflict` when it would reboot to do so. */
async function checkTimer({ name, client, profile, settings }: Link): Promise<boolean> {
  if (!profile.confirm || settings.confirm_minutes === 0) return false;
  if (settings.allow_reboot) return true;
  const management = ["system", "config-management"];
  const action = await client.returnValue([...management, "commit-confirm", "action"], NEVER);
  if (action === "reload") return true;
  throw new HoldfastError(
    "conflict",
    `Cannot change router "${name}": it would reboot to go back from an unconfirmed change`,
    {
      code: "would_reboot",
      hint:
        "on the router: set system config-management commit-confirm action reload, and commit-revisions; " +
        `or set network.routers.${name}.confirm_minutes to 0, or allow_reboot to true`,
    },
  );
}

async function commit(link: Link, steps: readonly Step[], timed: boolean): Promise<string> {
  const { client, profile, settings, clock } = link;
  const options = {
    background: profile.background,
    ...(timed ? { confirmMinutes: settings.confirm_minutes } : {}),
  };
  for (let attempt = 0;; attempt++) {
    try {
      return await client.configure(render(steps), options, NEVER);
    } catch (error) {
      const wait = LOCK_WAITS[attempt];
      if (isVyos(error, "locked") && wait !== undefined) {
        await clock.sleep(wait, NEVER);
        continue;
      }
      if (isVyos(error, "lost")) return await recover(link, steps, error);
      if (!isVyos(error, "confirm_pending")) throw error;
      // It was committed all the same, and the other timer would take it back at any time.
      await takeBack(link, steps).catch((cause: unknown) => {
        throw new UnclearError(link.name, cause);
      });
      throw new HoldfastError("conflict", error.message, { code: "confirm_pending", cause: error });
    }
  }
}

/** Finds out what became of a commit whose answer was lost. Errors: as it was, or unclear. */
async function recover(link: Link, steps: readonly Step[], lost: unknown): Promise<string> {
  await settleRouter(link, lost);
  const live = await link.look().catch((error: unknown) => {
    throw new UnclearError(link.name, error);
  });
  if (progress(steps, live) !== "untouched") return "";
  throw new HoldfastError("upstream", `${messageOf(lost)}, and nothing was changed`, {
    code: "lost",
    hint: "try again",
    cause: lost,
  });
}

/** Waits until the router has ended whatever it was doing. Errors: {@linkcode UnclearError} when it does not answer. */
export async function settleRouter(
  { name, client, clock }: Pick<Link, "name" | "client" | "clock">,
  lost: unknown,
  waits: readonly number[] = LOST_WAITS,
  signal: AbortSignal = NEVER,
): Promise<void> {
  let last = lost;
  for (const wait of waits) {
    if (wait > 0) await clock.sleep(wait, signal);
    try {
      return await client.settle(signal);
    } catch (error) {
      signal.throwIfAborted();
      last = error;
      if (isVyos(error, "wrong_key", "certificate_changed")) break;
    }
  }
  throw new UnclearError(name, last);
}

/** Ends the timer. Errors: `upstream` when the router had gone back before. */
async function confirm(link: Link, steps: readonly Step[]): Promise<void> {
  if (await tryConfirm(link)) return;
  // None was pending: confirmed by the first of two tries, or run out.
  if (progress(steps, await link.look()) === "done") return;
  throw new HoldfastError(
    "upstream",
    `Cannot change router "${link.name}": it went back by itself before the change was confirmed`,
    { code: "went_back" },
  );
}

async function tryConfirm({ client, clock }: Link, signal: AbortSignal = NEVER): Promise<boolean> {
  for (const wait of [500, 1000, 2000]) {
    try {
      return await client.confirm(signal);
    } catch (error) {
      if (!isVyos(error, "lost", "connect", "proxy", "locked")) throw error;
      await clock.sleep(wait, signal);
    }
  }
  return await client.confirm(signal);
}

/** Makes the nodes of the steps what they were. Whatever timer runs is ended then. */
async function takeBack(link: Link, steps: readonly Step[]): Promise<void> {
  const live = await link.look();
  const back = steps.map((step): Step => ({
    ...step,
    before: treeAt(live, step.path) ?? null,
    after: step.before,
  })).filter(({ before, after }) => !sameTree(before, after));
  const commands = render(back);
  if (commands.length > 0) {
    try {
      await link.client.configure(commands, {}, NEVER);
    } catch (error) {
      if (!isVyos(error, "lost")) throw error;
      await settleRouter(link, error);
    }
    if (progress(back, await link.look()) !== "done") throw new Error("it could not be taken back");
  }
  if (link.profile.confirm) await link.client.confirm(NEVER);
}

/** What a router says of a change that was left under way. Errors: those of the router, and the signal's reason. */
export async function judgeLeft(
  link: Link,
  steps: readonly Step[],
  signal: AbortSignal,
): Promise<"done" | "undone"> {
  await settleRouter(link, undefined, [0, 500], signal);
  if (!isThere(steps, await link.look())) return "undone";
  if (!link.profile.confirm) return "done";
  await tryConfirm(link, signal);
  return isThere(steps, await link.look()) ? "done" : "undone";
}

/** Reads the top nodes that steps are about; for plans about any part of the configuration. */
export async function lookAt(
  client: VyosClient,
  steps: readonly Step[],
  signal: AbortSignal = NEVER,
): Promise<Tree> {
  const tops = new Map(steps.map(({ path }) => [keyOf(path.slice(0, 2)), path.slice(0, 2)]));
  const live: Record<string, Tree> = {};
  for (const [top, inner] of tops.values()) {
    if (top === undefined) continue;
    if (inner === undefined) live[top] = await client.showConfig([top], signal);
    else live[top] = { ...live[top], [inner]: await client.showConfig([top, inner], signal) };
  }
  return live;
}
