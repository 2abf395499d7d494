import assert from "node:assert/strict";
import { checkConfig, loadConfig } from "../../src/config/mod.ts";
import { host, type HostSpec, problemsOf } from "./support.ts";

const local = (text: string): HostSpec => ({ local: text });
const env = (name: string, value = "1"): HostSpec => ({ env: { [name]: value } });

const PROBLEMS: [HostSpec, string][] = [
  // Keys.
  [
    local("api:\n  listn: x"),
    '$ROOT/work/config.yaml:2: unknown setting "api.listn", did you mean "api.listen"',
  ],
  [local("\n\nlisten: x"), '$ROOT/work/config.yaml:3: unknown setting "listen", did you mean "api.listen"'],
  [local("apy:\n  listen: x"), '$ROOT/work/config.yaml:1: unknown setting "apy", did you mean "api"'],
  [
    local("cert_file: x"),
    '$ROOT/work/config.yaml:1: unknown setting "cert_file", did you mean "api.tls.cert_file"',
  ],
  [
    local("api_listen: x"),
    '$ROOT/work/config.yaml:1: unknown setting "api_listen", did you mean "api.listen"',
  ],
  [local("log: {tls: {cert_file: x}}"), '$ROOT/work/config.yaml:1: unknown setting "log.tls"'],
  [local("weather: {}"), '$ROOT/work/config.yaml:1: unknown setting "weather"'],
  [local("__proto__: {}"), '$ROOT/work/config.yaml:1: unknown setting "__proto__"'],
  [
    local("api.listen: x"),
    '$ROOT/work/config.yaml:1: unknown setting "api.listen": write "listen" below "api", indented',
  ],
  [local("api: 5"), '$ROOT/work/config.yaml:1: "api" is a section: its settings go below it, indented'],
  [
    local("- data_dir"),
    '$ROOT/work/config.yaml:1: expected settings such as "data_dir: /var/lib/holdfast"',
  ],
  // YAML that is none.
  [local("api:\n  listen: [x\n"), "$ROOT/work/config.yaml:3:1: Flow sequence in block collection must be"],
  [local("log: {}\nlog: {}"), "$ROOT/work/config.yaml:2:1: Map keys must be unique"],
  [local("a: !python/object x"), "$ROOT/work/config.yaml:1:4: Unresolved tag"],
  // Kinds and limits.
  [
    local("api:\n  listen: 8420"),
    "$ROOT/work/config.yaml:2: api.listen must be text, so in quotes, got 8420",
  ],
  [local("data_dir: {a: 1}"), "$ROOT/work/config.yaml:1: data_dir must be text, got a section"],
  [local('data_dir: ""'), '$ROOT/work/config.yaml:1: data_dir must not be empty, got ""'],
  [local("metrics: {public: maybe}"), 'metrics.public must be true or false, got "maybe"'],
  [local("metrics: {public: 1}"), "metrics.public must be true or false, got 1"],
  [local("auth: {lockout_after: 1.5}"), "auth.lockout_after must be a whole number, got 1.5"],
  [local("auth: {lockout_after: many}"), 'auth.lockout_after must be a number, got "many"'],
  [
    local("auth: {lockout_seconds: 5x}"),
    "auth.lockout_seconds must be a duration such as 45s, 30m or 90d, or a num",
  ],
  [local("auth: {lockout_seconds: 2d}"), 'auth.lockout_seconds must be at most 1d, got "2d"'],
  [local("auth: {min_password_length: 3}"), "auth.min_password_length must be at least 8, got 3"],
  [
    local("api: {max_body_bytes: 2 GB3}"),
    "api.max_body_bytes must be a size such as 512KiB or 2GiB, or a number of",
  ],
  [local("api: {max_body_bytes: 1}"), "api.max_body_bytes must be at least 1 KiB, got 1"],
  [local("log: {level: loud}"), 'log.level must be one of debug, info, warning, error, got "loud"'],
  [local("log: {level: [info]}"), 'log.level must be text, got ["info"]'],
  [local("backups: {allowed_roots: {a: b}}"), "backups.allowed_roots must be a list of texts, got a section"],
  [
    local("backups: {allowed_roots: [/srv, 5]}"),
    'backups.allowed_roots must be a list of texts, got ["/srv",5]',
  ],
  [
    local("api: {trusted_proxies: [::1, proxy]}"),
    'must be an address or network such as 10.0.0.0/8, got "proxy"',
  ],
  [
    local("api: {cors_origins: [https://x.example.org/]}"),
    "must be an origin such as https://ui.example.org, or *",
  ],
  [local("schedules: {timezone: Europe/Pari}"), "must be a time zone name such as Europe/Paris or UTC"],
  [local("api: {url: ftp://x}"), 'api.url must be an http or https address, got "ftp://x"'],
  [
    env("HOLDFAST_API_RATE_BURST", "few"),
    'HOLDFAST_API_RATE_BURST: api.rate_burst must be a number, got "few"',
  ],
  [env("CORS_ORIGINS", "[1"), 'CORS_ORIGINS: api.cors_origins must be a list of texts, got "[1"'],
  [
    { args: { "log.level": "" } },
    '--log-level: log.level must be one of debug, info, warning, error, got ""',
  ],
  [{ args: { "api.nothing": "1" } }, 'unknown setting "api.nothing"'],
  ...["8420", "host", "host:70000", "a b:1", "::1:80", "[x]:1", "http://x:1"].map((
    listen,
  ): [HostSpec, string] => [
    { args: { "api.listen": listen } },
    `--api-listen: api.listen must be an address and a port, such as 127.0.0.1:8420 or [::1]:8420, got "${listen}"`,
  ]),
  // Variables.
  [env("HOLDFAST_API_LISTN"), "HOLDFAST_API_LISTN: unknown variable, did you mean HOLDFAST_API_LISTEN"],
  [env("HOLDFAST_LISTEN"), "HOLDFAST_LISTEN: unknown variable, did you mean HOLDFAST_API_LISTEN"],
  [
    { dotenv: "A=1\nexport HOLDFAST_LOG_LEVLE=info\n" },
    "$ROOT/work/.env:2 HOLDFAST_LOG_LEVLE: unknown variable, did you mean HOLDFAST_LOG_LEVEL",
  ],
  // Settings that contradict each other.
  [
    local("api:\n  tls:\n    cert_file: x.pem"),
    "$ROOT/work/config.yaml:3: api.tls.cert_file needs api.tls.key_file too",
  ],
  [
    env("HOLDFAST_API_TLS_KEY_FILE"),
    "HOLDFAST_API_TLS_KEY_FILE: api.tls.key_file needs api.tls.cert_file too",
  ],
  [
    { args: { "api.listen": "0.0.0.0:80" } },
    '--api-listen: api.listen "0.0.0.0:80" is reachable from other hosts: set api.tls.cert_file',
  ],
];

Deno.test("every kind of mistake is told with its place and what was expected", async () => {
  for (const [spec, expected] of PROBLEMS) {
    const problems = await problemsOf(spec);
    assert.equal(problems.length, 1, `${JSON.stringify(spec)}: ${problems.join("; ")}`);
    assert.ok(problems[0]!.includes(expected), `${problems[0]} should say: ${expected}`);
  }
});

Deno.test("listening where others reach it is fine with TLS, or when plain HTTP is allowed", async () => {
  const listen = { "api.listen": "0.0.0.0:8420" };
  assert.deepEqual(await problemsOf({ args: { ...listen, "api.allow_plain_http": "true" } }), []);
  const tls = { "api.tls.cert_file": "c.pem", "api.tls.key_file": "k.pem" };
  assert.deepEqual(await problemsOf({ args: { ...listen, ...tls } }), []);
  for (const loopback of ["127.0.0.1:0", "127.8.9.1:1", "[::1]:8420", "localhost:8420"]) {
    assert.deepEqual(await problemsOf({ args: { "api.listen": loopback } }), []);
  }
});

Deno.test("all problems of all layers are told at once, file by file and line by line", async () => {
  const problems = await problemsOf({
    system: "log:\n  level: loud\n",
    local: "auth:\n  lockout_after: -1\n  colour: red\nmetrics: 3\n".padStart(60, "\n") +
      "api: {rate_burst: x}\n",
    env: { HOLDFAST_LOG_LEVEL: "info", HOLDFAST_LOG_FORMAT: "xml" },
    args: { "api.rate_burst": "0" },
  });
  assert.deepEqual(problems.map((problem) => problem.replace(/^(\S+): .*/, "$1").replace(/:\d+$/, "")), [
    "--api-rate-burst",
    "$ROOT/etc/config.yaml",
    "$ROOT/work/config.yaml",
    "$ROOT/work/config.yaml",
    "$ROOT/work/config.yaml",
    "$ROOT/work/config.yaml",
    "HOLDFAST_LOG_FORMAT",
  ]);
  const lines = problems.flatMap((problem) =>
    /work\/config.yaml:(\d+)/.exec(problem)?.slice(1).map(Number) ?? []
  );
  assert.deepEqual(lines, lines.toSorted((a, b) => a - b));
});

Deno.test("the error prints well: one problem on the line, several below each other", async () => {
  using one = host({ env: { HOLDFAST_LOG_LEVEL: "loud" } });
  await assert.rejects(loadConfig(one.sources), {
    kind: "invalid",
    code: "config",
    message:
      "Cannot load the configuration: HOLDFAST_LOG_LEVEL: log.level must be one of debug, info, warning, error, " +
      'got "loud"',
  });
  using two = host({ args: { "log.level": "loud", "log.format": "xml" } });
  await assert.rejects(loadConfig(two.sources), {
    message: "Cannot load the configuration: 2 problems\n" +
      '  --log-format: log.format must be one of json, text, got "xml"\n' +
      '  --log-level: log.level must be one of debug, info, warning, error, got "loud"',
  });
});

Deno.test("an unknown variable of ours that is near none is a warning; those of Kubernetes and others are not ours", async () => {
  using made = host({
    env: {
      HOLDFAST_TEAM_COLOUR: "red",
      HOLDFAST_SERVICE_HOST: "10.0.0.1",
      HOLDFAST_PORT: "tcp://10.0.0.1:8420",
      HOLDFAST_PORT_8420_TCP: "tcp://10.0.0.1:8420",
      API_LISTEN: "x",
      HOLDFAST_DEBUG: "1",
    },
  });
  const { warnings } = await loadConfig(made.sources);
  assert.deepEqual(warnings, ["HOLDFAST_TEAM_COLOUR: no such setting, ignored"]);
});

Deno.test("checkConfig() returns problems and warnings together instead of throwing", async () => {
  using made = host({ env: { HOLDFAST_TEAM_COLOUR: "red", HOLDFAST_LOG_LEVEL: "loud" } });
  const { problems, warnings } = await checkConfig(made.sources);
  assert.deepEqual(problems.map(({ path }) => path), ["log.level"]);
  assert.equal(warnings.length, 1);
});

Deno.test({
  name: "a configuration file that others may change, or that belongs to somebody else, is warned about",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    using made = host({ local: "log: {level: info}" });
    Deno.chmodSync(`${made.root}/work/config.yaml`, 0o666);
    const foreign = (await loadConfig({ ...made.sources, uid: 12_345 })).warnings;
    const shown = foreign.map((warning) => warning.replace(made.root, "$ROOT"));
    assert.equal(shown[0], "$ROOT/work/config.yaml: anybody on this host may change it; run chmod o-w");
    // Files of root are trusted by everybody, so the second warning needs another owner.
    const owner = Deno.statSync(`${made.root}/work/config.yaml`).uid;
    assert.equal(shown.length, owner === 0 ? 1 : 2);
  },
});
