/** Plans for hosts that are described, and the verbs on a directory of their own. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { findAccount, modeAllows } from "../../src/cli/commands/service/account.ts";
import {
  applyStep,
  type InstallWish,
  planInstall,
  planUninstall,
  type Present,
  renderStep,
} from "../../src/cli/commands/service/install.ts";
import { install, type InstallFlags, printUnit, uninstall } from "../../src/cli/commands/service/verbs.ts";
import { Session } from "../../src/cli/session.ts";

const SYSTEM = "/etc/systemd/system";
const WISH: InstallWish = { unitDirectory: SYSTEM, text: "unit", user: "holdfast", missing: [], now: false };
const FRESH: Present = { userExists: false, unit: undefined, booted: true, enabled: false, active: false };
const DONE: Present = { userExists: true, unit: "unit", booted: true, enabled: true, active: true };

const ADD_USER = "useradd --system --user-group --home-dir /var/lib/holdfast --no-create-home " +
  "--shell /usr/sbin/nologin holdfast";
const WRITE = "write /etc/systemd/system/holdfast.service";
const RELOAD = "systemctl daemon-reload";
const ENABLE = "systemctl enable holdfast.service";

const PLANS: { says: string; wish?: Partial<InstallWish>; present: Present; steps: string[] }[] = [
  {
    says: "a fresh host gets the user, the unit and its link",
    present: FRESH,
    steps: [ADD_USER, WRITE, RELOAD, ENABLE],
  },
  {
    says: "with --now it is started",
    wish: { now: true },
    present: FRESH,
    steps: [ADD_USER, WRITE, RELOAD, ENABLE, "systemctl start holdfast.service"],
  },
  { says: "what is installed already is left alone", wish: { now: true }, present: DONE, steps: [] },
  {
    says: "a changed unit is written, and a running daemon restarted when asked",
    wish: { text: "other", now: true },
    present: DONE,
    steps: [WRITE, RELOAD, "systemctl restart holdfast.service"],
  },
  {
    says: "a running daemon is not restarted unasked",
    wish: { text: "other" },
    present: DONE,
    steps: [WRITE, RELOAD],
  },
  {
    says: "missing destinations are made for the user",
    wish: { missing: ["/srv/my backups"] },
    present: DONE,
    steps: ['install -d -m 0750 -o holdfast -g holdfast -- "/srv/my backups"'],
  },
  {
    says: "where systemd does not run it is told nothing",
    wish: { now: true },
    present: { ...FRESH, booted: false },
    steps: [ADD_USER, WRITE, ENABLE],
  },
  {
    says: "another directory gets the file alone",
    wish: { unitDirectory: "/image/system", missing: ["/srv/x"], now: true },
    present: FRESH,
    steps: ["write /image/system/holdfast.service"],
  },
];

for (const { says, wish, present, steps } of PLANS) {
  Deno.test(`install: ${says}`, () => {
    assert.deepEqual(planInstall({ ...WISH, ...wish }, present).map(renderStep), steps);
  });
}

Deno.test("uninstall stops, disables and removes the unit, and nothing else", () => {
  assert.deepEqual(planUninstall(SYSTEM, DONE).map(renderStep), [
    "systemctl stop holdfast.service",
    "systemctl disable holdfast.service",
    "remove /etc/systemd/system/holdfast.service",
    "systemctl daemon-reload",
  ]);
  assert.deepEqual(planUninstall(SYSTEM, FRESH), []);
});

Deno.test("a step that fails says which and why", async () => {
  await assert.rejects(
    applyStep({ kind: "run", command: ["sh", "-c", "echo no such luck >&2; exit 3"] }),
    /Cannot run sh -c .*: no such luck/,
  );
  await assert.rejects(
    applyStep({ kind: "run", command: ["no-such-program", "x"] }),
    /Cannot no-such-program x: /,
  );
});

Deno.test("a user is found with all groups, and modes are read for it", () => {
  const account = findAccount(
    "holdfast",
    "root:x:0:0::/root:/bin/sh\nholdfast:x:998:997::/var/lib/holdfast:/usr/sbin/nologin\n",
    "disk:x:6:ada,holdfast\nholdfast:x:997:\nholdfasts:x:996:holdfast2\n",
  );
  assert.deepEqual(account, { name: "holdfast", uid: 998, gids: [997, 6] });
  assert.equal(modeAllows({ mode: 0o40700, uid: 998, gid: 0 }, account, 7), true);
  assert.equal(modeAllows({ mode: 0o40770, uid: 0, gid: 6 }, account, 3), true);
  assert.equal(modeAllows({ mode: 0o40775, uid: 0, gid: 0 }, account, 2), false);
  // The owner's bits count alone, even where others have more.
  assert.equal(modeAllows({ mode: 0o40077, uid: 998, gid: 0 }, account, 4), false);
  assert.equal(findAccount("nobody-else", "", ""), undefined);
});

/** Runs a verb as `holdfast service` does; the program is a file that exists on every host. */
async function serve(
  work: (session: Session, flags: InstallFlags) => Promise<number>,
  flags: Partial<InstallFlags>,
  settings: Record<string, string> = {},
): Promise<{ printed: string; noted: string }> {
  const printed: string[] = [];
  const noted: string[] = [];
  const plain = (text: string) => text;
  const session = new Session(
    {
      print: (line) => void printed.push(line),
      note: (line) => void noted.push(line),
      status: () => {},
      columns: 80,
      interactive: false,
      env: {},
      colors: { bold: plain, red: plain, dim: plain },
    },
    { settings, configFile: undefined, view: { output: "table", filters: [], sortBy: undefined } },
    new AbortController().signal,
  );
  assert.equal(
    await work(session, {
      user: "holdfast",
      binary: "/bin/sh",
      unitDir: SYSTEM,
      ...flags,
    }),
    0,
  );
  return { printed: printed.join("\n"), noted: noted.join("\n") };
}

Deno.test("install writes the unit once, changes it when asked, and uninstall takes it away", async () => {
  const unitDir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  try {
    const path = join(unitDir, "holdfast.service");
    const flags = { unitDir, source: ["/srv/my data"] };
    assert.equal((await serve(install, flags)).printed, `write ${path}`);
    const first = await Deno.readTextFile(path);
    assert.match(first, /^ReadOnlyPaths="-\/srv\/my data"$/m);
    assert.equal((await serve(install, flags)).printed, "The service is installed already, as asked for.");
    assert.equal((await serve(install, { ...flags, write: ["/srv/b"] })).printed, `write ${path}`);
    assert.notEqual(await Deno.readTextFile(path), first);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o644);
    const { printed } = await serve(uninstall, { unitDir });
    assert.equal(
      printed,
      `remove ${path}\nKept: the data in /var/lib/holdfast, the configuration in /etc/holdfast, the user holdfast.`,
    );
    assert.match((await serve(uninstall, { unitDir })).printed, /^The service is not installed\.\nKept: /);
  } finally {
    await Deno.remove(unitDir, { recursive: true });
  }
});

Deno.test("a dry run prints the steps and the unit, and changes nothing", async () => {
  const unitDir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  try {
    const { printed } = await serve(install, { unitDir, dryRun: true });
    assert.match(
      printed,
      new RegExp(`^would write ${unitDir}/holdfast.service\n\n# holdfast.service\n# Made by`),
    );
    assert.deepEqual([...Deno.readDirSync(unitDir)], []);
  } finally {
    await Deno.remove(unitDir, { recursive: true });
  }
});

Deno.test("settings given as flags start the daemon, and a data directory of its own may be written", async () => {
  const { printed } = await serve(printUnit, { write: ["/srv/backups"] }, {
    data_dir: "/srv/hold fast",
    "api.listen": "127.0.0.1:443",
    "schedules.shutdown_grace_seconds": "5m",
    "backups.allow_commands": "false",
  });
  const exec = /^ExecStart=(.*)$/m.exec(printed)?.[1] ?? "";
  assert.ok(exec.startsWith("/bin/sh serve --"), exec);
  assert.match(exec, /--data-dir "\/srv\/hold fast"/);
  assert.match(exec, /--no-backups-allow-commands/);
  assert.match(printed, /^ReadWritePaths="-\/srv\/hold fast"$/m);
  assert.match(printed, /^ReadWritePaths=-\/srv\/backups$/m);
  assert.match(printed, /^AmbientCapabilities=CAP_NET_BIND_SERVICE$/m);
  assert.match(printed, /^TimeoutStopSec=330$/m);
});

const REFUSED: { says: string; flags: Partial<InstallFlags>; error: RegExp }[] = [
  { says: "a program that is not there", flags: { binary: "/bin/none" }, error: /no such file/ },
  { says: "a user name that is none", flags: { user: "x\nUser=root" }, error: /Cannot run as/ },
  {
    says: "a credential for what is no secret",
    flags: { credential: ["api.listen=/x"] },
    error: /expected SETTING=FILE/,
  },
];

for (const { says, flags, error } of REFUSED) {
  Deno.test(`the unit is refused for ${says}`, async () => {
    await assert.rejects(serve(printUnit, flags), error);
  });
}

Deno.test("a program in a directory the service does not see is refused", async () => {
  const path = await Deno.makeTempFile({ prefix: "holdfast-test-", dir: "/tmp" });
  try {
    await assert.rejects(serve(printUnit, { binary: path }), /the service does not see that directory/);
  } finally {
    await Deno.remove(path);
  }
});
