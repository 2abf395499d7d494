/** The shell as a person meets it: typed at in a pseudo-terminal, with a data directory of its own. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { migrateDataDir } from "../../../src/data_dir.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { sourceProgram } from "../../support/daemon.ts";
import { FakeVeeam } from "../../support/veeam/fake.ts";
import { hasPty, Pty } from "../../support/pty.ts";

const present = hasPty();
if (!present) console.log("skipped: the shell in a terminal: there is no script: install util-linux");

/** A person with an empty home but for a data directory, and shells in it. */
async function withHome(
  work: (open: (args: string[], rows?: number) => Pty, home: string) => Promise<void>,
  variables: Record<string, string> = {},
): Promise<void> {
  const home = await Deno.realPath(await Deno.makeTempDir({ prefix: "holdfast-shell-" }));
  const inherited = Deno.env.toObject();
  const env = {
    HOME: home,
    PATH: inherited.PATH ?? "",
    DENO_DIR: inherited.DENO_DIR ?? join(inherited.HOME ?? "", ".cache/deno"),
    XDG_STATE_HOME: join(home, "state"),
    NO_COLOR: "1",
    ...variables,
  };
  const { command, args } = sourceProgram();
  const data = ["--data-dir", join(home, "data")];
  await migrateDataDir(join(home, "data"));
  try {
    await work(
      (more, rows) =>
        new Pty(command, [...args, ...data, ...more], {
          env,
          cwd: home,
          ...(rows === undefined ? {} : { rows }),
        }),
      home,
    );
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

if (present) {
  Deno.test("commands, flags and the names there are complete with Tab, and run", () =>
    withHome(async (open) => {
      await using shell = open(["shell"]);
      await shell.shows(/holdfast> $/);
      await shell.type("server\t");
      await shell.shows(/servers $/);
      await shell.type("create --name web-1 --host 127.0.0.1\r");
      await shell.shows(/web-1[\s\S]*holdfast> $/);
      await shell.type("servers get w\t");
      await shell.shows(/servers get web-1 $/);
      await shell.type("--out\tj\t\r");
      await shell.shows(/"name": "web-1"[\s\S]*holdfast> $/);
      await shell.type("exit\r");
      assert.equal(await shell.exit(), 0);
    }));

  Deno.test("veeam shell knows Veeam's commands without the word, and the jobs of the server", async () => {
    const fake = new FakeVeeam({ clock: systemClock, jobs: 3, sessions: 3 });
    fake.jobs[0]!.name = "Daily VMs";
    await using server = fake.serve();
    const variables = {
      VEEAM_HOST: `http://127.0.0.1:${server.port}`,
      VEEAM_USER: fake.user,
      VEEAM_PASSWORD: fake.password,
    };
    await withHome(async (open) => {
      await using shell = open(["veeam", "shell"]);
      await shell.shows(/veeam> $/);
      await shell.type("jobs get Da\t");
      await shell.shows(/jobs get "Daily VMs" $/);
      await shell.type("--output json\r");
      await shell.shows(/"name": "Daily VMs"[\s\S]*-- more/);
      await shell.type("q");
      await shell.shows(/veeam> $/);
      await shell.type("veeam jobs list --output csv\r");
      await shell.shows(/Daily VMs,[\s\S]*veeam> $/);
      await shell.type("\x04");
      assert.equal(await shell.exit(), 0);
    }, variables);
  });

  Deno.test("Ctrl-C ends the command or empties the line, never the shell; Ctrl-D ends the shell", () =>
    withHome(async (open) => {
      await using shell = open(["shell"]);
      await shell.shows(/holdfast> $/);
      await shell.type("schedules events\r");
      await shell.shows(/events\n/);
      await shell.typeUntil("\x03", /Interrupted\.[\s\S]*holdfast \(130\)> $/);
      await shell.type("half a line\x03");
      await shell.shows(/half a line\^C\n(holdfast \(130\)> )+$/);
      await shell.type("servers list\r");
      await shell.shows(/Nothing to show\.\nholdfast> $/);
      await shell.type("servers get nobody\r");
      await shell.shows(/Cannot find server "nobody"[\s\S]*holdfast \(5\)> $/);
      await shell.type("serve\r");
      await shell.shows(/Cannot run "serve" here[\s\S]*holdfast \(2\)> $/);
      await shell.type("\x04");
      assert.equal(await shell.exit(), 0);
    }));

  Deno.test("lines come back in the next shell, but none with a secret, and its file is private", () =>
    withHome(async (open, home) => {
      {
        await using shell = open(["shell"]);
        await shell.shows(/holdfast> $/);
        await shell.type("servers list\r");
        await shell.shows(/Nothing to show\.[\s\S]*> $/);
        await shell.type("servers list --filter password=hunter2\r");
        await shell.shows(/Nothing to show\.[\s\S]*> $/);
        await shell.type("\x1b[A");
        assert.doesNotMatch(await shell.shows(/servers list$/), /hunter2/);
        await shell.type("\x03");
        await shell.shows(/> $/);
        await shell.type("\x04");
        assert.equal(await shell.exit(), 0);
      }
      const file = join(home, "state/holdfast/history");
      assert.equal(await Deno.readTextFile(file), "servers list\n");
      assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
      await using shell = open(["shell"]);
      await shell.shows(/holdfast> $/);
      await shell.type("\x1b[A\r");
      await shell.shows(/servers list\n[\s\S]*Nothing to show\./);
    }));

  Deno.test("a table longer than the screen stops, goes on line by line and ends where asked", () =>
    withHome(async (open) => {
      await using shell = open(["shell"], 12);
      await shell.shows(/holdfast> $/);
      await shell.type("config show\r");
      const first = await shell.shows(/-- more: space, Enter, q --$/);
      assert.equal(first.split("\n").filter((line) => /^\S+\.\S+ /.test(line)).length, 9);
      await shell.type("\r");
      await shell.shows(/-- more/);
      await shell.type(" ");
      await shell.shows(/-- more/);
      await shell.type("q");
      await shell.shows(/holdfast> $/);
      await shell.type("exit\r");
      assert.equal(await shell.exit(), 0);
    }));
}
