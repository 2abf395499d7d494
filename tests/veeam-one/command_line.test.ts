/** The command line: what the README shows, with nothing but three variables; and the daemon, which is asked the same. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { listenSocket } from "../../src/api/listen.ts";
import { main } from "../../src/cli/run.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { fakeTerminal } from "../cli/terminal.ts";
import { isShown, readExamples, splitParts } from "../readme/document.ts";
import { testApp } from "../support/app.ts";
import { FakeOne, PASSWORD, USER } from "../support/veeam_one.ts";

interface Ran {
  code: number;
  /** Answers and notes in the order they came. */
  lines: string[];
}

/** A person with three variables and nothing else, beside a server. */
async function alone(
  server: FakeOne,
  work: (run: (line: string) => Promise<Ran>, dir: string) => Promise<void>,
): Promise<void> {
  await using served = server.serve();
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "holdfast-one-" }));
  const env = {
    VEEAM_ONE_HOST: served.url,
    VEEAM_ONE_USER: USER,
    VEEAM_ONE_PASSWORD: PASSWORD,
    XDG_STATE_HOME: join(dir, "state"),
    XDG_CONFIG_HOME: join(dir, "config"),
  };
  try {
    await work(async (line) => {
      const terminal = fakeTerminal({ columns: 120, env });
      const lines: string[] = [];
      const both = {
        ...terminal,
        print: (text: string) => void lines.push(...text.split("\n")),
        note: (text: string) => void lines.push(...text.split("\n")),
      };
      const code = await main(["--data-dir", join(dir, "none"), ...wordsOf(line).slice(1)], both);
      return { code, lines: lines.map((text) => text.replaceAll(served.url, "http://127.0.0.1:1239")) };
    }, dir);
    await assert.rejects(Deno.stat(join(dir, "none")), "a data directory was made");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Words as a shell splits them; quotes are double ones. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/(?:[^\s"]|"[^"]*")+/g)].map(([word]) => word.replaceAll('"', ""));
}

Deno.test("the commands of the README print what it shows, without daemon, data directory and configuration", async () => {
  const examples = splitParts(await Deno.readTextFile("README.md"))
    .flatMap((part) => "block" in part && isShown(part.block) ? readExamples(part.block) : [])
    .filter(({ command }) => command.startsWith("holdfast veeam-one "));
  assert.ok(examples.length >= 9);
  await alone(new FakeOne(systemClock), async (run, dir) => {
    for (const { command, output, exit } of examples) {
      const ran = await run(command);
      assert.deepEqual({ command, ...ran }, {
        command,
        code: exit,
        lines: output,
      });
    }
    const state = await Deno.readTextFile(join(dir, "state/holdfast/veeam-one.state.json"));
    assert.ok(!/access-|refresh-|horse/.test(state), state);
  });
});

Deno.test("veeam tapes list shows the tape servers and jobs that Veeam ONE knows", async () => {
  await alone(new FakeOne(systemClock), async (run) => {
    const { code, lines } = await run("holdfast veeam tapes list --output csv");
    assert.equal(code, 0, lines.join("\n"));
    assert.deepEqual(lines.map((line) => line.split(",").slice(0, 4).join()), [
      "kind,name,type,status",
      "server,tape-1,,",
      "job,Weekly to tape,backup-to-tape,Success",
    ]);
  });
});

Deno.test("every reading command prints in every form, and nothing of an empty server breaks one", async () => {
  const server = new FakeOne(systemClock);
  for (const name of server.lists.keys()) server.lists.set(name, []);
  await alone(server, async (run) => {
    for (
      const words of [
        "alarms list",
        "servers list",
        "repos list",
        "jobs list",
        "tapes list",
        "tapes servers",
        "about",
      ]
    ) {
      for (const form of ["table", "json", "yaml", "csv", "html"]) {
        const { code, lines } = await run(`holdfast veeam-one ${words} --output ${form}`);
        assert.equal(code, 0, `${words} as ${form}: ${lines.join("\n")}`);
      }
    }
    assert.deepEqual((await run("holdfast veeam-one repos list --output csv")).lines, [
      "name,backup_server,type,capacity_bytes,free_bytes,fill_percent,days_to_full",
    ]);
    assert.deepEqual((await run("holdfast veeam-one alarms list")).lines, ["Nothing to show."]);
  });
});

Deno.test("what is wrong is said with its exit code", async () => {
  await alone(new FakeOne(systemClock), async (run) => {
    const rows: [string, number, RegExp][] = [
      ["alarms get 99", 5, /Cannot show alarm 99 of Veeam ONE server "default": there is no such thing/],
      ["alarms get first", 5, /an alarm's id is a number/],
      ["alarms resolve 4711", 2, /comment/],
      ["jobs list --kind vmware", 2, /kind/],
      ["jobs list --status Bad", 2, /expected one of Failed/],
      ["about --server south", 5, /Cannot find Veeam ONE server "south"/],
    ];
    for (const [words, exit, expected] of rows) {
      const { code, lines } = await run(`holdfast veeam-one ${words}`);
      assert.equal(code, exit, `${words}: ${lines.join("\n")}`);
      assert.match(lines.join("\n"), expected);
    }
  });
});

Deno.test("without variables the daemon is asked, which remembers beside its data", async () => {
  const server = new FakeOne(systemClock);
  await using served = server.serve();
  await using app = await testApp({
    VEEAM_ONE_HOST: served.url,
    VEEAM_ONE_USER: USER,
    VEEAM_ONE_PASSWORD: PASSWORD,
  });
  const socket = await listenSocket(app.config.api.socket, app.api);
  try {
    const terminal = fakeTerminal();
    const code = await main(["--data-dir", app.config.data_dir, "veeam-one", "tapes", "list"], terminal);
    assert.equal(code, 0, terminal.noted.join("\n"));
    assert.match(terminal.printed.join("\n"), /Weekly to tape/);
    assert.ok((await Deno.stat(join(app.config.data_dir, "veeam-one.state.json"))).isFile);
  } finally {
    await socket.close();
  }
});
