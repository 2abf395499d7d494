import assert from "node:assert/strict";
import { runCheck } from "../../src/servers/checks.ts";
import { isProbeable } from "../../src/servers/probe.ts";
import type { RunningCheck } from "../../src/servers/mod.ts";
import { freePort } from "../support/ports.ts";
import { until } from "../support/wait.ts";

function ask(check: RunningCheck, overrides: Partial<Parameters<typeof runCheck>[1]> = {}) {
  return runCheck(check, {
    host: "127.0.0.1",
    allow_commands: false,
    timeout_seconds: 5,
    signal: new AbortController().signal,
    ...overrides,
  });
}

/** A server that answers every connection with the given bytes, or stays silent. */
function answering(text: string | null) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open: Deno.Conn[] = [];
  const done = (async () => {
    for await (const connection of listener) {
      open.push(connection);
      if (text === null) continue;
      await connection.read(new Uint8Array(4096));
      await connection.write(new TextEncoder().encode(text));
    }
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) connection.close();
      await done;
    },
  };
}

Deno.test("a server without a check counts as running", async () => {
  assert.equal((await ask({ kind: "none" })).running, true);
});

Deno.test("tcp: an open port runs, a closed one does not, and says so", async () => {
  await using server = answering(null);
  const { port } = server;
  assert.deepEqual(await ask({ kind: "tcp", port }), {
    running: true,
    detail: `Port ${port} of 127.0.0.1 accepts connections`,
  });
  assert.equal((await ask({ kind: "tcp", port, host: "localhost" }, { host: "192.0.2.1" })).running, true);
  // A listener that was closed a moment ago may still take connections.
  const closed = await ask({ kind: "tcp", port: freePort() });
  assert.equal(closed.running, false);
  assert.match(closed.detail, /does not answer/);
});

Deno.test("http: the status decides, redirects are not followed, and the body is not waited for", async () => {
  const rows: [string, number | undefined, boolean][] = [
    ["HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", undefined, true],
    ["HTTP/1.1 204 No Content\r\n\r\n", 200, false],
    ["HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", undefined, true],
    ["HTTP/1.1 503 Busy\r\n\r\n", undefined, false],
    ["HTTP/1.0 503 Busy\r\n\r\n", 503, true],
    ["SSH-2.0-server\r\n", undefined, false],
  ];
  for (const [text, expect_status, running] of rows) {
    await using server = answering(text);
    const url = `http://127.0.0.1:${server.port}/up?x=1`;
    const state = await ask({ kind: "http", url, ...(expect_status === undefined ? {} : { expect_status }) });
    assert.equal(state.running, running, `${text} ${state.detail}`);
  }
});

Deno.test("a check that gets no answer ends with its time limit", async () => {
  await using server = answering(null);
  const state = await ask(
    { kind: "http", url: `http://127.0.0.1:${server.port}/` },
    { timeout_seconds: 0.05 },
  );
  assert.deepEqual(state, { running: false, detail: "No answer within 0.05 s" });
});

Deno.test("a check ends when whoever asked goes away", async () => {
  await using server = answering(null);
  const gone = new AbortController();
  const asked = ask({ kind: "http", url: `http://127.0.0.1:${server.port}/` }, { signal: gone.signal });
  gone.abort(new Error("gone"));
  await assert.rejects(asked, /gone/);
});

Deno.test("a name that does not resolve is not running", async () => {
  const state = await ask({ kind: "tcp", port: 80 }, { host: "no-such-host.invalid" });
  assert.deepEqual(state, { running: false, detail: 'Host "no-such-host.invalid" is not known' });
});

Deno.test("checks never go to link-local, unspecified or multicast addresses", async () => {
  const rows: [string, boolean][] = [
    ["169.254.169.254", false],
    ["::ffff:169.254.169.254", false],
    ["fe80::1", false],
    ["fd00:ec2::254", false],
    ["0.0.0.0", false],
    ["::", false],
    ["224.0.0.1", false],
    ["255.255.255.255", false],
    ["ff02::1", false],
    ["127.0.0.1", true],
    ["10.1.2.3", true],
    ["192.168.1.1", true],
    ["203.0.113.9", true],
    ["::1", true],
    ["fd12::1", true],
  ];
  for (const [address, expected] of rows) assert.equal(isProbeable(address), expected, address);
  const state = await ask({ kind: "http", url: "http://169.254.169.254/latest/meta-data/" });
  assert.match(state.detail, /no address that may be checked/);
});

Deno.test({
  name: "process: this very process is found by its name, whatever its length",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "holdfast-test-" });
    const program = `${folder}/a-program-with-a-long-name`;
    await Deno.symlink("/bin/sleep", program);
    const child = new Deno.Command(program, { args: ["600"] }).spawn();
    try {
      // A process has its name a moment after it was started.
      await until(
        "the process",
        async () => (await ask({ kind: "process", name: "a-program-with-a-long-name" })).running,
      );
      assert.equal((await ask({ kind: "process", name: "a-program-with-a-long-other" })).running, false);
      assert.equal((await ask({ kind: "process", name: "a-program-with-" })).running, true);
    } finally {
      child.kill();
      await child.status;
      await Deno.remove(folder, { recursive: true });
    }
    assert.equal((await ask({ kind: "process", name: "a-program-with-a-long-name" })).running, false);
  },
});

Deno.test("systemd: a unit that is not there is not running, with or without systemd", async () => {
  const state = await ask({ kind: "systemd", unit: "no-such-unit.service" });
  assert.equal(state.running, false);
  assert.match(state.detail, /no-such-unit|not installed/);
});

Deno.test("command: the exit code decides, no shell is involved, and the setting counts at each check", async () => {
  const rows: [string[], boolean, boolean][] = [
    [["true"], true, true],
    [["false"], true, false],
    [["test", "$(true)", "=", "$(true)"], true, true],
    [["no-such-program-here"], true, false],
    [["true"], false, false],
  ];
  for (const [command, allow_commands, running] of rows) {
    const state = await ask({ kind: "command", command }, { allow_commands });
    assert.equal(state.running, running, `${command.join(" ")}: ${state.detail}`);
  }
});
