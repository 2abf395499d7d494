/** From events to a message in one language: what every channel puts into its own form. */
import { z } from "zod";
import { formatDuration } from "../lib/duration.ts";
import { formatSize } from "../lib/size.ts";
import { type Language, LANGUAGES, SEVERITIES, type Severity, type Subject, type Text } from "./event.ts";
import { codeWord, factLabel, FRAME, inLanguage, severityWord } from "./words.ts";

/** What a message is about. */
export const MESSAGE_KINDS = [
  "finding",
  "recovered",
  "reminder",
  "escalation",
  "notice",
  "digest",
  "test",
] as const;
export type MessageKind = typeof MESSAGE_KINDS[number];

const TextSchema = z.union([z.string(), z.record(z.enum(LANGUAGES), z.string())]);

/** A part of a digest: a heading and rows of two texts. */
export const DigestSection = z.object({
  heading: TextSchema,
  rows: z.array(z.object({ name: TextSchema, text: TextSchema })),
});
export type DigestSection = z.output<typeof DigestSection>;

/** One thing told in a message, as it is stored with its event. */
export const Item = z.object({
  key: z.string(),
  kind: z.enum(MESSAGE_KINDS),
  alert: z.string(),
  code: z.string(),
  severity: z.enum(SEVERITIES),
  subject: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
  /** Instant of the change, ISO 8601. */
  at: z.string(),
  /** When the alert was opened, for what comes later. */
  since: z.string().nullable(),
  /** Findings in a row. */
  failures: z.int(),
  detail: TextSchema.nullable(),
  /** Who ended it, for what did not end by itself. */
  by: z.string().optional(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  sections: z.array(DigestSection),
});
export type Item = z.output<typeof Item>;

/** One part of a message: an alert, or a section of a digest. */
export interface Section {
  heading: string;
  detail: string | null;
  rows: readonly (readonly [label: string, text: string])[];
}

/** A message, ready for any channel. */
export interface Message {
  /** Stable key of this delivery: the receiver can tell a repetition by it. */
  key: string;
  kind: MessageKind;
  severity: Severity;
  /** One line without line breaks, without the name of the program. */
  title: string;
  sections: readonly Section[];
  /** All of it as plain text, without the title. */
  text: string;
  items: readonly Item[];
  /** Instant of the newest change. */
  at: string;
  language: Language;
  instance: string;
  /** Mail addresses of the subjects' own. */
  recipients: readonly string[];
  /** After a partial success the only addresses to write to; null is all. */
  remaining: readonly string[] | null;
}

/** How and for whom a message is written. */
export interface Style {
  key: string;
  language: Language;
  /** Zone in which instants are shown. */
  timezone: string;
  instance: string;
  recipients: readonly string[];
  remaining: readonly string[] | null;
}

/** Writes a message of one or more items. */
export function compose(items: readonly [Item, ...Item[]], style: Style): Message {
  const { language, instance } = style;
  const [first] = items;
  const sections = items.flatMap((item) =>
    item.sections.length > 0
      ? item.sections.map((section) => digestSection(section, language))
      : [sectionOf(item, style)]
  );
  const severity = items.map((item) => item.severity).reduce(worse);
  const title = items.length === 1
    ? headingOf(first, language)
    : `${items.length} ${FRAME.changes[language]}: ${namesOf(items)}`;
  return {
    key: style.key,
    kind: first.kind,
    severity,
    title: oneLine(title),
    sections,
    text: plainText(sections, `${FRAME.instance[language]} ${instance}`),
    items,
    at: items.map((item) => item.at).reduce((a, b) => a > b ? a : b),
    language,
    instance,
    recipients: style.recipients,
    remaining: style.remaining,
  };
}

/** The item of a test message. */
export function testItem(key: string, at: string, channel: string): Item {
  return {
    key,
    kind: "test",
    alert: `notify:test:${channel}`,
    code: "test",
    severity: "info",
    subject: { kind: "channel", id: channel, name: channel } satisfies Subject,
    at,
    since: null,
    failures: 0,
    detail: FRAME.test_detail,
    facts: { channel },
    sections: [],
  };
}

function worse(a: Severity, b: Severity): Severity {
  return SEVERITIES.indexOf(a) >= SEVERITIES.indexOf(b) ? a : b;
}

const NAMES_SHOWN = 3;

function namesOf(items: readonly Item[]): string {
  const names = [...new Set(items.map((item) => item.subject.name))];
  const more = names.length > NAMES_SHOWN ? ", ..." : "";
  return names.slice(0, NAMES_SHOWN).join(", ") + more;
}

function headingOf({ kind, code, subject, by }: Item, language: Language): string {
  const word = codeWord(code, language);
  switch (kind) {
    case "test":
      return FRAME.test_title[language];
    case "digest":
      return subject.id === "weekly" ? FRAME.digest_weekly[language] : FRAME.digest_daily[language];
    case "recovered":
      return `${FRAME[by === undefined ? "recovered" : "resolved"][language].toUpperCase()}: ${subject.name}`;
    case "reminder":
      return `${`${FRAME.still[language]} ${word}`.toUpperCase()}: ${subject.name}`;
    case "escalation":
      return `${`${FRAME.still[language]} ${word}`.toUpperCase()} (${
        FRAME.escalated[language]
      }): ${subject.name}`;
    case "finding":
    case "notice":
      return `${word.toUpperCase()}: ${subject.name}`;
  }
}

function sectionOf(item: Item, style: Style): Section {
  const { language, timezone } = style;
  const rows: [string, string][] = [];
  if (item.kind !== "test") {
    rows.push([FRAME.severity[language], severityWord(item.severity, language)]);
    if (item.kind === "recovered") rows.push([FRAME.was[language], codeWord(item.code, language)]);
    if (item.by !== undefined) rows.push([FRAME.by[language], oneLine(item.by)]);
    rows.push([FRAME.at[language], formatInstant(item.at, timezone)]);
    if (item.since !== null && item.since !== item.at) {
      rows.push([FRAME.since[language], formatInstant(item.since, timezone)]);
    }
    if (item.failures > 1) rows.push([FRAME.failures[language], String(item.failures)]);
  }
  for (const [name, value] of Object.entries(item.facts)) {
    if (value !== null) rows.push([factLabel(name, language), oneLine(factText(name, value, timezone))]);
  }
  return {
    heading: oneLine(headingOf(item, language)),
    detail: item.detail === null ? null : oneLine(inLanguage(item.detail, language)),
    rows,
  };
}

function digestSection({ heading, rows }: DigestSection, language: Language): Section {
  const text = (value: Text) => oneLine(inLanguage(value, language));
  return { heading: text(heading), detail: null, rows: rows.map((row) => [text(row.name), text(row.text)]) };
}

function factText(name: string, value: string | number | boolean, timezone: string): string {
  if (typeof value === "number" && name.endsWith("_bytes")) return formatSize(value);
  if (typeof value === "number" && name.endsWith("_seconds")) return formatDuration(value);
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) {
    return formatInstant(value, timezone);
  }
  return String(value);
}

/** An instant as clocks of a zone show it: `2026-01-05 07:00 Europe/Paris`. */
export function formatInstant(instant: string, timezone: string): string {
  const local = Temporal.Instant.from(instant).toZonedDateTimeISO(timezone);
  return `${local.toPlainDate()} ${local.toPlainTime().toString({ smallestUnit: "minute" })} ${timezone}`;
}

function plainText(sections: readonly Section[], end: string): string {
  const blocks = sections.map(({ heading, detail, rows }) =>
    [
      heading,
      ...(detail === null ? [] : [detail]),
      ...rows.map(([label, text]) => `  ${label}: ${text}`),
    ].join("\n")
  );
  return [...blocks, end].join("\n\n");
}

/** Names and sentences come from files and other hosts: none may begin a line or a header of its own. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ").trim();
}
