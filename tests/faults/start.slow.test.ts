/** Starts that must not happen: each is refused with a reason and a next step, and changes nothing. */
import assert from "node:assert/strict";
import { z } from "zod";
import { DatabaseSync } from "node:sqlite";
import { addSchedule, backupsOf, holeIn, namesIn } from "../support/backed_up.ts";
import { contentOf } from "../support/content.ts";
import { type Ended, type Sandbox, sandbox } from "../support/daemon.ts";
import { isThere } from "../support/files.ts";

/** Tries to start a daemon, which has to fail. */
function serve(box: Sandbox, ...flags: string[]): Promise<Ended> {
  return box.run(["serve", "--data-dir", box.dataDir, "--api-listen", "127.0.0.1:0", ...flags]);
}

async function backedUp(): Promise<Sandbox> {
  const box = await sandbox();
  await holeIn(box, "data", 1000);
  await addSchedule(box);
  await box.ok("schedules", "trigger", "nightly", "--wait");
  return box;
}

Deno.test("a second daemon on the same data directory is refused, naming the first", async () => {
  await using box = await backedUp();
  const daemon = await box.serve();
  const before = contentOf(box.path("state", "holdfast.db"));
  // Another socket: so that it is the lock that speaks.
  for (const flags of [[], ["--api-socket", box.path("other.sock")]]) {
    const second = await serve(box, ...flags);
    assert.equal(second.code, 6, second.stderr);
    assert.match(
      second.stderr,
      new RegExp(`"holdfast serve" \\(pid ${daemon.pid}, since 2.*Z\\) holds it\nhint: `),
    );
  }
  const command = await box.cli("--api-socket", box.path("other.sock"), "schedules", "disable", "nightly");
  assert.equal(command.code, 6, command.stderr);
  assert.match(command.stderr, new RegExp(`pid ${daemon.pid}`));
  assert.ok(!await isThere(box.path("other.sock")));
  assert.equal(contentOf(box.path("state", "holdfast.db")), before);
  assert.match(await box.ok("schedules", "list"), /nightly/, "the first one goes on answering");
});

Deno.test("a port in use is named, and the refused daemon leaves no lock and no socket", async () => {
  await using box = await backedUp();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const before = contentOf(box.path("state", "holdfast.db"));
  const refused = await serve(box, "--api-listen", `127.0.0.1:${port}`);
  assert.equal(refused.code, 6, refused.stderr);
  assert.match(refused.stderr, new RegExp(`127.0.0.1:${port}: the address is in use\nhint: .*--api-listen`));
  assert.ok(!await isThere(box.path("state", "holdfast.sock")));
  assert.equal(contentOf(box.path("state", "holdfast.db")), before);
  await box.serve();
});

Deno.test("a listener that is open to other hosts without TLS is refused", async () => {
  await using box = await sandbox();
  const refused = await serve(box, "--api-listen", "0.0.0.0:0");
  assert.equal(refused.code, 2, refused.stderr);
  assert.match(refused.stderr, /api\.tls\.cert_file and api\.tls\.key_file, or api\.allow_plain_http/);
  assert.ok(!await isThere(box.dataDir));
});

Deno.test("a database newer than the program is refused by every command, and stays as it is", async () => {
  await using box = await backedUp();
  const path = box.path("state", "holdfast.db");
  {
    using database = new DatabaseSync(path);
    database.exec("insert into migrations select '9999_later', timestamp from migrations limit 1");
  }
  const before = contentOf(path);
  // One after the other: each holds the data directory until it has looked.
  const attempts = [
    () => serve(box),
    () => box.cli("schedules", "list"),
    () => box.cli("schedules", "disable", "nightly"),
    () => box.cli("db", "migrate"),
  ];
  for (const attempt of attempts) {
    const { code, stderr } = await attempt();
    assert.equal(code, 9, stderr);
    assert.match(
      stderr,
      /written by a newer release \(it has "9999_later".*\nhint: install the newer release/,
    );
  }
  assert.equal(contentOf(path), before);
  assert.deepEqual(await namesIn(box, "state/copies"), []);
});

const DAMAGES: Record<string, (file: Deno.FsFile) => void> = {
  "other bytes at its beginning": (file) => write(file, 0, 100),
  "other bytes in its middle": (file) => write(file, 4096, 40 * 4096),
  "an end in its middle": (file) => file.truncateSync(5000),
};

function write(file: Deno.FsFile, from: number, bytes: number): void {
  file.seekSync(from, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array(bytes).fill(0xa5));
}

for (const [damage, inflict] of Object.entries(DAMAGES)) {
  Deno.test(`a database with ${damage} is called damaged, stays as it is, and a copy takes its place`, async () => {
    await using box = await backedUp();
    const path = box.path("state", "holdfast.db");
    const { path: copy } = await box.json(z.object({ path: z.string() }), "db", "backup");
    const listed = await backupsOf(box);
    {
      using file = await Deno.open(path, { read: true, write: true });
      inflict(file);
    }
    const before = await Deno.readFile(path);
    for (
      const { code, stderr } of [
        await serve(box),
        await box.cli("schedules", "list"),
        await box.cli("schedules", "disable", "nightly"),
      ]
    ) {
      assert.equal(code, 9, stderr);
      assert.match(stderr, /holdfast\.db": it is damaged\nhint: .*holdfast db restore FILE/);
    }
    assert.deepEqual(await Deno.readFile(path), before);
    await box.ok("db", "restore", copy, "--yes");
    assert.deepEqual(await backupsOf(box), listed);
    await box.serve();
  });
}

Deno.test("a broken configuration names file, line and the nearest known word, all problems at once", async () => {
  await using box = await sandbox();
  const path = box.path("config.yaml");
  await Deno.writeTextFile(
    path,
    "api:\n  lisen: 127.0.0.1:1\nlogg:\n  level: info\nschedules:\n  max_concurrent_runs: many\n",
  );
  for (
    const ended of [await serve(box), await box.cli("schedules", "list"), await box.cli("config", "check")]
  ) {
    assert.equal(ended.code, 2, ended.stderr);
    const said = ended.stdout + ended.stderr;
    assert.match(said, /config\.yaml:2: unknown setting "api\.lisen", did you mean "api\.listen"/);
    assert.match(said, /config\.yaml:3: unknown setting "logg", did you mean "log"/);
    assert.match(said, /config\.yaml:6: schedules\.max_concurrent_runs must be a number, got "many"/);
  }
  await Deno.writeTextFile(path, "api:\n  listen: [127.0.0.1\n");
  const { code, stderr } = await serve(box);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /config\.yaml:3:1: Flow sequence/);
  assert.ok(!await isThere(box.dataDir), "no data directory was made");
});
