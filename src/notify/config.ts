/** Settings of who is told what, when and how: section `notify`. */
import { z } from "zod";

const Severity = z.enum(["info", "warning", "critical"]);
const Language = z.enum(["en", "fr"]);

/** How a channel speaks. */
export const CHANNEL_KINDS = [
  "mail",
  "webhook",
  "slack",
  "teams",
  "discord",
  "telegram",
  "ntfy",
  "gotify",
  "pagerduty",
  "syslog",
  "command",
] as const;
export type ChannelKind = typeof CHANNEL_KINDS[number];

const Seconds = z.number().min(0).max(31_536_000);
const Name = z.string().regex(
  /^[a-z0-9]+(-[a-z0-9]+)*$/,
  "must be names of lower-case letters, digits and hyphens",
);

/** Settings every channel has. */
const common = {
  enabled: z.boolean().default(true).meta({ description: "Send anything through it" }),
  min_severity: Severity.default("info").meta({ description: "Least severe alerts it is told" }),
  language: Language.nullable().default(null).meta({
    description: "Language of its messages; null is notify.language",
  }),
  timeout_seconds: z.number().min(0.05).max(600).default(20).meta({
    description: "How long one delivery may take",
  }),
};

/** Settings of sending mail. */
const smtp = (known: boolean) => {
  const mail = (text: string) => known ? text[0]!.toUpperCase() + text.slice(1) : `Mail: ${text}`;
  const aliases = (...names: string[]) => known ? { aliases: names } : {};
  return {
    host: z.string().min(1).nullable().default(null).meta({
      description: mail("SMTP server"),
      ...aliases("SMTP_HOST", "EMAIL_HOST"),
    }),
    port: z.int().min(1).max(65_535).nullable().default(null).meta({
      description: mail("port of the server; null is 465 with security tls, else 587"),
      ...aliases("SMTP_PORT", "EMAIL_PORT"),
    }),
    security: z.enum(["auto", "none", "starttls", "tls"]).default("auto").meta({
      description: mail(
        "auto is tls on port 465, else STARTTLS where the server offers it; with a password another host must",
      ),
    }),
    username: z.string().min(1).nullable().default(null).meta({
      description: mail("user name at the server"),
      ...aliases("SMTP_USER", "SMTP_USERNAME", "EMAIL_USERNAME"),
    }),
    password: z.string().min(1).nullable().default(null).meta({
      description: mail("password at the server"),
      secret: true,
      ...aliases("SMTP_PASSWORD", "EMAIL_PASSWORD"),
    }),
    sender: z.string().min(1).nullable().default(null).meta({
      description: mail("sender; null is holdfast at this host"),
      ...aliases("SMTP_FROM", "EMAIL_SENDER"),
    }),
    recipients: z.array(z.string().min(3)).default([]).meta({
      description: mail("recipients of every message, besides those a subject has of its own"),
      ...aliases("SMTP_TO", "ADMIN_EMAIL_RECIPIENT"),
    }),
  };
};

const ca = {
  ca_file: z.string().min(1).nullable().default(null).meta({
    description: "Certificate authorities (PEM) to believe instead of the system's",
    path: true,
  }),
};

/** The channel `mail`, which exists when it has a host; further ones are in `channels`. */
export const MailSettings = z.strictObject({ ...smtp(true), ...ca, ...common });

/** One channel of any kind; a kind refuses settings it does not use. */
export const ChannelSettings = z.strictObject({
  kind: z.enum(CHANNEL_KINDS).meta({ description: "How it speaks" }),
  ...common,
  url: z.string().min(1).nullable().default(null).meta({
    description: "Address to send to; for syslog udp://host:514, tcp://host:601 or unix:///dev/log",
    secret: true,
  }),
  allow_private_addresses: z.boolean().default(false).meta({
    description: "Let the address lead into private networks; link-local addresses stay forbidden",
  }),
  ...ca,
  secret: z.string().min(8).nullable().default(null).meta({
    description: "Web hook: key that signs each call (HMAC-SHA256)",
    secret: true,
  }),
  template: z.string().min(2).nullable().default(null).meta({
    description:
      'Web hook: JSON to send, with places such as {title}: {"text": "{title}", "all": "{message}"}',
  }),
  token: z.string().min(1).nullable().default(null).meta({
    description:
      "Bot token (telegram), access token (ntfy, web hook), application token (gotify) or routing key (pagerduty)",
    secret: true,
  }),
  chat_id: z.string().min(1).nullable().default(null).meta({ description: "Telegram: chat to write to" }),
  topic: z.string().min(1).nullable().default(null).meta({ description: "ntfy: topic to publish to" }),
  command: z.array(z.string()).default([]).meta({
    description:
      "Command: program and arguments, run without a shell; needs backups.allow_commands. The message is on its standard input as JSON",
  }),
  ...smtp(false),
}).superRefine((channel, context) => {
  const { needs, takes = [] } = FIELDS[channel.kind];
  const refuse = (field: string, message: string) =>
    context.addIssue({ code: "custom", path: [field], message });
  for (const field of OWN) {
    const value = channel[field];
    const given = Array.isArray(value) ? value.length > 0 : value !== null && value !== UNSET[field];
    if (needs.includes(field) && !given) refuse(field, `must be set for kind ${channel.kind}`);
    if (!needs.includes(field) && !takes.includes(field) && given) {
      refuse(field, `is not used by kind ${channel.kind}`);
    }
  }
  const problem = channel.url === null ? undefined : urlProblem(channel.kind, channel.url);
  if (problem !== undefined) refuse("url", problem);
});
export type ChannelSettings = z.output<typeof ChannelSettings>;

/** Settings that only some kinds use. */
const OWN = [
  "url",
  "allow_private_addresses",
  "ca_file",
  "secret",
  "template",
  "token",
  "chat_id",
  "topic",
  "command",
  "host",
  "port",
  "security",
  "username",
  "password",
  "sender",
  "recipients",
] as const;
type Own = typeof OWN[number];

const UNSET: Partial<Record<Own, unknown>> = { allow_private_addresses: false, security: "auto" };
const WEB: readonly Own[] = ["allow_private_addresses", "ca_file"];

/** What each kind needs and what it takes besides. */
const FIELDS: Record<ChannelKind, { needs: readonly Own[]; takes?: readonly Own[] }> = {
  mail: {
    needs: ["host"],
    takes: ["port", "security", "username", "password", "sender", "recipients", "ca_file"],
  },
  webhook: { needs: ["url"], takes: ["secret", "template", "token", ...WEB] },
  slack: { needs: ["url"], takes: WEB },
  teams: { needs: ["url"], takes: WEB },
  discord: { needs: ["url"], takes: WEB },
  telegram: { needs: ["token", "chat_id"], takes: ["url", ...WEB] },
  ntfy: { needs: ["url", "topic"], takes: ["token", ...WEB] },
  gotify: { needs: ["url", "token"], takes: WEB },
  pagerduty: { needs: ["token"], takes: ["url", ...WEB] },
  syslog: { needs: ["url"] },
  command: { needs: ["command"] },
};

function urlProblem(kind: ChannelKind, text: string): string | undefined {
  if (kind === "syslog") {
    return /^((udp|tcp):\/\/(\[[0-9a-fA-F:.]+\]|[^\s/:[\]]+):\d{1,5}|unix:\/\/\/\S+)$/.test(text)
      ? undefined
      : "must be udp://host:port, tcp://host:port or unix:///path";
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return "must be an http or https address";
  if (url.username !== "" || url.password !== "") return "must not hold a user name or password";
  return /^(169\.254\.|\[fe[89ab])/i.test(url.hostname)
    ? "leads to a link-local address, where clouds keep credentials"
    : undefined;
}

const Clock = "([01]\\d|2[0-3]):[0-5]\\d";
const Day = "(mon|tue|wed|thu|fri|sat|sun)";
const QUIET = new RegExp(`^(${Day}(,${Day})* )?${Clock}-(${Clock}|24:00)$`);
const STEP = /^\d+(s|m|h|d|w) [a-z0-9]+(-[a-z0-9]+)*$/;

const Zone = z.string().refine(isTimeZone, "must be a time zone name such as Europe/Paris or UTC");

/** One policy: whom it is for, and when who is told. */
export const PolicySettings = z.strictObject({
  subjects: z.array(z.string().min(1)).default(["*"]).meta({
    description:
      "Names of what it is for, with * for any characters; the first by name that fits counts, default last",
  }),
  min_severity: Severity.default("info").meta({ description: "Least severe alerts that are told" }),
  channels: z.array(Name).default([]).meta({ description: "Channels that are told; empty is all" }),
  after_failures: z.int().min(1).max(1000).default(1).meta({
    description: "How often in a row something must fail before anybody is told",
  }),
  repeat_seconds: Seconds.default(0).meta({
    description: "How often to remind of what is neither mended nor acknowledged; 0 never does",
  }),
  escalate: z.array(z.string().regex(STEP, 'must be steps such as "30m pager"')).default([]).meta({
    description:
      'Who else is told of what stays open that long after the first message: ["30m pager", "4h boss"]',
  }),
  quiet: z.array(z.string().regex(QUIET, 'must be times such as "22:00-07:00" or "sat,sun 00:00-24:00"'))
    .default([]).meta({
      description:
        'When messages wait, to arrive together at the end: ["22:00-07:00", "sat,sun 00:00-24:00"]',
    }),
  quiet_up_to: Severity.default("warning").meta({ description: "Most severe alerts that wait" }),
  timezone: Zone.nullable().default(null).meta({
    description: "Time zone of the quiet times; null is notify.timezone",
  }),
  group_seconds: Seconds.default(0).meta({
    description: "How long to collect what changes into one message; 0 sends each alone",
  }),
  recovered: z.boolean().default(true).meta({ description: "Tell when it is well again" }),
});
export type PolicySettings = z.output<typeof PolicySettings>;

export const NotifyConfig = z.strictObject({
  language: Language.default("en").meta({ description: "Language of messages" }),
  timezone: Zone.default("UTC").meta({ description: "Time zone of instants in messages, and of the digest" }),
  instance: z.string().min(1).max(100).nullable().default(null).meta({
    description: "What this installation is called in messages; null is the name of the host",
  }),
  mail: MailSettings.prefault({}).meta({
    description: "The channel mail, which is there when it has a host",
  }),
  channels: z.record(z.string(), ChannelSettings).default({}),
  policies: z.record(z.string(), PolicySettings).default({}),
  give_up_after_seconds: z.int().min(60).max(31_536_000).default(259_200).meta({
    description: "How long delivery is tried before a message goes to the dead letters",
  }),
  dead_channel_after_seconds: z.int().min(1).max(604_800).default(900).meta({
    description: "How long a channel may fail before the others are told of it",
  }),
  digest: z.strictObject({
    daily: z.string().regex(new RegExp(`^${Clock}$`), "must be a time such as 07:00").nullable().default(null)
      .meta({ description: "Time of a daily digest" }),
    weekly: z.string().regex(new RegExp(`^${Day} ${Clock}$`), 'must be a day and time such as "mon 07:00"')
      .nullable().default(null).meta({ description: "Day and time of a weekly digest" }),
    channels: z.array(Name).default([]).meta({
      description: "Channels it goes to; empty is all that can show it",
    }),
  }).prefault({}).meta({ description: "What is open and what changed, at fixed times" }),
  heartbeat: z.strictObject({
    url: z.url({ protocol: /^https?$/, error: "must be an http or https address" }).nullable().default(null)
      .meta({
        description:
          "Address that is called while Holdfast is well, so that its own death is noticed elsewhere",
        secret: true,
      }),
    method: z.enum(["GET", "POST"]).default("GET").meta({ description: "How it is called" }),
    every_seconds: z.int().min(60).max(86_400).default(60).meta({ description: "How often it is called" }),
    allow_private_addresses: z.boolean().default(false).meta({
      description: "Let the address lead into private networks",
    }),
  }).prefault({}).meta({ description: "Signs of life to somebody who misses them" }),
}).superRefine((notify, context) => {
  const known = new Set(Object.keys(notify.channels));
  if (notify.mail.host !== null) known.add("mail");
  const check = (names: readonly string[], ...path: string[]) => {
    for (const name of names) {
      if (!known.has(name)) {
        context.addIssue({ code: "custom", path, message: `names channel "${name}", which is not there` });
      }
    }
  };
  if (notify.mail.host !== null && notify.channels.mail !== undefined) {
    context.addIssue({
      code: "custom",
      path: ["channels", "mail", "kind"],
      message: "makes a second channel mail beside notify.mail: give it another name",
    });
  }
  check(notify.digest.channels, "digest", "channels");
  for (const [name, policy] of Object.entries(notify.policies)) {
    check(policy.channels, "policies", name, "channels");
    check(policy.escalate.map((step) => step.split(" ")[1]!), "policies", name, "escalate");
  }
});
export type NotifyConfig = z.output<typeof NotifyConfig>;

function isTimeZone(name: string): boolean {
  // The first use of Intl loads its tables, which nearly every start can do without.
  if (name === "UTC") return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return !/^[+-]/.test(name);
  } catch {
    return false;
  }
}
