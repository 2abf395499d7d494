import assert from "node:assert/strict";
import { configRows, loadConfig } from "../../src/config/mod.ts";
import { host, type HostSpec, problemsOf } from "./support.ts";

const SECRET = "hf_0123456789";
const key = { "secrets/key": `${SECRET}\n`, "creds/api.key": `${SECRET}\n`, "creds/tls.pem": "x" };

const WAYS: [string, HostSpec, string][] = [
  ["a key in a file", { local: `api: {key: ${SECRET}}` }, "local"],
  ["key_file in a file", { local: "api: {key_file: ../secrets/key}" }, "local"],
  ["the variable", { env: { HOLDFAST_API_KEY: SECRET } }, "environment"],
  ["the variable with _FILE", { env: { HOLDFAST_API_KEY_FILE: "$ROOT/secrets/key" } }, "environment"],
  ["_FILE in .env", { dotenv: "HOLDFAST_API_KEY_FILE=../secrets/key" }, "dotenv"],
  ["a systemd credential", { env: { CREDENTIALS_DIRECTORY: "$ROOT/creds" } }, "credential"],
  ["a flag that names a file", { args: { "api.key": "../secrets/key" } }, "flag"],
];

Deno.test("a secret can be given in every way, and always prints as ***", async () => {
  for (const [way, spec, layer] of WAYS) {
    using made = host({ ...spec, files: key });
    const loaded = await loadConfig(made.sources);
    assert.equal(loaded.config.api.key, SECRET, way);
    const row = configRows(loaded).find((row) => row.key === "api.key");
    assert.deepEqual([row?.value, row?.layer], ["***", layer], way);
    assert.ok(!JSON.stringify(configRows(loaded)).includes(SECRET), way);
  }
});

Deno.test("a secret that is not set prints as nothing", async () => {
  using made = host();
  assert.equal(configRows(await loadConfig(made.sources)).find((row) => row.key === "api.key")?.value, null);
});

Deno.test("only the last line end of a secret file is cut", async () => {
  for (const [text, expected] of [["a\n", "a"], ["a\r\n", "a"], [" a b \n\n", " a b \n"], ["a", "a"]]) {
    using made = host({ files: { "secrets/key": text! }, args: { "api.key": "$ROOT/secrets/key" } });
    assert.equal((await loadConfig(made.sources)).config.api.key, expected);
  }
});

Deno.test("a secret's file that is missing, empty or overridden", async () => {
  assert.deepEqual(await problemsOf({ env: { HOLDFAST_API_KEY_FILE: "gone" } }), [
    "HOLDFAST_API_KEY_FILE: api.key cannot read the secret from $ROOT/work/gone: no such file",
  ]);
  assert.deepEqual(await problemsOf({ files: { "k": "\n" }, args: { "api.key": "$ROOT/k" } }), [
    "--api-key-file: api.key cannot read the secret from $ROOT/k: the file is empty",
  ]);
  assert.deepEqual(await problemsOf({ local: "api: {key_file: 5}" }), [
    "$ROOT/work/config.yaml:1: api.key must be the name of a file that holds the secret",
  ]);
  assert.deepEqual(
    await problemsOf({ local: "api: {key_file: gone}", env: { HOLDFAST_API_KEY: SECRET } }),
    [],
  );
});

Deno.test("a secret given in words and in a file at one place is refused", async () => {
  const problems = await problemsOf({
    files: key,
    local: "api:\n  key: x\n  key_file: ../secrets/key\n",
    env: { HOLDFAST_API_KEY: "x", HOLDFAST_API_KEY_FILE: "$ROOT/secrets/key" },
  });
  assert.deepEqual(problems, [
    "$ROOT/work/config.yaml:3: api.key is given in words and in a file ($ROOT/work/config.yaml:2): keep one",
    "HOLDFAST_API_KEY_FILE: api.key is given in words and in a file (HOLDFAST_API_KEY): keep one",
  ]);
});

Deno.test("problems with a secret never show it", async () => {
  const problems = await problemsOf({ local: "api:\n  key: 123456\n" });
  assert.deepEqual(problems, ["$ROOT/work/config.yaml:2: api.key must be text, so in quotes"]);
});

Deno.test("a credentials directory that cannot be read is a problem", async () => {
  assert.deepEqual(await problemsOf({ env: { CREDENTIALS_DIRECTORY: "$ROOT/none" } }), [
    "$ROOT/none: cannot read the credentials: no such file",
  ]);
});

Deno.test({
  name: "a file with a secret in it that others may read is warned about",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const channel = (kind: string, url: string) =>
      `notify: {channels: {log-host: {kind: ${kind}, url: "${url}"}}}`;
    const url = "notify.channels.log-host.url";
    const rows: [HostSpec, string, number, string | null][] = [
      [{ local: `api: {key: ${SECRET}}` }, "config.yaml", 0o644, "api.key"],
      [{ local: `api: {key: ${SECRET}}` }, "config.yaml", 0o640, null],
      [{ local: "api: {key_file: ../secrets/key}" }, "config.yaml", 0o644, null],
      [{ dotenv: `HOLDFAST_API_KEY=${SECRET}` }, ".env", 0o604, "api.key"],
      [{ local: channel("syslog", "udp://127.0.0.1:5514") }, "config.yaml", 0o644, null],
      [{ local: channel("syslog", "unix:///dev/log") }, "config.yaml", 0o644, null],
      [{ local: channel("webhook", "https://ntfy.example.org/") }, "config.yaml", 0o644, null],
      [{ local: channel("slack", "https://hooks.example.org/services/T0/B0/x") }, "config.yaml", 0o644, url],
      [{ local: channel("webhook", "https://hooks.example.org?key=x") }, "config.yaml", 0o644, url],
    ];
    for (const [spec, name, mode, setting] of rows) {
      using made = host({ ...spec, files: key });
      const path = `${made.root}/work/${name}`;
      Deno.chmodSync(path, mode);
      const { warnings } = await loadConfig(made.sources);
      const expected =
        `${path}: anybody on this host may read the secret in it (${setting}); run chmod o-r ${path}`;
      assert.deepEqual(warnings, setting === null ? [] : [expected]);
    }
  },
});
