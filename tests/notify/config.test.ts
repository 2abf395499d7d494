/** The settings of channels and policies: what is refused, and the names people know from earlier tools. */
import assert from "node:assert/strict";
import { loadConfig } from "../../src/config/mod.ts";
import { configRows } from "../../src/config/show.ts";
import { host, type HostSpec, problemsOf } from "../config/support.ts";

async function notifyOf(spec: HostSpec) {
  using made = host(spec);
  return (await loadConfig(made.sources)).config.notify;
}

Deno.test("the names known from earlier tools make a channel mail", async () => {
  const seed = await notifyOf({
    env: {
      SMTP_HOST: "mail.example.org",
      SMTP_PORT: "2525",
      SMTP_USER: "ada",
      SMTP_PASSWORD: "secret",
      SMTP_FROM: "holdfast@example.org",
      SMTP_TO: "ops@example.org, dba@example.org",
    },
  });
  const { host: server, port, username, password, sender, recipients } = seed.mail;
  assert.deepEqual(
    [server, port, username, password, sender, recipients],
    ["mail.example.org", 2525, "ada", "secret", "holdfast@example.org", [
      "ops@example.org",
      "dba@example.org",
    ]],
  );
  const later = await notifyOf({
    env: {
      EMAIL_HOST: "mail.example.org",
      EMAIL_PORT: "587",
      EMAIL_USERNAME: "ada",
      EMAIL_PASSWORD: "secret",
      EMAIL_SENDER: "holdfast@example.org",
      ADMIN_EMAIL_RECIPIENT: "ops@example.org",
    },
  });
  assert.deepEqual(
    [later.mail.host, later.mail.port, later.mail.username, later.mail.password, later.mail.recipients],
    ["mail.example.org", 587, "ada", "secret", ["ops@example.org"]],
  );
});

Deno.test("an empty known name is not set, and without a host there is no channel mail", async () => {
  const { mail } = await notifyOf({ env: { SMTP_HOST: "", SMTP_FROM: "holdfast@example.org" } });
  assert.equal(mail.host, null);
});

Deno.test("secrets of channels come from files and show as ***", async () => {
  using made = host({
    files: { "secrets/hook": "https://hooks.example.org/services/T/B/x\n", "secrets/smtp": "secret\n" },
    local: `notify:
  channels:
    chat: { kind: slack, url_file: $ROOT/secrets/hook }
`,
    env: { SMTP_HOST: "mail.example.org", SMTP_PASSWORD_FILE: "$ROOT/secrets/smtp" },
  });
  const loaded = await loadConfig(made.sources);
  assert.equal(loaded.config.notify.channels.chat?.url, "https://hooks.example.org/services/T/B/x");
  assert.equal(loaded.config.notify.mail.password, "secret");
  const rows = new Map(configRows(loaded).map(({ key, value }) => [key, value]));
  assert.equal(rows.get("notify.channels.chat.url"), "***");
  assert.equal(rows.get("notify.mail.password"), "***");
});

const CHANNELS: [name: string, yaml: string, problem: RegExp][] = [
  ["a kind that needs more", "{ kind: slack }", /notify.channels.x.url must be set for kind slack/],
  [
    "a setting of another kind",
    "{ kind: slack, url: 'https://example.org', topic: t }",
    /topic is not used by kind slack/,
  ],
  ["a kind there is not", "{ kind: fax }", /kind must be one of mail, webhook, slack/],
  [
    "an address of another protocol",
    "{ kind: webhook, url: 'ftp://example.org' }",
    /url must be an http or https/,
  ],
  [
    "an address with a password in it",
    "{ kind: webhook, url: 'https://a:b@example.org' }",
    /must not hold a user name/,
  ],
  [
    "where clouds keep credentials",
    "{ kind: webhook, url: 'http://169.254.169.254/x' }",
    /leads to a link-local address/,
  ],
  ["a syslog server without port", "{ kind: syslog, url: 'udp://example.org' }", /must be udp:\/\/host:port/],
  ["a short key for signatures", "{ kind: webhook, url: 'https://example.org', secret: abc }", /secret must/],
  [
    "an unknown setting",
    "{ kind: mail, host: a, colour: red }",
    /unknown setting "notify.channels.x.colour"/,
  ],
];

for (const [name, yaml, problem] of CHANNELS) {
  Deno.test(`a channel is refused: ${name}`, async () => {
    const problems = await problemsOf({ local: `notify:\n  channels:\n    x: ${yaml}\n` });
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", problem);
  });
}

const POLICIES: [name: string, yaml: string, problem: RegExp][] = [
  ["a channel that is not there", "{ channels: [nobody] }", /names channel "nobody", which is not there/],
  ["an escalation to nobody", "{ escalate: ['30m nobody'] }", /escalate names channel "nobody"/],
  ["an escalation without time", "{ escalate: [hook] }", /must be steps such as "30m pager"/],
  ["quiet times that are none", "{ quiet: ['22-07'] }", /must be times such as/],
  ["hour 24 where a day begins", "{ quiet: ['24:00-07:00'] }", /must be times such as/],
  ["a zone there is not", "{ timezone: Europe/Atlantis }", /must be a time zone name/],
];

for (const [name, yaml, problem] of POLICIES) {
  Deno.test(`a policy is refused: ${name}`, async () => {
    const hook = "hook: { kind: webhook, url: 'https://example.org' }";
    const problems = await problemsOf({
      local: `notify:\n  channels:\n    ${hook}\n  policies:\n    x: ${yaml}\n`,
    });
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", problem);
  });
}

Deno.test("two channels may not both be called mail, and the digest goes to channels that are there", async () => {
  const problems = await problemsOf({
    local: `notify:
  mail: { host: mail.example.org }
  channels:
    mail: { kind: mail, host: other.example.org }
  digest: { daily: "07:00", channels: [nobody] }
`,
  });
  assert.equal(problems.length, 2, problems.join("\n"));
  assert.match(problems.join("\n"), /second channel mail/);
  assert.match(problems.join("\n"), /digest.channels names channel "nobody"/);
});
