/** With a daemon up its configuration counts: what a command was given besides is refused by name, never ignored. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { listenSocket } from "../../src/api/listen.ts";
import { main } from "../../src/cli/run.ts";
import { testApp } from "../support/app.ts";
import { fakeTerminal } from "./terminal.ts";

/** Runs command lines beside an application that answers on its socket. */
async function withDaemon(
  work: (run: (...argv: string[]) => Promise<{ code: number; said: string }>, dir: string) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  await using app = await testApp();
  const socket = await listenSocket(app.config.api.socket, app.api);
  try {
    await work(async (...argv) => {
      const terminal = fakeTerminal({ env });
      const code = await main(["--data-dir", app.config.data_dir, ...argv], terminal);
      return { code, said: terminal.noted.join("\n") };
    }, app.dir);
  } finally {
    await socket.close();
  }
}

Deno.test("a flag that differs from the daemon's setting is refused by name, an equal one is not", () =>
  withDaemon(async (run) => {
    const refused = await run("--schedules-max-concurrent-runs", "7", "servers", "list");
    assert.equal(refused.code, 2);
    assert.match(
      refused.said,
      /Cannot use --schedules-max-concurrent-runs: the daemon runs with schedules\.max_concurrent_runs = 2/,
    );
    assert.equal((await run("--schedules-max-concurrent-runs", "2", "servers", "list")).code, 0);
    assert.equal((await run("servers", "list")).code, 0);
  }));

Deno.test("a variable that differs is refused by name too", () =>
  withDaemon(async (run) => {
    const refused = await run("servers", "list");
    assert.equal(refused.code, 2);
    assert.match(refused.said, /Cannot use HOLDFAST_LOG_LEVEL: the daemon runs with log\.level = info/);
  }, { HOLDFAST_LOG_LEVEL: "debug" }));

Deno.test("a file named with --config is given to the command as well: file and line are named", () =>
  withDaemon(async (run, dir) => {
    const file = join(dir, "other.yaml");
    await Deno.writeTextFile(file, "log:\n  level: error\n");
    const refused = await run("--config", file, "servers", "list");
    assert.equal(refused.code, 2);
    assert.ok(
      refused.said.includes(`Cannot use ${file}:2: the daemon runs with log.level = info`),
      refused.said,
    );
    await Deno.writeTextFile(file, "log:\n  level: info\n");
    assert.equal((await run("--config", file, "servers", "list")).code, 0);
  }));

Deno.test("a flag is refused beside the address of a daemon elsewhere, whose settings nobody may ask", () =>
  withDaemon(async (run) => {
    const refused = await run("--api-url", "http://127.0.0.1:9", "--log-level", "debug", "servers", "list");
    assert.equal(refused.code, 2);
    assert.match(
      refused.said,
      /Cannot use --log-level: the daemon at http:\/\/127\.0\.0\.1:9 has its own configuration/,
    );
  }));

Deno.test("an API key is not sent unencrypted to another host unless that is allowed", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-cli-" });
  try {
    const file = join(dir, "key");
    await Deno.writeTextFile(file, "hf_0123456789abcdef", { mode: 0o600 });
    const ask = async (url: string, ...more: string[]) => {
      const terminal = fakeTerminal();
      const flags = ["--data-dir", dir, "--api-url", url, "--api-key-file", file, ...more];
      const code = await main([...flags, "servers", "list"], terminal);
      return { code, said: terminal.noted.join("\n") };
    };
    const refused = await ask("http://backup.example.org:9");
    assert.equal(refused.code, 2);
    assert.match(refused.said, /Cannot send the API key to http:\/\/backup\.example\.org:9: it would travel/);
    // Nobody answers at these: the key would have been sent.
    for (const [url, ...more] of [["http://127.0.0.1:9"], ["http://0.0.0.0:9", "--api-allow-plain-http"]]) {
      assert.equal((await ask(url!, ...more)).code, 9, url);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a variable that names an upstream for commands that ask it alone does not stand in the way of others", () =>
  withDaemon(async (run) => assert.equal((await run("servers", "list")).code, 0), {
    CLOUDCONNEXA_CLOUD_ID: "acme",
  }));

Deno.test("a directory without data and without a daemon is no empty site", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  try {
    const terminal = fakeTerminal();
    assert.equal(await main(["--data-dir", join(dir, "typo"), "servers", "list"], terminal), 9);
    assert.match(
      terminal.noted.join("\n"),
      /Cannot read ".*typo": no daemon answers, and there is no data in it/,
    );
    assert.match(terminal.noted.join("\n"), /--data-dir.*--api-url/);
    assert.deepEqual(terminal.printed, []);
    // What is about no data needs none.
    assert.equal(await main(["--data-dir", join(dir, "typo"), "engines", "list"], fakeTerminal()), 0);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a path relative to this host is not sent to a daemon elsewhere", async () => {
  const terminal = fakeTerminal();
  const argv = ["--api-url", "http://127.0.0.1:9", "backups", "restore", "abc", "--to"];
  assert.equal(await main([...argv, "restored"], terminal), 2);
  assert.match(
    terminal.noted.join("\n"),
    /Cannot use --to: its path is relative to a directory of this host/,
  );
  assert.equal(await main([...argv, "/srv/restored"], fakeTerminal()), 9);
});
