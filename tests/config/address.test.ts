/** Where a daemon is, read without the settings of every slice; what else there is to say makes them all be read. */
import assert from "node:assert/strict";
import { EARLIER_VARIABLES, loadAddress } from "../../src/config/address.ts";
import { configLeaves, loadConfig } from "../../src/config/mod.ts";
import { host, type HostSpec } from "./support.ts";

async function address(spec: HostSpec) {
  using made = host(spec);
  return await loadAddress(made.sources);
}

Deno.test("an address is read from every layer, and is the one of the whole configuration", async () => {
  const specs: HostSpec[] = [
    {},
    { uid: 1000 },
    { system: "data_dir: /srv/one\n", local: "api:\n  url: https://backup.example.org\n  key: abc\n" },
    { dotenv: "HOLDFAST_API_SOCKET=/run/one.sock\n" },
    { env: { HOLDFAST_DATA_DIR: "/srv/two", HOLDFAST_API_KEY_FILE: "$ROOT/key" }, files: { key: "k\n" } },
    { env: { DATABASE_URL: "sqlite:////srv/three/holdfast.db" } },
    { args: { data_dir: "/srv/four", "api.allow_plain_http": "true" } },
    {
      files: { "credentials/api.key": "from systemd\n" },
      env: { CREDENTIALS_DIRECTORY: "$ROOT/credentials" },
    },
  ];
  for (const spec of specs) {
    using made = host(spec);
    const found = await loadAddress(made.sources);
    const { config: { data_dir, api } } = await loadConfig(made.sources);
    assert.deepEqual(found?.config, { data_dir, api }, JSON.stringify(spec));
  }
});

Deno.test("what stands in other sections of a file is not judged by a command that only asks", async () => {
  const found = await address({ local: "notify:\n  channles: 5\napi:\n  socket: /run/a.sock\n" });
  assert.equal(found?.config.api.socket, "/run/a.sock");
  assert.notEqual(await address({ dotenv: "HOLDFAST_NOTIFY_MAIL_PROT=25\n" }), undefined);
});

Deno.test("anything wrong, dubious or to be compared with the daemon's makes the whole configuration be read", async () => {
  const specs: HostSpec[] = [
    { local: "apii:\n  socket: /run/a.sock\n" },
    { local: "api:\n  sockett: /run/a.sock\n" },
    { local: "api:\n  url: ftp://example.org\n" },
    { local: "data_dir: [" },
    { env: { HOLDFAST_API_SOCKETT: "/run/a.sock" } },
    { env: { HOLDFAST_UNHEARD: "of" } },
    { env: { HOLDFAST_NOTIFY_MAIL_HOST: "mail.example.org" } },
    { env: { SMTP_HOST: "mail.example.org" } },
    { env: { HOLDFAST_API_LISTEN: "127.0.0.1:1" } },
    { env: { CORS_ORIGINS: "*" } },
    { args: { "api.listen": "127.0.0.1:1" } },
    { files: { "one.yaml": "data_dir: /srv/one\n" }, configFile: "$ROOT/one.yaml" },
    { configFile: "$ROOT/none.yaml" },
  ];
  for (const spec of specs) assert.equal(await address(spec), undefined, JSON.stringify(spec));
});

Deno.test("the variables of earlier tools are known without the settings they are for", () => {
  const names = configLeaves().filter(({ path }) => path !== "data_dir" && !path.startsWith("api."))
    .flatMap(({ aliases, secret }) =>
      aliases.flatMap(({ name }) => secret ? [name, `${name}_FILE`] : [name])
    );
  assert.deepEqual([...EARLIER_VARIABLES].sort(), [...new Set(names)].sort());
});
