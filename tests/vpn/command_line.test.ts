/** The command line: what the README shows works, secrets stay out of sight, and what is wrong is said with an exit code. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { main } from "../../src/cli/run.ts";
import { fakeTerminal } from "../cli/terminal.ts";
import { isShown, readExamples, splitParts } from "../readme/document.ts";
import { FakeCloudConnexa } from "../support/cloudconnexa.ts";
import { furnish } from "./fixture.ts";

/** A shell with nothing but the three variables, beside a tenant. */
interface Shell {
  dir: string;
  run(
    line: string,
    interactive?: boolean,
  ): Promise<{ code: number; out: string; err: string; statuses: readonly string[] }>;
}

async function withShell(tenant: FakeCloudConnexa, work: (shell: Shell) => Promise<void>): Promise<void> {
  await using server = tenant.serve();
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "holdfast-vpn-" }));
  const env: Record<string, string> = {
    CLOUDCONNEXA_URL: server.url,
    CLOUDCONNEXA_CLIENT_ID: tenant.door.clientId,
    CLOUDCONNEXA_CLIENT_SECRET: tenant.door.clientSecret,
    XDG_STATE_HOME: join(dir, "state"),
    XDG_CONFIG_HOME: join(dir, "config"),
  };
  try {
    await work({
      dir,
      async run(line, interactive = false) {
        const terminal = fakeTerminal({ interactive, env });
        // What the daemon keeps needs its directory; nothing else does.
        const kept = / vpn (sync|status|inventory|history)\b/.test(line) ? "kept" : "none";
        const code = await main(["--data-dir", join(dir, kept), ...wordsOf(line).slice(1)], terminal);
        const [out, err] = [terminal.printed.join("\n"), terminal.noted.join("\n")];
        return { code, out, err, statuses: terminal.statuses };
      },
    });
    await assert.rejects(Deno.stat(join(dir, "none")), "a data directory was made");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Words as a shell splits them; quotes are single ones. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/(?:[^\s']|'[^']*')+/g)].map(([word]) => word.replaceAll("'", ""));
}

Deno.test("the commands of the README work one after the other, without daemon, data directory and configuration", async () => {
  const parts = splitParts(await Deno.readTextFile("README.md"));
  const commands = parts.flatMap((part) =>
    "block" in part && isShown(part.block) ? readExamples(part.block) : []
  )
    .map(({ command }) => command.replaceAll("\\\n", " "))
    .filter((command) => command.startsWith("holdfast vpn ") && !command.includes(" follow"));
  assert.ok(commands.length > 100);
  const tenant = new FakeCloudConnexa();
  tenant.create("networks", {
    name: "vault",
    tunnelingProtocol: "IPSEC",
    connectors: [{ name: "vault-1", vpnRegionId: "it-mxp", ipSecConfig: { preSharedKey: "a-shared-key" } }],
  });
  await withShell(tenant, async ({ run, dir }) => {
    for (const command of commands) {
      const placed = command.replace(/--(to|from) (\S+)/, (_, flag, path) => `--${flag} ${join(dir, path)}`);
      const { code, out, err } = await run(placed);
      assert.equal(code, 0, `${command}\n${out}\n${err}`);
      assert.ok(!`${out}${err}`.includes("a-shared-key"), command);
    }
    const { mode } = await Deno.stat(join(dir, "hq-1.ovpn"));
    assert.equal(mode! & 0o777, 0o600);
    const state = await Deno.readTextFile(join(dir, "state/holdfast/vpn.state.json"));
    assert.ok(!/token|s3cret/.test(state), state);
  });
});

Deno.test("no answer about a thing shows a secret, in any form", async () => {
  const tenant = new FakeCloudConnexa();
  furnish(tenant);
  await withShell(tenant, async ({ run }) => {
    for (const output of ["table", "json", "yaml", "csv"]) {
      for (
        const words of [
          "networks list",
          "networks get vault",
          "network-connectors list",
          "network-connectors get vault-1",
        ]
      ) {
        const { code, out, err } = await run(`holdfast vpn ${words} --output ${output}`);
        assert.equal(code, 0);
        assert.ok(!`${out}${err}`.includes("a-shared-key"), words);
      }
    }
    // Nothing above made a credential: that is a POST, and everything was read.
    assert.deepEqual(
      [...new Set(tenant.exchanges.map(({ method, path }) => `${method} ${path.split("/")[3]}`))].sort(),
      [
        "GET networks",
        "POST oauth",
      ],
    );
  });
});

Deno.test("what is wrong is said with its exit code", async () => {
  const tenant = new FakeCloudConnexa();
  furnish(tenant);
  await withShell(tenant, async ({ run }) => {
    for (
      const [line, code, says] of [
        ["holdfast vpn networks get ../admin", 5, /Cannot find network "..\/admin"/],
        ["holdfast vpn networks get h", 5, /did you mean "hq"/],
        ["holdfast vpn networks delete hq", 2, /--yes/],
        [
          "holdfast vpn users update owner@example.org --first-name Eve",
          2,
          /the owner of a tenant cannot be changed/,
        ],
        ["holdfast vpn users create --username eve", 2, /groupId/],
        ["holdfast vpn networks create --name x --connector nowhere", 2, /--connector/],
        ["holdfast vpn settings get wpc/topolgy", 5, /did you mean "wpc\/topology"/],
        ["holdfast vpn settings set wpc/snat maybe", 2, /is not what it takes/],
        ["holdfast vpn sessions list --since yesterday", 2, /since "yesterday"/],
        ["holdfast vpn networks list --tenant acme", 5, /tenant "acme"/],
        ["holdfast vpn network-connectors start hq-1", 2, /forbidden for non IPSEC connector/],
      ] as const
    ) {
      const ran = await run(line);
      assert.equal(ran.code, code, `${line}: ${ran.err}`);
      assert.match(ran.err, says);
    }
    tenant.door.clientSecret = "changed";
    tenant.door.revokeTokens();
    const refused = await run("holdfast vpn networks list");
    assert.equal(refused.code, 8);
    assert.match(refused.err, /API key was refused/);
  });
});

Deno.test("deleting a network that has connectors says what goes with it, and takes it along", async () => {
  const tenant = new FakeCloudConnexa();
  furnish(tenant);
  await withShell(tenant, async ({ run }) => {
    const help = await run("holdfast vpn networks delete --help");
    assert.match(help.out, /with it its connectors, routes,\s+IP\s+services\s+and\s+applications/);
    assert.equal((await run("holdfast vpn networks delete hq --yes")).code, 0);
    assert.deepEqual(tenant.store.where("networks", "name", "hq"), []);
    assert.equal(tenant.store.all("networks/routes").length, 0);
  });
});

Deno.test("a name that several things have is refused with the ways to say which", async () => {
  const tenant = new FakeCloudConnexa();
  furnish(tenant);
  const vault = tenant.store.where("networks", "name", "vault")[0]!;
  tenant.create("networks/connectors", { name: "hq-1", vpnRegionId: "it-mxp" }, vault.id);
  await withShell(tenant, async ({ run }) => {
    const { code, err } = await run("holdfast vpn network-connectors get hq-1");
    assert.equal(code, 6);
    assert.match(err, /--network, or by its id/);
    assert.equal((await run("holdfast vpn network-connectors get hq-1 --network vault")).code, 0);
  });
});

Deno.test("an apply that ends half-way lists what was done, as JSON too, and ends with the code of what ended it", async () => {
  const tenant = new FakeCloudConnexa();
  await withShell(tenant, async ({ run, dir }) => {
    const from = join(dir, "hosts");
    await Deno.mkdir(from);
    await Deno.writeTextFile(join(from, "hosts.yaml"), "- name: db\n- name: web\n- name: mail\n");
    const breakAtSecond = () => {
      let posts = 0;
      const fault = (request: Request): Response | undefined => {
        if (request.method !== "POST" || request.url.endsWith("/oauth/token") || ++posts < 2) {
          return undefined;
        }
        tenant.faults.push(fault);
        return new Response(null, { status: 401 });
      };
      tenant.faults.splice(0, Infinity, fault);
    };
    breakAtSecond();
    const told = await run(`holdfast vpn apply --from ${from}`);
    assert.equal(told.code, 8, told.err);
    assert.match(
      told.out,
      new RegExp(
        "^create  hosts/db\ncreate  hosts/web  \\(failed: .*the API key was refused\\)\ncreate  hosts/mail  \\(skipped\\)\n" +
          "1 done, 1 failed, 1 skipped\nIt stopped at the one that failed\\. Start it again to go on: .*\nhint: it is wrong or expired",
      ),
    );
    tenant.store.wipe();
    breakAtSecond();
    const { code, out } = await run(`holdfast vpn apply --from ${from} --output json`);
    assert.equal(code, 8);
    const answer = JSON.parse(out);
    assert.deepEqual(
      answer.steps.map(({ key, result }: { key: string; result: string }) => [key, result]),
      [["hosts/db", "done"], ["hosts/web", "failed"], ["hosts/mail", "skipped"]],
    );
    assert.equal(answer.stopped.code, "vpn_authentication");
    tenant.faults.length = 0;
    const rest = await run(`holdfast vpn apply --from ${from}`);
    assert.deepEqual([rest.code, rest.out], [0, "create  hosts/web\ncreate  hosts/mail\n2 done"]);
  });
});

Deno.test("export and apply draw how far they are on a terminal, and only there", async () => {
  const tenant = new FakeCloudConnexa();
  furnish(tenant);
  await withShell(tenant, async ({ run, dir }) => {
    const shown = async (line: string, interactive: boolean) => {
      const { code, statuses, err } = await run(line, interactive);
      assert.equal(code, 0, line);
      return { statuses, err };
    };
    const to = join(dir, "tenant");
    const { statuses } = await shown(`holdfast vpn export --to ${to}`, true);
    assert.match(statuses[0] ?? "", /^read {4}\[-+\] {3}0 % {2}0 of 38$/);
    assert.equal(statuses.at(-1), "");
    await Deno.writeTextFile(join(to, "hosts.yaml"), "- name: db\n- name: web\n");
    const applied = await shown(`holdfast vpn apply --from ${to}`, true);
    assert.match(applied.statuses.at(-2) ?? "", /^apply {3}\[-+\] {3}0 % {2}0 of 1$/);
    const plain = await shown(`holdfast vpn export --to ${to}`, false);
    assert.deepEqual([plain.statuses, plain.err], [[], ""]);
  });
});
