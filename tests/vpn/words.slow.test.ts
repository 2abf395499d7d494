/** The program itself with three variables and nothing else: no daemon, no data directory, no configuration file, no home. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { sourceProgram } from "../support/daemon.ts";
import { FakeCloudConnexa } from "../support/cloudconnexa.ts";
import { furnish } from "./fixture.ts";

const WORDS: readonly [line: string, says: RegExp][] = [
  ["vpn networks list --output json", /"name": "main"/],
  ["vpn users get ada@example.org", /ada@example\.org/],
  ["vpn doctor", /reachable +ok/],
  ["vpn networks create --name hq --connector hq-1:eu-central-1", /^Created network "hq"/],
  ["vpn networks delete hq --yes", /^Deleted the network/],
  ["vpn sessions list --since 24h --output csv", /^sessionStartTime,.*\n.*ACTIVE,ada/],
  ["vpn audit list --since 7d", /CREATE/],
  ["vpn export --to tenant/", /^Wrote \d+ things and 20 settings to .*tenant/],
  ["vpn plan --from tenant/", /^Nothing to do/],
  ["vpn apply --from tenant/ --dry-run", /^Nothing to do/],
];

Deno.test("the words work as written, with the variables alone", async () => {
  const tenant = new FakeCloudConnexa();
  const ids = furnish(tenant);
  tenant.store.get("networks", ids.network).name = "main";
  tenant.sessions.push({
    id: "s1",
    userName: "ada",
    status: "ACTIVE",
    sessionStartTime: new Date(Date.now() - 60_000).toISOString(),
  });
  await using server = tenant.serve();
  const dir = await Deno.makeTempDir({ prefix: "holdfast-vpn-" });
  const { command, args } = sourceProgram();
  const inherited = Deno.env.toObject();
  try {
    for (const [line, says] of WORDS) {
      const { code, stdout, stderr } = await new Deno.Command(command, {
        args: [...args, ...line.split(" ")],
        cwd: dir,
        clearEnv: true,
        env: {
          PATH: inherited.PATH ?? "",
          DENO_DIR: inherited.DENO_DIR ?? join(inherited.HOME ?? "", ".cache/deno"),
          HOME: join(dir, "home"),
          NO_COLOR: "1",
          CLOUDCONNEXA_URL: server.url,
          CLOUDCONNEXA_CLIENT_ID: tenant.door.clientId,
          CLOUDCONNEXA_CLIENT_SECRET: tenant.door.clientSecret,
        },
      }).output();
      const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      assert.equal(code, 0, `${line}\n${out}${err}`);
      assert.match(out ?? "", says, line);
    }
    // The only thing left behind is what commands remember.
    const left = Array.from(Deno.readDirSync(join(dir, "home/.local/state")), ({ name }) => name);
    assert.deepEqual(left, ["holdfast"]);
    const kept = Array.from(Deno.readDirSync(join(dir, "home/.local/state/holdfast")), ({ name }) => name)
      .sort();
    assert.deepEqual(kept, ["vpn.state.json", "vpn.state.json.lock"]);
    const { mode } = Deno.statSync(join(dir, "home/.local/state/holdfast/vpn.state.json"));
    assert.equal(mode! & 0o777, 0o600);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
