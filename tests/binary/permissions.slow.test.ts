/** What the program may do, who may read its files, and what other users of the host see of it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Server } from "../../src/servers/model.ts";
import { addSchedule, backupsOf, holeIn } from "../support/backed_up.ts";
import { type Sandbox, sandbox, theProgram } from "../support/daemon.ts";
import { until, within } from "../support/wait.ts";

Deno.test("the compiled program was granted files, network and processes, and no native code", async () => {
  const { binary } = await theProgram();
  if (binary === null) return;
  const text = new TextDecoder("latin1").decode(await Deno.readFile(binary));
  // What deno compile writes into each program, as JSON.
  const granted: Record<string, unknown> = JSON.parse(
    /"permissions":(\{"allow_[^}]*\})/.exec(text)?.[1] ?? "{}",
  );
  const kinds = Object.keys(granted).filter((name) => name.startsWith("allow_") && granted[name] !== null);
  assert.deepEqual(
    kinds.filter((name) => name !== "allow_import").sort(),
    ["allow_env", "allow_net", "allow_read", "allow_run", "allow_sys", "allow_write"],
  );
  assert.equal(granted.allow_ffi, null);
  assert.equal(granted.prompt, false);
});

Deno.test("everything in the data directory is for its owner alone, whatever the umask", async () => {
  await using box = await sandbox();
  const program = box.program.command;
  // The most careless umask there is, for the daemon and for the commands.
  const careless = ["-c", 'umask 000; exec "$0" "$@"', program];
  Object.assign(box, {
    program: { ...box.program, command: "/bin/sh", args: [...careless, ...box.program.args] },
  });
  const daemon = await box.serve();
  await holeIn(box, "data", 1000);
  await addSchedule(box);
  await box.run(["--data-dir", box.dataDir, "secrets", "set", "db-password"], { stdin: "swordfish 1234" });
  await box.ok("db", "backup");
  await box.ok("schedules", "trigger", "nightly", "--wait");
  const atWork = modesBelow(box.dataDir);
  assert.ok(
    ["holdfast.db", "holdfast.db-wal", "holdfast.sock", "keys/signing.json", "setup-code"].every((name) =>
      atWork.some((line) => line.endsWith(` ${name}`))
    ),
    atWork.join("\n"),
  );
  assert.deepEqual(atWork.filter((line) => !/^(0600|0700 \S*\/$)/.test(line)), []);
  assert.equal((await daemon.stop()).code, 0);
  await box.ok("schedules", "trigger", "nightly", "--wait");
  assert.deepEqual(modesBelow(box.dataDir).filter((line) => !/^(0600|0700 \S*\/$)/.test(line)), []);
  for (const { path } of await backupsOf(box)) {
    for (const file of [path, `${path}.manifest.json`]) {
      assert.equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600, file);
    }
  }
});

/** `0600 keys/signing.json` for each file and `0700 keys/` for each directory below a path, itself included. */
function modesBelow(root: string, below = ""): string[] {
  const mode = (name: string) =>
    ((Deno.lstatSync(join(root, name)).mode ?? 0) & 0o7777).toString(8).padStart(4, "0");
  const own = `${mode(below)} ${below}/`;
  return [
    own,
    ...[...Deno.readDirSync(join(root, below))].flatMap((entry) => {
      const name = join(below, entry.name);
      return entry.isDirectory ? modesBelow(root, name) : [`${mode(name)} ${name}`];
    }),
  ];
}

Deno.test("no secret can be given as an argument, so none is on the process list", async () => {
  await using box = await sandbox();
  const daemon = await box.serve();
  for (
    const words of [
      ["users", "create", "--name", "ada", "--role", "admin", "--password", "swordfish 1234"],
      ["users", "passwd", "ada", "--password", "swordfish 1234"],
      ["secrets", "set", "db", "--value", "swordfish 1234"],
      ["--api-key", "swordfish 1234", "schedules", "list"],
      ["auth", "token", "--username", "ada", "--password", "swordfish 1234"],
    ]
  ) {
    const { code, stderr } = await box.cli(...words);
    assert.equal(code, 2, `${words.join(" ")}: ${stderr}`);
    assert.match(stderr, /unknown option/);
    assert.doesNotMatch(stderr, /swordfish/);
  }
  await asked(box, ["users", "create", "--name", "ada", "--role", "admin", "--password-stdin"]);
  await asked(box, ["secrets", "set", "db"]);
  await Deno.writeTextFile(box.path("key"), "swordfish 1234", { mode: 0o600 });
  await box.cli("--api-key-file", box.path("key"), "schedules", "list");
  assert.doesNotMatch(daemon.stderr, /swordfish/);
});

/** Runs a command that reads a secret and looks at the process list while it waits for it. */
async function asked(box: Sandbox, words: string[]): Promise<void> {
  // Like no other on this host, so that nobody else's process can be taken for a leak.
  const secret = `swordfish ${crypto.randomUUID()}`;
  const child = new Deno.Command(box.program.command, {
    ...box.command(["--data-dir", box.dataDir, ...words]),
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(secret));
  // Until it has become the command, the process shows the line of the one that started it.
  await until(
    `the command "${words.join(" ")}" on the process list`,
    () => processList().get(child.pid)?.includes(`\0${words.join("\0")}\0`),
  );
  for (const [pid, line] of processList()) {
    assert.ok(pid === Deno.pid || !line.includes(secret), line);
  }
  await writer.close();
  assert.equal((await within(120, words.join(" "), child.status)).code, 0, words.join(" "));
}

/** Command lines and environments, as everybody of the same user can read them, by process id. */
function processList(): Map<number, string> {
  const ids = [...Deno.readDirSync("/proc")].map((entry) => Number(entry.name)).filter((id) => id > 0);
  return new Map(ids.flatMap((id) => {
    try {
      const read = (what: string) => Deno.readTextFileSync(`/proc/${id}/${what}`);
      return [[id, read("cmdline") + read("environ")] satisfies [number, string]];
    } catch {
      return [];
    }
  }));
}

Deno.test("a running check finds a process of this host, although the program may not look into /proc", async () => {
  await using box = await sandbox();
  await box.ok(
    "servers",
    "create",
    "--name",
    "web-1",
    "--host",
    "127.0.0.1",
    "--running-check",
    "process:deno",
  );
  assert.equal((await box.json(Server, "servers", "check", "web-1")).last_check_running, true);
  await box.ok(
    "servers",
    "create",
    "--name",
    "web-2",
    "--host",
    "127.0.0.1",
    "--running-check",
    "process:no-such",
  );
  const gone = await box.cli("servers", "check", "web-2");
  assert.equal(gone.code, 20, gone.stderr);
  assert.match(gone.stdout, /No process "no-such" runs/);
});
