/** Commands that take long say how far they are, and what they print is what they printed without it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { listenSocket } from "../../src/api/listen.ts";
import { main } from "../../src/cli/run.ts";
import { httpTransport, processTransport, type Transport } from "../../src/cli/transport.ts";
import { testApp } from "../support/app.ts";
import { sandbox, sourceProgram } from "../support/daemon.ts";
import { endlessWork, HALF, longWork, VERIFIED } from "../support/long_work.ts";
import { within } from "../support/wait.ts";
import { fakeTerminal } from "./terminal.ts";

const INPUT = { backup: "3f9c01ab" };

/** Asks through this process and through a socket, each with a signal of its own. */
async function bothWays(
  work: Parameters<typeof longWork>[0],
  ask: (transport: Transport, op: ReturnType<typeof longWork>["op"], stop: AbortController) => Promise<void>,
): Promise<void> {
  const { op, kernel, api } = longWork(work);
  const dir = await Deno.makeTempDir({ prefix: "holdfast-progress-" });
  const socketPath = join(dir, "holdfast.sock");
  const socket = await listenSocket(socketPath, api);
  const [here, there] = [new AbortController(), new AbortController()];
  const transports: [Transport, AbortController][] = [
    [processTransport("process", kernel, here.signal, () => Promise.resolve()), here],
    [httpTransport({ kind: "socket", url: "http://holdfast.local", socketPath, headers: {} }), there],
  ];
  try {
    for (const [transport, stop] of transports) {
      await within(120, transport.kind, ask(transport, op, stop)).finally(() => transport.close());
    }
  } finally {
    await socket.close();
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("progress comes through this process and through the socket, to who asks for it, and then the answer", () => {
  const work: Parameters<typeof longWork>[0] = ({ report }) => {
    report?.(HALF);
    return Promise.resolve(VERIFIED);
  };
  return bothWays(work, async (transport, op, { signal }) => {
    const seen: unknown[] = [];
    const answer = await transport.call(op, INPUT, signal, (event) => seen.push(event));
    assert.deepEqual(answer, VERIFIED);
    assert.equal(seen.length, 1);
    assert.equal(Reflect.get(Object(seen[0]), "done_bytes"), HALF.done_bytes);
    assert.deepEqual(await transport.call(op, INPUT, signal), VERIFIED);
    assert.equal(seen.length, 1);
  });
});

Deno.test("an interruption ends the work here and in the daemon, and the call with its reason", async () => {
  const works: Promise<unknown>[] = [];
  await bothWays((caller) => {
    const { work, ended } = endlessWork();
    works.push(ended);
    return work(caller);
  }, async (transport, op, stop) => {
    const reason = new Error("interrupted");
    const calling = transport.call(op, INPUT, stop.signal, () => stop.abort(reason));
    await assert.rejects(calling, reason);
  });
  assert.equal(works.length, 2);
  await within(120, "the end of the work", Promise.all(works));
});

/** A data directory with one backup in it; `run` runs command lines on it. */
async function withBackup(
  work: (id: string, run: typeof runIn, dataDir: string, dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-progress-" });
  const dataDir = join(dir, "state");
  try {
    await Deno.mkdir(join(dir, "data"));
    await Deno.writeTextFile(join(dir, "data/a.txt"), "alpha");
    const setUp = [
      ["servers", "create", "--name", "web-1", "--host", "127.0.0.1"],
      // deno-fmt-ignore
      ["schedules", "create", "--server", "web-1", "--name", "nightly", "--cron", "0 2 * * *", "--engine", "archive",
        "--source", join(dir, "data"), "--destination", join(dir, "backups")],
      ["schedules", "trigger", "nightly"],
    ];
    for (const words of setUp) assert.equal((await runIn(dataDir, words)).code, 0);
    const { printed } = await runIn(dataDir, ["backups", "list", "--output", "json"]);
    await work(JSON.parse(printed.join("\n"))[0].id, runIn, dataDir, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function runIn(dataDir: string, words: readonly string[], interactive = false) {
  const terminal = fakeTerminal({ interactive });
  const code = await main(["--data-dir", dataDir, ...words], terminal);
  return { code, printed: terminal.printed, noted: terminal.noted, statuses: terminal.statuses };
}

Deno.test("verify, restore and prove draw a bar on a terminal, and elsewhere print what they always did", () =>
  withBackup(async (id, run, dataDir, dir) => {
    const commands: [string[], string, RegExp][] = [
      [["verify", id], "verify", / is good: /],
      [["restore", id, "--to", join(dir, "restored"), "--force"], "restore", /^Restored 2 items/],
      [["prove", id], "restore", /: proved/],
    ];
    for (const [words, phase, answer] of commands) {
      const drawn = await run(dataDir, ["backups", ...words], true);
      assert.deepEqual([drawn.code, drawn.noted], [0, []], words[0]);
      assert.match(drawn.printed[0] ?? "", answer);
      assert.ok(drawn.statuses.some((line) => line.startsWith(phase)), `${words[0]}: ${drawn.statuses}`);
      assert.equal(drawn.statuses.at(-1), "", "the bar is taken away");
      const plain = await run(dataDir, ["backups", ...words]);
      assert.deepEqual([plain.code, plain.noted, plain.statuses], [0, [], []], words[0]);
      assert.match(plain.printed[0] ?? "", answer);
      for (const output of ["json", "yaml", "csv"]) {
        const bare = await run(dataDir, ["backups", ...words, "--output", output], true);
        assert.deepEqual([bare.code, bare.noted, bare.statuses], [0, [], []], `${words[0]} ${output}`);
        if (output === "json") assert.equal(JSON.parse(bare.printed.join("\n")).backup_id, id);
      }
    }
  }));

Deno.test("with a daemon the bar is drawn too, and what is wrong is told as without one", async () => {
  await using t = await testApp();
  const socket = await listenSocket(t.config.api.socket, t.api);
  try {
    const missing = await runIn(t.config.data_dir, ["backups", "verify", "nothing"], true);
    assert.equal(missing.code, 5);
    assert.match(missing.noted[0] ?? "", /Cannot find backup "nothing"/);
    const { id } = await t.local("POST", "/api/v1/servers", { name: "web-1", host: "127.0.0.1" });
    const [source, destination] = [join(t.dir, "data"), join(t.dir, "backups")];
    await Deno.mkdir(source);
    await Deno.writeTextFile(join(source, "a.txt"), "alpha");
    const schedule = await t.local("POST", "/api/v1/backup-scheduler/schedules", {
      server_id: id,
      name: "nightly",
      cron_expression: "0 2 * * *",
      engine: "archive",
      engine_options: { sources: [source], destination },
    });
    await t.local("POST", `/api/v1/backup-scheduler/schedules/${schedule.id}/trigger`);
    await t.app.services.schedules.idle();
    const [backup] = await t.local("GET", "/api/v1/backups");
    const drawn = await runIn(t.config.data_dir, ["backups", "verify", backup.id], true);
    assert.equal(drawn.code, 0, drawn.noted.join("\n"));
    assert.ok(drawn.statuses.some((line) => line.startsWith("verify")), drawn.statuses.join("\n"));
    const json = await runIn(t.config.data_dir, ["backups", "verify", backup.id, "--output", "json"], true);
    assert.deepEqual([json.code, json.noted, json.statuses], [0, [], []]);
    assert.equal(JSON.parse(json.printed.join("\n")).ok, true);
  } finally {
    await socket.close();
  }
});

Deno.test("Ctrl-C ends the command with 130 and the work in the daemon", async () => {
  const { work, ended } = endlessWork();
  const begun = Promise.withResolvers<void>();
  const { api } = longWork((caller) => {
    begun.resolve();
    return work(caller);
  });
  await using box = await sandbox(sourceProgram());
  const path = box.path("holdfast.sock");
  const socket = await listenSocket(path, api);
  const child = new Deno.Command(box.program.command, {
    ...box.command(["--data-dir", box.dataDir, "--api-socket", path, "backups", "verify", INPUT.backup]),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await within(60, "the request", Promise.race([begun.promise, child.status]));
    child.kill("SIGINT");
    assert.equal((await within(120, "the end of the command", child.status)).code, 130);
    await within(120, "the end of the work", ended);
  } finally {
    await socket.close();
  }
});
