import assert from "node:assert/strict";
import { join } from "node:path";
import { loadConfig } from "../../src/config/mod.ts";
import { host, type HostSpec, problemsOf } from "./support.ts";

const RATE = "api:\n  rate_burst: ";

Deno.test("each layer is stronger than the one before, and is named as the one that set the value", async () => {
  const layers: [HostSpec, string, string][] = [
    [{}, "default", ""],
    [{ system: `${RATE}1` }, "system", "$ROOT/etc/config.yaml:2"],
    [{ user: `${RATE}2` }, "user", "$ROOT/home/.config/holdfast/config.yaml:2"],
    [{ local: `${RATE}3` }, "local", "$ROOT/work/config.yaml:2"],
    [
      { dotenv: "# rates\nHOLDFAST_API_RATE_BURST=4\n" },
      "dotenv",
      "$ROOT/work/.env:2 HOLDFAST_API_RATE_BURST",
    ],
    [{ env: { HOLDFAST_API_RATE_BURST: "5" } }, "environment", "HOLDFAST_API_RATE_BURST"],
    [{ args: { "api.rate_burst": "6" } }, "flag", "--api-rate-burst"],
  ];
  let all: HostSpec = {};
  for (const [index, [spec, name, source]] of layers.entries()) {
    all = { ...all, ...spec };
    using made = host(all);
    const { config, layers } = await loadConfig(made.sources);
    assert.equal(config.api.rate_burst, index === 0 ? 200 : index, name);
    assert.deepEqual(layers.get("api.rate_burst"), { name, source: source.replace("$ROOT", made.root) });
  }
});

Deno.test("files that are read are listed, weakest first, and each only once", async () => {
  using made = host({ system: `${RATE}1`, local: `${RATE}3` });
  const { files } = await loadConfig(made.sources);
  assert.deepEqual(files, [join(made.root, "etc/config.yaml"), join(made.root, "work/config.yaml")]);
  const inConfigDirectory = { ...made.sources, cwd: join(made.root, "etc") };
  assert.deepEqual((await loadConfig(inConfigDirectory)).files, [join(made.root, "etc/config.yaml")]);
});

Deno.test("the file of --config takes the place of ./config.yaml, and must exist", async () => {
  const spec = { local: `${RATE}3`, files: { "other.yaml": `${RATE}9` } };
  for (const named of [{ configFile: "../other.yaml" }, { env: { HOLDFAST_CONFIG: "$ROOT/other.yaml" } }]) {
    using made = host({ ...spec, ...named });
    assert.equal((await loadConfig(made.sources)).config.api.rate_burst, 9);
  }
  assert.deepEqual(await problemsOf({ configFile: "gone.yaml" }), [
    "$ROOT/work/gone.yaml: cannot read the configuration: no such file",
  ]);
  assert.deepEqual(await problemsOf({ configFile: "$ROOT/work" }), [
    "$ROOT/work: cannot read the configuration: it is a directory",
  ]);
});

Deno.test("XDG_CONFIG_HOME moves the user's file", async () => {
  using made = host({
    files: { "xdg/holdfast/config.yaml": `${RATE}7` },
    env: { XDG_CONFIG_HOME: "$ROOT/xdg" },
  });
  assert.equal((await loadConfig(made.sources)).config.api.rate_burst, 7);
});

Deno.test("the data directory is found for a unit, for root and for a user, and the socket lies in it", async () => {
  const rows: [HostSpec, string][] = [
    [{ env: { STATE_DIRECTORY: "/var/lib/holdfast:/var/lib/other" }, uid: 1000 }, "/var/lib/holdfast"],
    [{ uid: 0 }, "/var/lib/holdfast"],
    [{ uid: 1000 }, "$ROOT/home/.local/state/holdfast"],
    [{ uid: 1000, env: { XDG_STATE_HOME: "/state" } }, "/state/holdfast"],
    [{ uid: 1000, env: { XDG_STATE_HOME: "relative" } }, "$ROOT/home/.local/state/holdfast"],
    [{ uid: 0, args: { data_dir: "here" } }, "$ROOT/work/here"],
  ];
  for (const [spec, expected] of rows) {
    using made = host(spec);
    const { config } = await loadConfig(made.sources);
    const directory = expected.replace("$ROOT", made.root);
    assert.deepEqual([config.data_dir, config.api.socket], [directory, `${directory}/holdfast.sock`]);
  }
});

Deno.test("without a home and not as root the data directory has to be given", async () => {
  const sources = { env: {}, cwd: "/nonexistent", systemFile: "/nonexistent/config.yaml", uid: 1000 };
  await assert.rejects(loadConfig(sources), { kind: "invalid", message: /data_dir must be set/ });
});

Deno.test("relative paths start at the file they are written in, variables and flags at the working directory", async () => {
  using made = host({
    system:
      "api: {tls: {cert_file: tls/cert.pem, key_file: ~/key.pem}}\nbackups: {allowed_roots: [data, /srv]}",
    env: { HOLDFAST_LOG_FILE: "log/out.log" },
    args: { "api.socket": "./h.sock" },
  });
  const { config } = await loadConfig(made.sources);
  assert.equal(config.api.tls.cert_file, join(made.root, "etc/tls/cert.pem"));
  assert.equal(config.api.tls.key_file, join(made.root, "home/key.pem"));
  assert.deepEqual(config.backups.allowed_roots, [join(made.root, "etc/data"), "/srv"]);
  assert.equal(config.log.file, join(made.root, "work/log/out.log"));
  assert.equal(config.api.socket, join(made.root, "work/h.sock"));
});

Deno.test("durations and sizes may be written for people or as numbers, lists with commas or as JSON", async () => {
  using made = host({
    local: "auth:\n  access_token_seconds: 1h 30m\n  lockout_seconds: 60\napi:\n  max_body_bytes: 2MiB\n",
    env: { HOLDFAST_AUTH_SETUP_CODE_SECONDS: "90", HOLDFAST_API_TRUSTED_PROXIES: " 10.0.0.0/8, ::1 ,," },
    args: {
      "api.cors_origins": '["https://a.example.org", "https://b.example.org"]',
      "metrics.public": "yes",
    },
  });
  const { config: { auth, api, metrics } } = await loadConfig(made.sources);
  assert.deepEqual([auth.access_token_seconds, auth.lockout_seconds, auth.setup_code_seconds], [
    5400,
    60,
    90,
  ]);
  assert.equal(api.max_body_bytes, 2_097_152);
  assert.deepEqual(api.trusted_proxies, ["10.0.0.0/8", "::1"]);
  assert.deepEqual(api.cors_origins, ["https://a.example.org", "https://b.example.org"]);
  assert.equal(metrics.public, true);
});

Deno.test("a variable known from an earlier tool counts in its layer, after our own name", async () => {
  const rows: [HostSpec, string[]][] = [
    [{ env: { CORS_ORIGINS: "https://old.example.org" } }, ["https://old.example.org"]],
    [{ dotenv: "CORS_ORIGINS=https://old.example.org" }, ["https://old.example.org"]],
    [
      {
        env: {
          HOLDFAST_API_CORS_ORIGINS: "https://new.example.org",
          CORS_ORIGINS: "https://old.example.org",
        },
      },
      ["https://new.example.org"],
    ],
    [
      {
        env: { CORS_ORIGINS: "https://env.example.org" },
        dotenv: "HOLDFAST_API_CORS_ORIGINS=https://file.example.org",
      },
      ["https://env.example.org"],
    ],
  ];
  for (const [spec, expected] of rows) {
    using made = host(spec);
    assert.deepEqual((await loadConfig(made.sources)).config.api.cors_origins, expected);
  }
});

Deno.test("an empty variable and a key with nothing behind it are not set; null switches a setting off", async () => {
  using made = host({
    system: "api:\n  rate_burst: 7\n  url: https://backup.example.org\nlog:\n",
    local: "api:\n  rate_burst:\n  url: null\n",
    env: { HOLDFAST_API_RATE_BURST: "", CORS_ORIGINS: "" },
  });
  const { config, layers } = await loadConfig(made.sources);
  assert.deepEqual([config.api.rate_burst, config.api.url], [7, null]);
  assert.equal(layers.get("api.url")?.name, "local");
});

Deno.test("anchors and an empty file are fine", async () => {
  using made = host({
    system: "# nothing yet\n",
    local: "auth: {lockout_after: &n 5}\napi: {rate_burst: *n}\n",
  });
  assert.equal((await loadConfig(made.sources)).config.api.rate_burst, 5);
});
