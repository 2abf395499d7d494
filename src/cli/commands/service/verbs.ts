/** What `holdfast service` does. */
import { dirname, resolve } from "node:path";
import { configLeaves, loadConfig, parseListen } from "../../../config/mod.ts";
import { HoldfastError } from "../../../lib/errors.ts";
import type { Session } from "../../session.ts";
import { modeAllows } from "./account.ts";
import { grantsFor, HOMES, isWithin, TEMPORARY } from "./grants.ts";
import { accountOf, isThere, lookAt } from "./host.ts";
import { applyStep, planInstall, planUninstall, renderStep, type Step } from "./install.ts";
import { STATE_DIRECTORY, UNIT, UNIT_DIRECTORY } from "./names.ts";
import { unitText } from "./unit.ts";

/** Flags of `service unit` and `service install`. */
export interface UnitFlags {
  source?: string[];
  write?: string[];
  restoreOwners?: boolean;
  user: string;
  binary?: string;
  credential?: string[];
}

/** Flags of `service install` alone. */
export interface InstallFlags extends UnitFlags {
  unitDir: string;
  now?: boolean;
  dryRun?: boolean;
}

/** Prints the unit. */
export async function printUnit(session: Session, flags: UnitFlags): Promise<number> {
  session.terminal.print((await unitFor(session, flags)).text.trimEnd());
  return 0;
}

/** Installs the unit. Errors: `forbidden` for others than root, and those of the steps. */
export async function install(session: Session, flags: InstallFlags): Promise<number> {
  const { terminal } = session;
  const unitDirectory = resolve(flags.unitDir);
  const { text, writes } = await unitFor(session, flags);
  requireRoot("install", unitDirectory, flags.dryRun);
  const present = await lookAt(unitDirectory, flags.user);
  const there = await Promise.all(writes.map(isThere));
  const missing = writes.filter((_, i) => !there[i]);
  const steps = planInstall(
    { unitDirectory, text, user: flags.user, missing, now: flags.now === true },
    present,
  );
  await perform(session, steps, flags.dryRun);
  if (flags.dryRun) {
    terminal.print(`\n# ${UNIT}\n${text.trimEnd()}`);
    return 0;
  }
  if (steps.length === 0) terminal.print("The service is installed already, as asked for.");
  if (unitDirectory !== UNIT_DIRECTORY) return 0;
  for (const path of writes.filter((path) => !missing.includes(path))) {
    await hintWhenNotWritable(session, path, flags.user);
  }
  if (!present.booted) terminal.note("systemd does not run here: the service starts with the next boot.");
  else if (!flags.now && !present.active) terminal.note(`Start it with: systemctl start ${UNIT}`);
  else if (!flags.now && steps.length > 0) terminal.note(`It takes effect with: systemctl restart ${UNIT}`);
  return 0;
}

/** Removes the unit. Errors: as {@linkcode install}. */
export async function uninstall(
  session: Session,
  flags: Pick<InstallFlags, "unitDir" | "dryRun">,
): Promise<number> {
  const unitDirectory = resolve(flags.unitDir);
  requireRoot("uninstall", unitDirectory, flags.dryRun);
  const present = await lookAt(unitDirectory, "holdfast");
  const user = /^User=(.*)$/m.exec(present.unit ?? "")?.[1] ?? "holdfast";
  const dataDir = await daemonConfig(session).then(({ data_dir }) => data_dir, () => STATE_DIRECTORY);
  const steps = planUninstall(unitDirectory, present);
  await perform(session, steps, flags.dryRun);
  if (steps.length === 0) session.terminal.print("The service is not installed.");
  session.terminal.print(
    `Kept: the data in ${dataDir}, the configuration in /etc/holdfast, the user ${user}.`,
  );
  return 0;
}

async function perform(session: Session, steps: readonly Step[], dryRun = false): Promise<void> {
  for (const step of steps) {
    session.terminal.print(`${dryRun ? "would " : ""}${renderStep(step)}`);
    if (!dryRun) await applyStep(step);
  }
}

function requireRoot(verb: string, unitDirectory: string, dryRun = false): void {
  if (dryRun || Deno.uid() === 0 || unitDirectory !== UNIT_DIRECTORY) return;
  throw new HoldfastError("forbidden", `Cannot ${verb} the service: only root may`, {
    hint: `run: sudo holdfast service ${verb}`,
  });
}

async function unitFor(session: Session, flags: UnitFlags): Promise<{ text: string; writes: string[] }> {
  const config = await daemonConfig(session);
  const writes = (flags.write ?? []).map((path) => resolve(path));
  const own = [
    config.data_dir,
    dirname(config.api.socket),
    ...(config.log.file === null ? [] : [dirname(config.log.file)]),
  ].filter((path) => !isWithin(path, STATE_DIRECTORY) && !isWithin(path, "/run/holdfast"));
  const port = parseListen(config.api.listen)?.port ?? 0;
  const text = unitText({
    binary: await binaryFor(flags),
    flags: flagsFor(session),
    user: requireUserName(flags.user),
    grants: grantsFor({
      sources: (flags.source ?? []).map((path) => resolve(path)),
      writes: [...writes, ...own],
      restoreOwners: flags.restoreOwners === true,
    }),
    graceSeconds: config.schedules.shutdown_grace_seconds,
    lowPort: port > 0 && port < 1024,
    credentials: credentialsOf(flags.credential ?? []),
  });
  return { text, writes };
}

/** The configuration as the service will see it: not with this person's variables, home or working directory. */
async function daemonConfig(session: Session) {
  const { settings, configFile } = session.options;
  const { config } = await loadConfig({
    args: settings,
    env: { STATE_DIRECTORY },
    cwd: "/",
    uid: 0,
    ...(configFile === undefined ? {} : { configFile: resolve(configFile) }),
  });
  return config;
}

/** The flags typed, for the daemon to be started with. */
function flagsFor(session: Session): string[] {
  const { settings, configFile } = session.options;
  const flags = configFile === undefined ? [] : ["--config", resolve(configFile)];
  for (const leaf of configLeaves()) {
    const value = settings[leaf.path];
    if (value === undefined) continue;
    if (leaf.type === "boolean") flags.push(value === "true" ? leaf.flag : leaf.flag.replace("--", "--no-"));
    else flags.push(leaf.flag, leaf.type === "path" || leaf.secret ? resolve(value) : value);
  }
  return flags;
}

async function binaryFor(flags: UnitFlags): Promise<string> {
  if (flags.binary === undefined && !Deno.build.standalone) {
    throw new HoldfastError(
      "invalid",
      "Cannot choose the program for the service: this is not the compiled one",
      {
        hint: "compile it (deno task compile), or name it with --binary",
      },
    );
  }
  const binary = resolve(flags.binary ?? Deno.execPath());
  if (!await isThere(binary)) {
    throw new HoldfastError("not_found", `Cannot use the program "${binary}": no such file`);
  }
  if ([...HOMES, ...TEMPORARY].some((directory) => isWithin(binary, directory))) {
    throw new HoldfastError(
      "invalid",
      `Cannot use the program "${binary}": the service does not see that directory`,
      {
        hint: `install it first: install -m 0755 ${binary} /usr/local/bin/holdfast`,
      },
    );
  }
  return binary;
}

function requireUserName(name: string): string {
  // The strict form of systemd's "User/Group Name Syntax".
  if (/^[a-z_][a-z0-9_-]{0,30}$/.test(name)) return name;
  throw new HoldfastError(
    "invalid",
    `Cannot run as "${name}": expected a system user's name such as holdfast`,
  );
}

function credentialsOf(entries: readonly string[]): Record<string, string> {
  const secrets = new Set(configLeaves().filter((leaf) => leaf.secret).map((leaf) => leaf.path));
  return Object.fromEntries(entries.map((entry) => {
    const [setting = "", file] = entry.split(/=(.*)/s);
    if (file === undefined || file === "" || !secrets.has(setting)) {
      throw new HoldfastError("invalid", `Cannot use credential "${entry}": expected SETTING=FILE`, {
        hint: `settings that are secret: ${[...secrets].join(", ")}`,
      });
    }
    return [setting, resolve(file)];
  }));
}

async function hintWhenNotWritable(session: Session, path: string, user: string): Promise<void> {
  const account = await accountOf(user);
  if (account === undefined || modeAllows(await Deno.stat(path), account, 3)) return;
  session.terminal.note(
    `warning: ${path} belongs to another user, so ${user} cannot write there; run: ` +
      `setfacl -m u:${user}:rwx ${path}, or chown ${user} ${path}`,
  );
}
