/** The text of the unit, judged by systemd's own tools where they are installed. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { commandWord, pathWord, readWords } from "../../src/cli/commands/service/escape.ts";
import { type Grants, grantsFor, type Wanted } from "../../src/cli/commands/service/grants.ts";
import { type UnitOptions, unitText } from "../../src/cli/commands/service/unit.ts";

const NOTHING: Wanted = { sources: [], writes: [], restoreOwners: false };

function unit(options: Partial<UnitOptions> = {}): string {
  return unitText({
    binary: "/usr/local/bin/holdfast",
    flags: [],
    user: "holdfast",
    grants: grantsFor(NOTHING),
    graceSeconds: 60,
    lowPort: false,
    credentials: {},
    ...options,
  });
}

/** Values of a setting, in their order. */
function settings(text: string, name: string): string[] {
  return text.split("\n").filter((line) => line.startsWith(`${name}=`)).map((line) =>
    line.slice(name.length + 1)
  );
}

const GRANTS: { says: string; wanted: Partial<Wanted>; gives: Partial<Grants> }[] = [
  {
    says: "nothing asked for, nothing given",
    wanted: {},
    gives: {
      protectHome: "tmpfs",
      readOnly: [],
      readWrite: [],
      bindReadOnly: [],
      bind: [],
      capabilities: [],
    },
  },
  {
    says: "a source is read whoever owns its files, and nothing more",
    wanted: { sources: ["/srv/data/"] },
    gives: { readOnly: ["/srv/data"], readWrite: [], capabilities: ["CAP_DAC_READ_SEARCH"] },
  },
  {
    says: "a destination is written without any capability",
    wanted: { writes: ["/srv/backups"] },
    gives: { readWrite: ["/srv/backups"], capabilities: [] },
  },
  {
    says: "one home alone is bound in from behind the hidden ones",
    wanted: { sources: ["/home/ada"], writes: ["/home/backup", "/var/tmp/x"] },
    gives: {
      protectHome: "tmpfs",
      bindReadOnly: ["/home/ada"],
      bind: ["/home/backup", "/var/tmp/x"],
      readOnly: [],
    },
  },
  {
    says: "all homes, or the whole host, need the homes to be seen",
    wanted: { sources: ["/"] },
    gives: { protectHome: "read-only", readOnly: [], bindReadOnly: [] },
  },
  {
    says: "writing all homes needs them open",
    wanted: { sources: ["/etc"], writes: ["/home"] },
    gives: { protectHome: "no", readWrite: ["/home"], bind: [], readOnly: ["/etc"] },
  },
  {
    says: "what is read and written is given once, for writing",
    wanted: { sources: ["/srv"], writes: ["/srv"] },
    gives: { readOnly: [], readWrite: ["/srv"] },
  },
  {
    says: "restoring owners takes the capabilities that takes",
    wanted: { restoreOwners: true },
    gives: { capabilities: ["CAP_CHOWN", "CAP_FOWNER", "CAP_FSETID", "CAP_DAC_OVERRIDE"] },
  },
  {
    says: "a directory whose name only begins like a home is none",
    wanted: { sources: ["/homes/ada"] },
    gives: { readOnly: ["/homes/ada"], bindReadOnly: [] },
  },
];

for (const { says, wanted, gives } of GRANTS) {
  Deno.test(`grants: ${says}`, () => {
    const grants = grantsFor({ ...NOTHING, ...wanted });
    for (const [name, value] of Object.entries(gives)) {
      assert.deepEqual(Reflect.get(grants, name), value, name);
    }
  });
}

Deno.test("a path that is not absolute is refused", () => {
  assert.throws(
    () => grantsFor({ ...NOTHING, sources: ["data"] }),
    /Cannot grant "data": it is not an absolute path/,
  );
});

const PATHS = [
  "/srv/data",
  "/srv/my data",
  "/srv/100%/%h",
  '/srv/"quoted"',
  "/srv/it's",
  "/srv/back\\slash",
  "/srv/a:b",
  "/srv/é ☃",
  "/srv/$HOME",
];

for (const path of PATHS) {
  Deno.test(`the path ${path} survives being written into a unit`, () => {
    assert.deepEqual(readWords(pathWord(path)), [path]);
    assert.deepEqual(readWords(`${pathWord("/a b")} ${pathWord(path)}`), ["/a b", path]);
  });
}

Deno.test("variables, specifiers and semicolons in a command mean themselves", () => {
  assert.equal(commandWord("$HOME/%h"), "$$HOME/%%h");
  assert.equal(commandWord(";"), "\\;");
  assert.equal(commandWord("a b"), '"a b"');
  assert.equal(commandWord(""), '""');
});

Deno.test("a path with a line end cannot put lines into the unit", () => {
  assert.throws(() => pathWord("/srv/x\nUser=root"), /has control characters/);
});

Deno.test("the time to stop follows the grace that runs have", () => {
  assert.deepEqual(settings(unit({ graceSeconds: 3600 }), "TimeoutStopSec"), ["3630"]);
});

Deno.test("memory stays executable, because V8 compiles into it", () => {
  assert.deepEqual(settings(unit(), "MemoryDenyWriteExecute"), ["no"]);
});

Deno.test("a port below 1024 takes the capability to bind it, and nothing else does", () => {
  assert.deepEqual(settings(unit(), "AmbientCapabilities"), [""]);
  assert.deepEqual(settings(unit({ lowPort: true }), "AmbientCapabilities"), ["CAP_NET_BIND_SERVICE"]);
});

Deno.test("files with the set-uid bit can be restored only where owners can", () => {
  assert.deepEqual(settings(unit(), "RestrictSUIDSGID"), ["yes"]);
  const grants = grantsFor({ ...NOTHING, restoreOwners: true });
  assert.deepEqual(settings(unit({ grants }), "RestrictSUIDSGID"), ["no"]);
});

Deno.test("flags and credentials become part of the unit", () => {
  const text = unit({ flags: ["--api-listen", "0.0.0.0:8420"], credentials: { "api.key": "/etc/k%y" } });
  assert.deepEqual(settings(text, "ExecStart"), ["/usr/local/bin/holdfast serve --api-listen 0.0.0.0:8420"]);
  assert.deepEqual(settings(text, "LoadCredential"), ["api.key:/etc/k%%y"]);
});

async function analyze(args: string[]): Promise<{ success: boolean; output: string } | undefined> {
  try {
    const { success, stdout, stderr } = await new Deno.Command("systemd-analyze", { args, stdin: "null" })
      .output();
    return { success, output: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const HARDEST = grantsFor({
  sources: [...PATHS, "/home/ada", "/home/a b:c%"],
  writes: ["/srv/my backups", "/tmp/a b"],
  restoreOwners: true,
});

for (
  const [says, grants] of [["nothing granted", grantsFor(NOTHING)], ["everything granted", HARDEST]] as const
) {
  Deno.test(`systemd finds nothing wrong with the unit with ${says}`, async () => {
    const dir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
    try {
      const binary = join(dir, "hold fast%n");
      await Deno.writeTextFile(binary, "#!/bin/sh\n", { mode: 0o755 });
      const path = join(dir, "holdfast.service");
      // The user need not exist on the host that runs the tests.
      await Deno.writeTextFile(
        path,
        unit({ binary, grants, user: "root", flags: ["--data-dir", "/srv/$a b%"] }),
      );
      const verdict = await analyze(["verify", "--man=no", path]);
      if (verdict === undefined) {
        return console.log(
          "skipped: systemd-analyze verify: it is not installed: install the package systemd",
        );
      }
      assert.deepEqual(verdict, { success: true, output: "" });
      const security = await analyze(["security", "--offline=true", "--no-pager", path]);
      const exposure = Number(/Overall exposure level for .*: ([\d.]+)/.exec(security?.output ?? "")?.[1]);
      console.log(`exposure with ${says}: ${exposure}`);
      assert.ok(exposure <= (grants === HARDEST ? 4 : 2.5), security?.output);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}

const MANAGER = "/lib/systemd/systemd";

Deno.test("systemd itself reads every path out of the unit as it was meant", async () => {
  const isInstalled = await Deno.stat(MANAGER).then(() => true, () => false);
  const isRoot = Deno.uid() === 0;
  if (!isInstalled) {
    return console.log(`skipped: paths read by systemd: there is no ${MANAGER}: install the package systemd`);
  }
  const dir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  try {
    await Deno.chmod(dir, 0o755);
    await Deno.writeTextFile(join(dir, "holdfast.service"), unit({ grants: HARDEST, user: "root" }));
    await Deno.writeTextFile(join(dir, "default.target"), "[Unit]\nWants=holdfast.service\n");
    for (const name of ["holdfast.service", "default.target"]) await Deno.chmod(join(dir, name), 0o644);
    // Its self-test loads the units, prints what it understood, and refuses to run as root.
    const { stdout, stderr } = await new Deno.Command(MANAGER, {
      args: ["--test", "--system", "--unit=default.target"],
      env: { SYSTEMD_UNIT_PATH: `${dir}:/lib/systemd/system`, LC_ALL: "C.UTF-8" },
      clearEnv: true,
      stdin: "null",
      ...(isRoot ? { uid: 65_534, gid: 65_534 } : {}),
    }).output();
    const [, dump = ""] = new TextDecoder().decode(stdout).split(/-> Unit (?=holdfast\.service:)/);
    const [own = ""] = dump.split("-> Unit ");
    const read = (name: string) => new RegExp(`^\\s+${name}: (.*)$`, "m").exec(own)?.[1];
    assert.ok(own, new TextDecoder().decode(stderr));
    assert.equal(read("ReadOnlyPaths"), [...PATHS].sort().map((path) => `-${path}`).join(" "));
    assert.equal(read("ReadWritePaths"), "-/srv/my backups");
    assert.match(own, /BindReadOnlyPaths: -\/home\/a b:c%:\/home\/a b:c%:rbind/);
    assert.equal(read("BindPaths"), "-/tmp/a b:/tmp/a b:rbind");
    assert.equal(read("TimeoutStopSec"), "1min 30s");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
