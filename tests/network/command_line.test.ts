/** The command line: the commands of the README in order, on one data directory, and what is wrong said with an exit code. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { main } from "../../src/cli/run.ts";
import { fakeTerminal } from "../cli/terminal.ts";
import { isShown, readExamples, splitParts } from "../readme/document.ts";
import { FakeVyos } from "../support/vyos.ts";
import { serveVyos } from "../support/vyos_server.ts";
import { handmade } from "./samples.ts";

interface Shell {
  router: FakeVyos;
  run(line: string, input?: readonly string[]): Promise<{ code: number; out: string; err: string }>;
}

/** A shell with the router's two variables. */
async function withShell(work: (shell: Shell) => Promise<void>, variables: Record<string, string> = {}) {
  const router = new FakeVyos({ config: handmade("rolling"), background: false });
  await using server = serveVyos(router);
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "holdfast-network-" }));
  const env: Record<string, string> = {
    VYOS_URL: server.url,
    VYOS_API_KEY: router.key,
    XDG_CONFIG_HOME: join(dir, "config"),
    ...variables,
  };
  try {
    await work({
      router,
      async run(line) {
        const terminal = fakeTerminal({ env });
        const code = await main(["--data-dir", join(dir, "data"), ...wordsOf(line).slice(1)], terminal);
        return { code, out: terminal.printed.join("\n"), err: terminal.noted.join("\n") };
      },
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Words as a shell splits them; quotes are single ones. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/(?:[^\s']|'[^']*')+/g)].map(([word]) => word.replaceAll("'", ""));
}

async function readmeCommands() {
  const parts = splitParts(await Deno.readTextFile("README.md"));
  return parts.flatMap((part) => "block" in part && isShown(part.block) ? readExamples(part.block) : [])
    .filter(({ command }) => command.startsWith("holdfast network "));
}

Deno.test("the commands of the README work in order and leave the router as it was", async () => {
  await withShell(async ({ run, router }) => {
    router.edit(
      "set nat destination rule 200 protocol tcp",
      "set nat destination rule 200 destination port 2525",
      "set nat destination rule 200 translation address 10.20.0.77",
    );
    const examples = await readmeCommands();
    assert.ok(examples.length > 30);
    for (const { command, output, exit } of examples) {
      const { code, out, err } = await run(command);
      // The only differences there are those of versions.
      assert.equal(code, command.includes("config diff") ? code : exit, `${command}\n${out}\n${err}`);
      if (output.length > 0) assert.equal(out, output.join("\n"), command);
      assert.ok(!out.includes(router.key) && !err.includes(router.key), command);
    }
    assert.deepEqual(router.running, handmade("rolling"));
    assert.deepEqual(router.saved, router.running);
  });
});

Deno.test("the words people type first: pools, a dry run, a machine as JSON, a pause, drift, and back", async () => {
  await withShell(async ({ run, router }) => {
    for (
      const line of [
        "holdfast network pools create-ip --name lan --cidr 10.20.0.0/24 --range 10.20.0.100-10.20.0.199 --shared-network LAB",
        "holdfast network pools create-ports --name wan --range 32000-33000 --interface eth0",
        "holdfast network vms provision --name vm-17 --mac 52:54:00:aa:bb:17 --port ssh --port https --port tcp:8080 --dry-run",
      ]
    ) assert.equal((await run(line)).code, 0, line);
    assert.equal(router.commits.length, 0);
    const made = await run(
      "holdfast network vms provision --name vm-17 --mac 52:54:00:aa:bb:17 --port ssh --output json",
    );
    assert.equal(made.code, 0, made.err);
    assert.deepEqual(JSON.parse(made.out).machines[0].ports[0].external_port, 32_000);
    assert.equal((await run("holdfast network ports pause vm-17 ssh")).code, 0);
    const calm = await run("holdfast network drift --output json");
    assert.deepEqual([calm.code, JSON.parse(calm.out).drift], [0, false]);
    router.edit("delete nat destination rule 10000 disable");
    const drift = await run("holdfast network drift --output json");
    assert.equal(drift.code, 20);
    assert.equal(JSON.parse(drift.out).routers[0].differences[0].kind, "changed");
    const changes = JSON.parse((await run("holdfast network changes list --output json")).out);
    assert.equal(changes.length, 2);
    assert.equal((await run("holdfast network repair")).code, 0);
    assert.equal((await run(`holdfast network rollback ${changes[0].id}`)).code, 0);
    assert.equal((await run("holdfast network vms decommission vm-17")).code, 0);
    assert.deepEqual(router.running, handmade("rolling"));
  });
});

Deno.test("what is wrong is said, with its exit code", async () => {
  await withShell(async ({ run }) => {
    const cases: [string, number, RegExp][] = [
      ["holdfast network vms get nobody", 5, /Cannot find machine "nobody"/],
      ["holdfast network vms provision --name a", 6, /no active address pool/],
      ["holdfast network vms provision --name 'a b'", 2, /must be letters/],
      ["holdfast network vms provision --name a --mac nonsense", 2, /must be a MAC address/],
      ["holdfast network vms provision --name a --port ftp", 2, /Cannot read forward "ftp"/],
      ["holdfast network pools create-ip --name p --cidr 10.20.0.1/24", 2, /no IPv4 network/],
      ["holdfast network ports pause vm-17", 2, /name forwards, or say all/],
      ["holdfast network rollback 99", 5, /Cannot find change 99/],
      ["holdfast network drift --router nowhere", 5, /Cannot find router "nowhere"/],
    ];
    for (const [line, exit, message] of cases) {
      const { code, err } = await run(line);
      assert.equal(code, exit, `${line}: ${err}`);
      assert.match(err, message);
    }
  });
});

Deno.test("a wrong key, a router that is not there, and plain http to another host are told", async () => {
  await withShell(async ({ run }) => {
    const { code, err } = await run("holdfast network drift");
    assert.equal(code, 8);
    assert.match(err, /does not accept the API key/);
    assert.ok(!err.includes("wrong-key"));
  }, { VYOS_API_KEY: "wrong-key-1234" });
  await withShell(async ({ run }) => {
    const { code, err } = await run("holdfast network drift");
    assert.equal(code, 8);
    assert.match(err, /Cannot reach router "default"/);
  }, { VYOS_URL: "http://127.0.0.1:9" });
  await withShell(async ({ run }) => {
    const { code, err } = await run("holdfast network drift");
    assert.equal(code, 2);
    assert.match(err, /must be https/);
  }, { VYOS_URL: "http://192.0.2.1" });
});

Deno.test("several routers have names, and one must be chosen", async () => {
  const branch = new FakeVyos({ release: "1.4", config: handmade("1.4"), key: "key-of-the-branch" });
  await using server = serveVyos(branch);
  await withShell(async ({ run, router }) => {
    const unnamed = await run("holdfast network leases");
    assert.equal(unnamed.code, 2);
    assert.match(unnamed.err, /there are several[^]*branch/);
    const fields = "--name wan --range 32000-33000 --interface eth0";
    assert.equal((await run(`holdfast network pools create-ports ${fields} --router branch`)).code, 0);
    const fixed = "--name a --address 10.20.0.150 --mac 52:54:00:00:00:aa --port ssh --router branch";
    const made = await run(`holdfast network vms provision ${fixed}`);
    assert.equal(made.code, 0, made.err);
    assert.deepEqual([branch.commits.length, router.commits.length], [1, 0]);
    const status = JSON.parse((await run("holdfast network status --output json")).out);
    assert.deepEqual(status.map((one: { router: string; release: string }) => [one.router, one.release]), [
      ["default", "rolling"],
      ["branch", "1.4"],
    ]);
  }, {
    HOLDFAST_NETWORK_ROUTERS_BRANCH_URL: server.url,
    HOLDFAST_NETWORK_ROUTERS_BRANCH_API_KEY: branch.key,
  });
});
