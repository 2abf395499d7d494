/** Every check on a host made ill for it: real directories, real sockets, a described rest. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { examineClock } from "../../src/cli/commands/doctor/clock.ts";
import { examineConfig } from "../../src/cli/commands/doctor/config.ts";
import {
  examineListener,
  examineSocket,
  healthLines,
  listenerOf,
} from "../../src/cli/commands/doctor/daemon.ts";
import {
  examineDirectory,
  examineFiles,
  examineLock,
  examineSpace,
} from "../../src/cli/commands/doctor/data.ts";
import { findService, findUser, type HostPlaces } from "../../src/cli/commands/doctor/host.ts";
import { bad, type Line, look, ok, printLines } from "../../src/cli/commands/doctor/line.ts";
import { wrap } from "../../src/cli/wrap.ts";
import { examineSchedules, pathsOf } from "../../src/cli/commands/doctor/schedules.ts";
import { readSandbox } from "../../src/cli/commands/doctor/sandbox.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { lockDataDir } from "../../src/store/mod.ts";
import { freePort } from "../support/ports.ts";

const VERSION_ANSWER = { status: "ok", checks: [] };

/** A directory for one test, and a host whose files are in it. */
async function host(
  answers: Record<string, string> = {},
): Promise<{ dir: string; places: HostPlaces } & AsyncDisposable> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  const places: HostPlaces = {
    units: [join(dir, "etc"), join(dir, "lib")],
    passwd: join(dir, "passwd"),
    group: join(dir, "group"),
    mountinfo: join(dir, "mountinfo"),
    ask: (program, args) => Promise.resolve(answers[`${program} ${args[0]}`]),
  };
  await Deno.writeTextFile(places.passwd, "root:x:0:0::/root:/bin/sh\nholdfast:x:4711:4711::/:/bin/false\n");
  return { dir, places, [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
}

/** Lines as `status detail`, what to do apart. */
function said(lines: readonly Line[]): string[] {
  return lines.map(({ status, detail }) => `${status} ${detail}`);
}

async function configOf(dataDir: string, args: Record<string, string> = {}) {
  return (await loadConfig({
    args: { data_dir: dataDir, ...args },
    env: {},
    cwd: dataDir,
    home: dataDir,
    systemFile: join(dataDir, "none"),
  })).config;
}

Deno.test("a data directory that is not there yet is fine", async () => {
  await using here = await host();
  const lines = await examineDirectory(join(here.dir, "none"), undefined, here.places);
  assert.deepEqual(lines.map((line) => line.status), ["ok"]);
});

Deno.test("a data directory that others may enter, or that is not the service's, is bad", async () => {
  await using here = await host();
  await Deno.chmod(here.dir, 0o755);
  const lines = await examineDirectory(here.dir, { name: "holdfast", uid: 4711 }, here.places);
  assert.deepEqual(said(lines), [
    `bad ${here.dir} is open to other users (mode 755)`,
    `bad ${here.dir} belongs to user ${Deno.uid()}, not to the service's user holdfast`,
  ]);
  assert.equal(lines[0]!.fix, `chmod 700 ${here.dir}`);
});

Deno.test("a data directory on a read-only file system is bad", async () => {
  await using here = await host();
  await Deno.writeTextFile(
    here.places.mountinfo,
    `1 0 8:1 / ${await Deno.realPath(here.dir)} ro - ext4 x ro\n`,
  );
  assert.match(
    said(await examineDirectory(here.dir, undefined, here.places))[0]!,
    /^bad .* cannot be written: .* is read-only$/,
  );
});

Deno.test("the lock names its holder, and looking at it takes it from nobody", async () => {
  await using here = await host();
  assert.deepEqual((await examineLock(here.dir)).held, false);
  const lock = lockDataDir(here.dir, "holdfast serve", "2026-11-01T00:00:00.000Z");
  try {
    const { lines, held } = await examineLock(here.dir);
    assert.equal(held, true);
    assert.deepEqual(said(lines), [`ok held by "holdfast serve", process ${Deno.pid}`]);
    assert.equal((await examineLock(here.dir)).held, true);
  } finally {
    lock.release();
  }
  assert.equal((await examineLock(here.dir)).held, false);
});

Deno.test("a key that others may read is bad", async () => {
  await using here = await host();
  await Deno.mkdir(join(here.dir, "keys"));
  const [signing, secrets] = [join(here.dir, "keys/signing.json"), join(here.dir, "keys/secrets.key")];
  await Deno.writeTextFile(signing, "{}", { mode: 0o600 });
  await Deno.writeTextFile(secrets, "", { mode: 0o600 });
  assert.deepEqual(said(await examineFiles(here.dir)), ["ok 2 key files, all private"]);
  await Deno.chmod(secrets, 0o640);
  assert.deepEqual(await examineFiles(here.dir), [
    bad("files", `${secrets} is open to other users (mode 640)`, `chmod 600 ${secrets}`),
  ]);
});

Deno.test("room is judged by what health demands, also for a directory that is yet to be made", async () => {
  await using here = await host();
  const path = join(here.dir, "none", "deeper");
  assert.equal((await examineSpace(path, 1)).status, "ok");
  assert.equal((await examineSpace(path, Number.MAX_SAFE_INTEGER)).status, "bad");
});

const NOW = Date.UTC(2026, 11, 1);
const CLOCKS: { says: string; begin: number; end: number; steady: number; ntp?: string; finds: RegExp[] }[] =
  [
    { says: "a steady clock is fine", begin: NOW, end: NOW + 500, steady: 500, finds: [/^ok /] },
    {
      says: "a clock before the release was never set",
      begin: 0,
      end: 10,
      steady: 10,
      finds: [/^bad .*1970.*before this release/],
    },
    {
      says: "a clock that jumps is found out",
      begin: NOW,
      end: NOW + 9000,
      steady: 500,
      finds: [/^bad it jumped by 8500 ms/],
    },
    {
      says: "a clock nobody keeps right is a warning",
      begin: NOW,
      end: NOW,
      steady: 0,
      ntp: "no",
      finds: [/^warning no time service/],
    },
  ];

for (const { says, begin, end, steady, ntp, finds } of CLOCKS) {
  Deno.test(says, async () => {
    await using here = await host(ntp === undefined ? {} : { "timedatectl show": ntp });
    const lines = said(
      await examineClock({ wall: begin, steady: 0 }, { wall: end, steady }, undefined, here.places),
    );
    assert.equal(lines.length, finds.length, lines.join("\n"));
    finds.forEach((pattern, i) => assert.match(lines[i]!, pattern));
  });
}

Deno.test("a database written in the future shows that the clock went back", async () => {
  await using here = await host();
  const path = join(here.dir, "holdfast.db");
  await Deno.writeTextFile(path, "");
  await Deno.utime(path, new Date(NOW + 3_600_000), new Date(NOW + 3_600_000));
  const reading = { wall: NOW, steady: 0 };
  assert.match(said(await examineClock(reading, reading, here.dir, here.places))[0]!, /^bad it went back/);
});

Deno.test("a broken configuration is told line by line, and the data directory is still guessed", async () => {
  await using here = await host();
  const file = join(here.dir, "c.yaml");
  await Deno.writeTextFile(file, "api:\n  listn: x\n");
  const { lines, config, dataDir } = await examineConfig({
    settings: { data_dir: here.dir },
    configFile: file,
    view: { output: "table", filters: [], sortBy: undefined },
  }, {});
  assert.equal(config, undefined);
  assert.equal(dataDir, here.dir);
  assert.match(said(lines)[0]!, /^bad .*c\.yaml:2.*listn/);
});

Deno.test("no daemon and no service is a warning; a service that does not run is bad", async () => {
  await using here = await host({ "systemctl is-active": "failed" });
  const config = await configOf(here.dir);
  const alone = await examineSocket(config, false, undefined, here.places);
  assert.match(said(alone.lines)[0]!, /^warning none runs/);
  const service = { path: "x", sandbox: readSandbox([]) };
  const dead = await examineSocket(config, false, service, here.places);
  assert.match(said(dead.lines)[0]!, /^bad the service is installed and does not run \(failed\)/);
  const mute = await examineSocket(config, true, undefined, here.places);
  assert.match(said(mute.lines)[0]!, /^bad somebody holds the data directory/);
});

Deno.test("a socket path that is too long is bad", async () => {
  await using here = await host();
  const config = await configOf(here.dir, { "api.socket": `/run/${"x".repeat(103)}` });
  assert.match(
    said((await examineSocket(config, false, undefined, here.places)).lines)[0]!,
    /has 108 bytes, 107 are possible/,
  );
});

Deno.test("a socket nobody answers on is bad, one that answers is asked how the daemon is", async () => {
  await using here = await host();
  const config = await configOf(here.dir);
  // Moved away first, because closing takes the file with it; a killed daemon leaves it.
  const dead = Deno.listen({ transport: "unix", path: join(here.dir, "other") });
  await Deno.rename(join(here.dir, "other"), config.api.socket);
  dead.close();
  const stale = await examineSocket(config, false, undefined, here.places);
  assert.match(said(stale.lines)[0]!, /^bad nobody answers on /);
  assert.equal(stale.answers, false);
  await Deno.remove(config.api.socket);
  const server = Deno.serve(
    { path: config.api.socket, onListen: () => {} },
    () =>
      Response.json({
        status: "degraded",
        version: "0.0.0",
        time: "",
        checks: [{ name: "disk", status: "degraded", detail: "1 MiB free" }],
      }),
  );
  await Deno.chmod(config.api.socket, 0o600);
  try {
    const { lines, answers } = await examineSocket(config, true, undefined, here.places);
    assert.equal(answers, true);
    assert.match(
      said(lines).join("\n"),
      /^ok .* answers\nwarning it is 0\.0\.0, this program .*\nwarning disk: 1 MiB free$/,
    );
  } finally {
    await server.shutdown();
  }
});

Deno.test("what the daemon calls failed is bad", () => {
  const answer = { ...VERSION_ANSWER, checks: [{ name: "database", status: "failed", detail: "damaged" }] };
  assert.equal(healthLines(answer).at(-1)!.status, "bad");
});

Deno.test("a port taken by another program is a warning, one the daemon does not answer on is bad", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const listen = `127.0.0.1:${listener.addr.port}`;
  const at = (listen: string) => listenerOf({ "api.listen": listen, "api.tls.cert_file": "" });
  assert.deepEqual(said(await examineListener(at(listen), false, NOW)), [
    `warning ${listen} is taken by another program`,
  ]);
  assert.match(said(await examineListener(at(listen), true, NOW))[0]!, /^ok /);
  const nobody = at(`127.0.0.1:${freePort()}`);
  assert.match(
    said(await examineListener(nobody, true, NOW))[0]!,
    /^bad the daemon runs, but nobody answers on /,
  );
  assert.deepEqual(await examineListener(nobody, false, NOW), []);
});

Deno.test("a certificate is told before it ends, and when it has", async () => {
  await using here = await host();
  const [key, cert] = [join(here.dir, "key.pem"), join(here.dir, "cert.pem")];
  const args = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-subj",
    "/CN=x",
  ];
  try {
    const made = await new Deno.Command("openssl", {
      args: [...args, "-days", "10", "-keyout", key, "-out", cert],
      stdin: "null",
      stderr: "null",
    }).output();
    assert.ok(made.success);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return console.log("skipped: certificates: there is no openssl: install the package openssl");
  }
  const settings = { listen: "127.0.0.1:1", certFile: cert };
  const day = 86_400_000;
  assert.match(
    said(await examineListener(settings, false, Date.now()))[0]!,
    /^warning the certificate ends in \d+ days$/,
  );
  assert.match(
    said(await examineListener(settings, false, Date.now() + 11 * day))[0]!,
    /^bad the certificate ended /,
  );
  assert.deepEqual(await examineListener(settings, false, Date.now() - 30 * day), []);
});

Deno.test("the service is found with its drop-ins, the stronger directory first", async () => {
  await using here = await host();
  assert.equal(await findService(here.places), undefined);
  const [etc, lib] = here.places.units;
  await Deno.mkdir(join(etc!, "holdfast.service.d"), { recursive: true });
  await Deno.mkdir(join(lib!, "holdfast.service.d"), { recursive: true });
  await Deno.writeTextFile(
    join(lib!, "holdfast.service"),
    "[Service]\nUser=holdfast\nProtectSystem=strict\n",
  );
  await Deno.writeTextFile(join(lib!, "holdfast.service.d/a.conf"), "[Service]\nReadWritePaths=/one\n");
  await Deno.writeTextFile(join(etc!, "holdfast.service.d/a.conf"), "[Service]\nReadWritePaths=/two\n");
  const service = await findService(here.places);
  assert.equal(service?.sandbox.user, "holdfast");
  assert.equal(service?.sandbox.keepsFromWriting("/two"), undefined);
  assert.match(service?.sandbox.keepsFromWriting("/one") ?? "", /strict/);
  assert.equal((await findUser(4711, here.places))?.name, "holdfast");
});

const UNIT = "[Service]\nUser=holdfast\nProtectSystem=strict\nProtectHome=tmpfs\nCapabilityBoundingSet=\n";

Deno.test("every path a schedule cannot reach is named, with what to do", async () => {
  await using here = await host();
  await Deno.chmod(here.dir, 0o755);
  await Deno.mkdir(join(here.dir, "private"), { mode: 0o700 });
  await Deno.mkdir(join(here.dir, "open"));
  const schedules = pathsOf([
    {
      enabled: true,
      name: "nightly",
      server_id: 1,
      problem: null,
      engine_options: {
        sources: [join(here.dir, "private"), join(here.dir, "gone")],
        destination: join(here.dir, "open", "new"),
      },
    },
    { enabled: true, name: "default", server_id: 1, problem: null, engine_options: null },
    { enabled: true, name: "broken", server_id: 1, problem: "no engine", engine_options: null },
    { enabled: false, name: "off", server_id: 1, problem: "no engine", engine_options: null },
  ], [{ id: 1, name: "web-1", default_engine_options: { sources: ["/home/ada"], destination: here.dir } }]);
  const account = (await findUser("holdfast", here.places))!;
  const open = UNIT + `ReadWritePaths=${here.dir}\n`;
  const lines = await examineSchedules(
    schedules.slice(0, 1),
    { account, sandbox: readSandbox([open]) },
    here.places,
  );
  assert.deepEqual(said(lines), [
    `bad "web-1/nightly" cannot read ${here.dir}/private: holdfast may not read it (file mode)`,
    `bad "web-1/nightly" cannot read ${here.dir}/gone: there is no such file or directory`,
    `bad "web-1/nightly" cannot write ${here.dir}/open/new: holdfast may not write ${here.dir}/open (file mode)`,
  ]);
  const mighty = open.replace("Set=", "Set=CAP_DAC_READ_SEARCH") +
    "AmbientCapabilities=CAP_DAC_READ_SEARCH\n";
  const capable = await examineSchedules(
    schedules.slice(0, 1),
    { account, sandbox: readSandbox([mighty]) },
    here.places,
  );
  assert.equal(capable.length, 2);
  const others = await examineSchedules(
    schedules.slice(1),
    { account, sandbox: readSandbox([UNIT]) },
    here.places,
  );
  assert.match(
    said(others).join("\n"),
    /"web-1\/default" cannot write .*: ProtectSystem=strict of its unit makes \/ read-only\nbad "web-1\/broken": no engine/,
  );
  assert.match(
    others.find((line) => line.detail.includes("cannot write"))!.fix!,
    /holdfast service install again, with --write /,
  );
});

Deno.test("root without a unit reaches everything that is there", async () => {
  await using here = await host();
  const account = { name: "root", uid: 0, gids: [0] };
  const paths = [{ name: "a/b", problem: null, sources: [here.dir], destination: join(here.dir, "new") }];
  assert.deepEqual(said(await examineSchedules(paths, { account, sandbox: undefined }, here.places)), [
    "ok 1 enabled, all paths open to root",
  ]);
});

Deno.test("a check that fails is a line, and no more", async () => {
  const lines = await look("disk", () => Promise.reject(new Error("no such luck")));
  assert.deepEqual(said(lines), ["bad no such luck"]);
});

Deno.test("the table stays within 80 columns and says what to do under a bad line", () => {
  const printed: string[] = [];
  const plain = (text: string) => text;
  printLines(
    [
      ok("clock", "steady"),
      bad("data directory", "word ".repeat(40).trim(), "do this and ".repeat(12).trim()),
    ],
    {
      print: (line) => void printed.push(line),
      note: () => {},
      status: () => {},
      columns: 80,
      interactive: false,
      env: {},
      colors: { bold: plain, red: plain, dim: plain },
    },
    80,
  );
  assert.ok(printed.every((line) => line.length <= 80), printed.join("\n"));
  assert.equal(printed[0], "CHECK           STATUS   DETAIL");
  assert.equal(printed[1], "clock           ok       steady");
  assert.ok(printed.some((line) => line.startsWith(`${" ".repeat(25)}-> do this`)), printed.join("\n"));
});

Deno.test("a path is never broken in two", () => {
  assert.deepEqual(wrap("see /a/very/long/path/indeed here", 10), [
    "see",
    "/a/very/long/path/indeed",
    "here",
  ]);
});
