/** Can whoever runs the backups read a source and write a destination? */
import { dirname } from "node:path";
import { type Account, modeAllows, type Modes } from "../service/account.ts";
import { type HostPlaces, mountsOf, readOnlyMount } from "./host.ts";
import type { Sandbox } from "./sandbox.ts";

/** Who runs the backups. */
export interface Runner {
  account: Account;
  /** The unit it runs in; undefined when it runs freely. */
  sandbox: Sandbox | undefined;
}

/** Why a path cannot be reached, and what to do. */
export interface Obstacle {
  reason: string;
  fix: string;
}

/** What keeps the runner from reading a source, or undefined. */
export async function cannotRead(path: string, runner: Runner): Promise<Obstacle | undefined> {
  const { account, sandbox } = runner;
  const file = await statOf(path);
  if (file === undefined) {
    return { reason: "there is no such file or directory", fix: "mount or create it, or mend the schedule" };
  }
  const hidden = sandbox?.hides(path);
  if (hidden !== undefined) return { reason: hidden, fix: grantAgain("--source", path) };
  if (isMighty(runner, "CAP_DAC_READ_SEARCH") || isMighty(runner, "CAP_DAC_OVERRIDE")) return undefined;
  const closed = await closedParent(path, account);
  if (closed === undefined && modeAllows(file, account, file.isDirectory ? 5 : 4)) return undefined;
  return {
    reason: `${account.name} may not ${closed === undefined ? "read it" : `enter ${closed}`} (file mode)`,
    fix: sandbox === undefined
      ? `give ${account.name} the right to, or run the daemon as root`
      : grantAgain("--source", path),
  };
}

/** What keeps the runner from writing a destination, or undefined. One that is missing is judged by where it would be made. */
export async function cannotWrite(
  path: string,
  runner: Runner,
  host: HostPlaces,
): Promise<Obstacle | undefined> {
  const { account, sandbox } = runner;
  const hidden = sandbox?.hides(path) ?? sandbox?.keepsFromWriting(path);
  if (hidden !== undefined) return { reason: hidden, fix: grantAgain("--write", path) };
  const there = await nearestThere(path);
  const file = await statOf(there);
  if (file?.isDirectory === false) return { reason: `${there} is no directory`, fix: "mend the schedule" };
  const mount = readOnlyMount(there, await mountsOf(host));
  // Under the unit's own rules the file system may look different from here, but never less read-only.
  if (mount !== undefined) {
    return { reason: `the file system on ${mount} is read-only`, fix: `mount -o remount,rw ${mount}` };
  }
  if (file === undefined || isMighty(runner, "CAP_DAC_OVERRIDE")) return undefined;
  const closed = await closedParent(there, account);
  if (closed === undefined && modeAllows(file, account, 3)) return undefined;
  return {
    reason: `${account.name} may not ${
      closed === undefined ? `write ${there}` : `enter ${closed}`
    } (file mode)`,
    fix: `setfacl -m u:${account.name}:rwx ${closed ?? there}, or chown ${account.name} ${closed ?? there}`,
  };
}

function grantAgain(flag: string, path: string): string {
  return `run holdfast service install again, with ${flag} ${path} beside what it has`;
}

function isMighty({ account, sandbox }: Runner, capability: string): boolean {
  return sandbox === undefined ? account.uid === 0 : sandbox.has(capability);
}

/** The uppermost directory above a path that the user may not enter. */
async function closedParent(path: string, account: Account): Promise<string | undefined> {
  const parents: string[] = [];
  for (let at = dirname(path); parents.at(-1) !== at; at = dirname(at)) parents.push(at);
  for (const parent of parents.reverse()) {
    const file = await statOf(parent);
    if (file !== undefined && !modeAllows(file, account, 1)) return parent;
  }
  return undefined;
}

/** The path itself, or the nearest directory above it that exists. */
export async function nearestThere(path: string): Promise<string> {
  let at = path;
  while (await statOf(at) === undefined && dirname(at) !== at) at = dirname(at);
  return at;
}

async function statOf(path: string): Promise<Modes & { isDirectory: boolean } | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
