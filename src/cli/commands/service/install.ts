/** Installing and removing the unit: first a plan, which is also the dry run, then its steps. */
import { dirname, join } from "node:path";
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import { STATE_DIRECTORY, UNIT, UNIT_DIRECTORY } from "./names.ts";

/** One thing to do. */
export type Step =
  | { kind: "run"; command: [string, ...string[]] }
  | { kind: "write"; path: string; text: string }
  | { kind: "remove"; path: string };

/** What is to be installed. */
export interface InstallWish {
  unitDirectory: string;
  text: string;
  user: string;
  /** Destinations that do not exist yet. */
  missing: readonly string[];
  now: boolean;
}

/** What is there. */
export interface Present {
  userExists: boolean;
  /** Text of the installed unit. */
  unit: string | undefined;
  /** True when systemd runs this host, so that its manager can be told. */
  booted: boolean;
  enabled: boolean;
  active: boolean;
}

/** The steps to what is wished; none when all is so already. */
export function planInstall(wish: InstallWish, present: Present): Step[] {
  const { user, unitDirectory } = wish;
  const steps: Step[] = [];
  const run = (...command: [string, ...string[]]) => void steps.push({ kind: "run", command });
  const changed = present.unit !== wish.text;
  const write = { kind: "write", path: join(unitDirectory, UNIT), text: wish.text } as const;
  // Another directory belongs to an image or another host: its users and its systemd are not these.
  if (unitDirectory !== UNIT_DIRECTORY) return changed ? [write] : [];
  if (!present.userExists) run(...userAdd(user));
  for (const path of wish.missing) run("install", "-d", "-m", "0750", "-o", user, "-g", user, "--", path);
  if (changed) steps.push(write);
  if (changed && present.booted) run("systemctl", "daemon-reload");
  if (!present.enabled) run("systemctl", "enable", UNIT);
  if (wish.now && present.booted && (changed || !present.active)) {
    run("systemctl", present.active ? "restart" : "start", UNIT);
  }
  return steps;
}

function userAdd(user: string): [string, ...string[]] {
  return [
    "useradd",
    "--system",
    "--user-group",
    "--home-dir",
    STATE_DIRECTORY,
    "--no-create-home",
    "--shell",
    "/usr/sbin/nologin",
    user,
  ];
}

/** The steps that take the unit away; user and data stay. */
export function planUninstall(unitDirectory: string, present: Present): Step[] {
  if (present.unit === undefined) return [];
  const ours = unitDirectory === UNIT_DIRECTORY;
  const steps: Step[] = [];
  if (ours && present.booted) steps.push({ kind: "run", command: ["systemctl", "stop", UNIT] });
  if (ours && present.enabled) steps.push({ kind: "run", command: ["systemctl", "disable", UNIT] });
  steps.push({ kind: "remove", path: join(unitDirectory, UNIT) });
  if (ours && present.booted) steps.push({ kind: "run", command: ["systemctl", "daemon-reload"] });
  return steps;
}

/** A step as a line for people. */
export function renderStep(step: Step): string {
  switch (step.kind) {
    case "run":
      return step.command.map((word) => /^[\w/.@:=-]+$/.test(word) ? word : JSON.stringify(word)).join(" ");
    case "write":
      return `write ${step.path}`;
    case "remove":
      return `remove ${step.path}`;
  }
}

/** Does a step. Errors: `unavailable` when a command fails, `forbidden` when a file cannot be written. */
export async function applyStep(step: Step): Promise<void> {
  try {
    switch (step.kind) {
      case "run":
        return await runCommand(step.command);
      case "write":
        return await replaceFile(step.path, step.text);
      case "remove":
        return await Deno.remove(step.path);
    }
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError("forbidden", `Cannot ${renderStep(step)}: ${messageOf(error)}`, { cause: error });
  }
}

async function runCommand([program, ...args]: [string, ...string[]]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args, stdin: "null", stdout: "null" })
    .output();
  if (success) return;
  const reason = new TextDecoder().decode(stderr).trim().split("\n").at(-1) || "it failed";
  throw new HoldfastError("unavailable", `Cannot run ${[program, ...args].join(" ")}: ${reason}`);
}

async function replaceFile(path: string, text: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  // systemd must never read half a unit.
  const partial = `${path}.partial`;
  await Deno.writeTextFile(partial, text, { mode: 0o644 });
  await Deno.rename(partial, path);
}
