/**
 * What a program may use of the host: priorities through `nice` and `ionice`, memory and CPU time through a scope of
 * systemd, or through a control group (version 2) where those of this host may be written.
 */
import { join } from "node:path";
import type { ResourceCaps } from "../../engine.ts";

/** What this host offers. */
export interface CapHost {
  /** Directories programs are looked for in, as in PATH. */
  path: string;
  /** True where systemd is the system's manager and takes scopes from this process. */
  systemd(): Promise<boolean>;
  /** Directories of control groups below which a group may be made. */
  groups: readonly string[];
}

/** A program with what it is started through. */
export interface Capped {
  program: string;
  args: string[];
  /** What cannot be had on this host, for the log. */
  missing: string[];
}

/** The real host. */
export function thisHost(): CapHost {
  return {
    path: Deno.env.get("PATH") ?? "",
    systemd: () => exists(managerSocket()),
    groups: ["/sys/fs/cgroup"],
  };
}

/** What is there when a manager answers this user: the system's for root, else the user's own (systemd-run(1), `--user`). */
function managerSocket(): string {
  return Deno.uid() === 0
    ? "/run/systemd/system"
    : join(Deno.env.get("XDG_RUNTIME_DIR") ?? "/nonexistent", "systemd/private");
}

/** The command under its caps; unchanged without any. */
export async function capped(
  command: { program: string; args: readonly string[] },
  caps: ResourceCaps | undefined,
  host: CapHost = thisHost(),
): Promise<Capped> {
  const capped: Capped = { program: command.program, args: [...command.args], missing: [] };
  if (caps === undefined) return capped;
  await prioritize(capped, caps, host);
  if (caps.memory_max_bytes !== null || caps.cpu_max_percent !== null) await confine(capped, caps, host);
  return capped;
}

async function prioritize(capped: Capped, caps: ResourceCaps, host: CapHost): Promise<void> {
  const through = async (tool: string, ...args: string[]) => {
    const program = await find(tool, host);
    if (program === undefined) capped.missing.push(`${tool} is not installed`);
    else wrap(capped, program, args);
  };
  // Class 3 is idle, class 2 best-effort, whose lowest level is 7 (ionice(1)).
  if (caps.io_class === "idle") await through("ionice", "-c", "3");
  if (caps.io_class === "best-effort") await through("ionice", "-c", "2", "-n", "7");
  if (caps.nice !== null) await through("nice", "-n", String(caps.nice));
}

async function confine(capped: Capped, caps: ResourceCaps, host: CapHost): Promise<void> {
  const systemdRun = await host.systemd() ? await find("systemd-run", host) : undefined;
  if (systemdRun !== undefined) {
    wrap(capped, systemdRun, [
      ...["--scope", "--quiet", "--collect"],
      ...(Deno.uid() === 0 ? [] : ["--user"]),
      ...(caps.memory_max_bytes === null ? [] : ["-p", `MemoryMax=${caps.memory_max_bytes}`]),
      ...(caps.cpu_max_percent === null ? [] : ["-p", `CPUQuota=${caps.cpu_max_percent}%`]),
      "--",
    ]);
    return;
  }
  const group = await writableGroup(host);
  if (group === undefined) {
    capped.missing.push(
      "memory and CPU time cannot be capped: there is neither systemd nor a cgroup v2 to write to",
    );
    return;
  }
  // Hundredths of a second in a period of one tenth: 100 % is one core (cgroup v2, cpu.max).
  const cpu = caps.cpu_max_percent === null ? "" : `${caps.cpu_max_percent * 1000} 100000`;
  const memory = caps.memory_max_bytes === null ? "" : String(caps.memory_max_bytes);
  wrap(capped, "/bin/sh", ["-c", JOIN_GROUP, "sh", group, memory, cpu]);
}

/**
 * Makes a group, sets its limits, joins it and becomes the program. What cannot be set is said, and the program runs without.
 * Groups that earlier programs left empty go first.
 */
const JOIN_GROUP = `for old in "$1"/holdfast-*; do rmdir "$old" 2>/dev/null; done
g="$1/holdfast-$$" m="$2" c="$3"; shift 3
if mkdir "$g" && { [ -z "$m" ] || echo "$m" > "$g/memory.max"; } &&
  { [ -z "$c" ] || echo "$c" > "$g/cpu.max"; } && echo $$ > "$g/cgroup.procs"; then :
else echo "memory and CPU time are not capped: the control group $g cannot be set up" >&2; fi
exec "$@"`;

function wrap(capped: Capped, program: string, args: readonly string[]): void {
  capped.args = [...args, capped.program, ...capped.args];
  capped.program = program;
}

async function writableGroup({ groups }: CapHost): Promise<string | undefined> {
  for (const group of groups) {
    // Asked through a program: Deno itself opens nothing below /sys unless it was granted everything.
    const { success } = await new Deno.Command("test", { args: ["-w", join(group, "cgroup.procs")] }).output()
      .catch(() => ({ success: false }));
    if (success) return group;
  }
  return undefined;
}

async function find(tool: string, { path }: CapHost): Promise<string | undefined> {
  for (const directory of path.split(":").filter((directory) => directory.startsWith("/"))) {
    const file = join(directory, tool);
    if (await exists(file)) return file;
  }
  return undefined;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
