/** What a systemd unit lets its program reach, read from the unit's text (systemd.exec(5)). */
import { readWords } from "../service/escape.ts";
import { HOMES, isWithin, TEMPORARY } from "../service/grants.ts";

/** The parts of a unit that limit paths. */
export interface Sandbox {
  user: string;
  /** True when the program has the capability. */
  has(capability: string): boolean;
  /** Why the program does not see all of a path, or undefined when it does. */
  hides(path: string): string | undefined;
  /** Why the program may not write below a path, or undefined when it may; file modes apart. */
  keepsFromWriting(path: string): string | undefined;
}

/** A unit and its drop-ins, in the order systemd reads them. */
export function readSandbox(texts: readonly string[]): Sandbox {
  const unit = readSettings(texts);
  const last = (name: string) => unit.get(name)?.at(-1) ?? "";
  const paths = (...names: string[]) => names.flatMap((name) => pathsOf(unit.get(name) ?? []));
  const user = last("User") || "root";
  const binds = paths("BindPaths");
  const readOnlyBinds = paths("BindReadOnlyPaths");
  const hidden: Hidden[] = [
    ...hiddenHomes(last("ProtectHome")),
    ...(isYes(last("PrivateTmp"))
      ? TEMPORARY.map((path) => ({ path, by: "PrivateTmp=", absolute: false }))
      : []),
    ...paths("InaccessiblePaths").map((path) => ({ path, by: "InaccessiblePaths=", absolute: true })),
  ];
  const bound = [...binds, ...readOnlyBinds];
  const rules: Rule[] = [
    ...systemRules(last("ProtectSystem")),
    ...(last("ProtectHome") === "read-only"
      ? HOMES.map((path) => ({ path, by: "ProtectHome=read-only", writable: false }))
      : []),
    ...paths("ReadOnlyPaths").map((path) => ({ path, by: "ReadOnlyPaths=", writable: false })),
    ...readOnlyBinds.map((path) => ({ path, by: "BindReadOnlyPaths=", writable: false })),
    ...[...paths("ReadWritePaths"), ...binds, ...ownDirectories(unit)]
      .map((path) => ({ path, by: "ReadWritePaths=", writable: true })),
  ];
  return {
    user,
    has: capabilityTest(user, unit.get("CapabilityBoundingSet"), unit.get("AmbientCapabilities")),
    hides: (path) => hides(path, hidden, bound),
    keepsFromWriting(path) {
      const rule = rules.filter((rule) => isWithin(path, rule.path))
        .reduce<Rule | undefined>(
          (best, rule) => best && best.path.length > rule.path.length ? best : rule,
          undefined,
        );
      return rule === undefined || rule.writable
        ? undefined
        : `${rule.by} of its unit makes ${rule.path} read-only`;
    },
  };
}

interface Hidden {
  path: string;
  by: string;
  /** True when not even a bind mount below it is seen. */
  absolute: boolean;
}

interface Rule {
  path: string;
  by: string;
  writable: boolean;
}

function readSettings(texts: readonly string[]): Map<string, string[]> {
  const unit = new Map<string, string[]>();
  for (const line of texts.flatMap((text) => text.replaceAll(/\\\n/g, " ").split("\n"))) {
    const [, name = "", value = ""] = /^\s*([A-Z]\w*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === "") continue;
    // An empty value begins a list anew.
    unit.set(name, value === "" ? [""] : [...(unit.get(name) ?? []), value]);
  }
  return unit;
}

/** Paths of a list setting, as the program sees them: a bind mount's second path counts. */
function pathsOf(values: readonly string[]): string[] {
  return values.flatMap((value) => readWords(value, ":")).map((word) => {
    const [from = "", to] = word.split("\0");
    return (to || from).replace(/^[-+]+/, "").replace(/(.)\/+$/, "$1");
  });
}

function isYes(value: string): boolean {
  return ["yes", "true", "1", "on", "disconnected"].includes(value.toLowerCase());
}

function hiddenHomes(value: string): Hidden[] {
  if (value !== "tmpfs" && !isYes(value)) return [];
  return HOMES.map((path) => ({ path, by: `ProtectHome=${value}`, absolute: value !== "tmpfs" }));
}

function systemRules(value: string): Rule[] {
  const by = `ProtectSystem=${value}`;
  if (value === "strict") return [{ path: "/", by, writable: false }];
  if (value !== "full" && !isYes(value)) return [];
  const directories = ["/usr", "/boot", "/efi", ...(value === "full" ? ["/etc"] : [])];
  return directories.map((path) => ({ path, by, writable: false }));
}

function ownDirectories(unit: ReadonlyMap<string, string[]>): string[] {
  const roots = {
    StateDirectory: "/var/lib",
    CacheDirectory: "/var/cache",
    LogsDirectory: "/var/log",
    RuntimeDirectory: "/run",
  };
  const own = Object.entries(roots).flatMap(([name, root]) =>
    (unit.get(name) ?? []).flatMap((value) => readWords(value)).map((word) => `${root}/${word.split(":")[0]}`)
  );
  return [...own, ...(isYes(unit.get("PrivateTmp")?.at(-1) ?? "") ? TEMPORARY : []), "/dev", "/proc", "/sys"];
}

function hides(path: string, hidden: readonly Hidden[], bound: readonly string[]): string | undefined {
  for (const { path: place, by, absolute } of hidden) {
    if (isWithin(path, place) && (absolute || !bound.some((open) => isWithin(path, open)))) {
      return `${by} of its unit hides ${place}`;
    }
    // A private directory of temporary files is no loss to a backup of what is around it.
    if (isWithin(place, path) && !TEMPORARY.some((own) => own === place)) {
      return `${by} of its unit hides ${place} inside it`;
    }
  }
  return undefined;
}

/** Root has what the bounding set leaves; others only what is given to them as ambient. */
function capabilityTest(
  user: string,
  bounding: readonly string[] | undefined,
  ambient: readonly string[] | undefined,
): (capability: string) => boolean {
  const within = setTest(bounding, true);
  const given = setTest(ambient, false);
  return (capability) => within(capability) && (user === "root" || given(capability));
}

function setTest(values: readonly string[] | undefined, unset: boolean): (capability: string) => boolean {
  if (values === undefined) return () => unset;
  return (capability) =>
    values.reduce((has, value, i) => {
      const inverted = value.startsWith("~");
      const named = value.replace("~", "").split(/\s+/).includes(capability);
      if (i === 0 && inverted) return !named;
      return named ? !inverted : has;
    }, false);
}
