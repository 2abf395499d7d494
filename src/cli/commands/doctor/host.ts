/** The host as the checks see it; tests describe their own. */
import { join } from "node:path";
import { type Account, findAccount } from "../service/account.ts";
import { answerOf, readIfThere } from "../service/host.ts";
import { UNIT, UNIT_DIRECTORY } from "../service/names.ts";
import { readSandbox, type Sandbox } from "./sandbox.ts";

/** Where things are on a host. */
export interface HostPlaces {
  /** Directories of units, the first one wins. */
  units: readonly string[];
  passwd: string;
  group: string;
  /** `/proc/self/mountinfo` (proc_pid_mountinfo(5)). */
  mountinfo: string;
  /** Answers of `systemctl` and `timedatectl`; undefined where there is no such program. */
  ask(program: string, args: string[]): Promise<string | undefined>;
}

/** This host. */
export const THIS_HOST: HostPlaces = {
  units: [UNIT_DIRECTORY, "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"],
  passwd: "/etc/passwd",
  group: "/etc/group",
  mountinfo: "/proc/self/mountinfo",
  ask: answerOf,
};

/** The installed service. */
export interface Service {
  path: string;
  sandbox: Sandbox;
}

/** The service's unit with its drop-ins, or undefined when none is installed. */
export async function findService({ units }: HostPlaces): Promise<Service | undefined> {
  for (const directory of units) {
    const path = join(directory, UNIT);
    const text = await readIfThere(path);
    if (text !== undefined) return { path, sandbox: readSandbox([text, ...await dropIns(units)]) };
  }
  return undefined;
}

async function dropIns(units: readonly string[]): Promise<string[]> {
  const files = new Map<string, string>();
  // The same name in a stronger directory takes the place of the weaker one.
  for (const directory of [...units].reverse()) {
    const folder = join(directory, `${UNIT}.d`);
    try {
      for await (const { name } of Deno.readDir(folder)) {
        if (name.endsWith(".conf")) files.set(name, join(folder, name));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  const names = [...files.keys()].sort();
  return await Promise.all(names.map(async (name) => await readIfThere(files.get(name)!) ?? ""));
}

/** A user of the host by name, or by number. */
export async function findUser(
  user: string | number,
  { passwd, group }: HostPlaces,
): Promise<Account | undefined> {
  const [users, groups] = await Promise.all([readIfThere(passwd), readIfThere(group)]);
  const name = typeof user === "string"
    ? user
    : users?.split("\n").find((line) => line.split(":")[2] === String(user))?.split(":")[0];
  return name === undefined ? undefined : findAccount(name, users ?? "", groups ?? "");
}

/** The text of the host's mounts; empty where there is none. */
export async function mountsOf({ mountinfo }: HostPlaces): Promise<string> {
  if (!mountinfo.startsWith("/proc/")) return await readIfThere(mountinfo) ?? "";
  if (Deno.build.os !== "linux") return "";
  // Not read in this process: Deno opens nothing below /proc for a program that was not granted everything.
  const { stdout } = await new Deno.Command("cat", { args: [mountinfo], stdin: "null", stderr: "null" })
    .output();
  return new TextDecoder().decode(stdout);
}

/** The read-only file system a path lies on, by its mount point, or undefined when it can be written. */
export function readOnlyMount(path: string, mountinfo: string): string | undefined {
  let best: { point: string; options: string } | undefined;
  for (const line of mountinfo.split("\n")) {
    const [, , , , raw = "", options = ""] = line.split(" ");
    const point = raw.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    const covers = point !== "" && (point === "/" || path === point || path.startsWith(`${point}/`));
    // Of two mounts on one point the later one is seen.
    if (covers && point.length >= (best?.point.length ?? 0)) best = { point, options };
  }
  return best?.options.split(",").includes("ro") ? best.point : undefined;
}
