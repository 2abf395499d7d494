/**
 * A web hook: the message as JSON, or as the JSON of a template, signed.
 *
 * With a secret the header `X-Holdfast-Signature: t=SECONDS,v1=HEX` holds the HMAC-SHA256 of `SECONDS.BODY`; a receiver
 * recomputes it, and refuses what is older than a few minutes. `Idempotency-Key` is the same for every attempt.
 */
import { createHmac } from "node:crypto";
import { HoldfastError } from "../../lib/errors.ts";
import type { Message } from "../message.ts";
import { inLanguage } from "../words.ts";
import { type Channel, type ChannelOptions, needed } from "./channel.ts";
import { call } from "./http.ts";

export function webhookChannel(options: ChannelOptions): Channel {
  const { name, settings, clock } = options;
  const url = needed(options, "url", settings.url);
  const template = settings.template === null ? undefined : parseTemplate(name, settings.template);
  return {
    name,
    kind: "webhook",
    async send(message, signal) {
      const json = template === undefined ? messageRecord(message) : fill(template, placesOf(message));
      const headers: Record<string, string> = { "idempotency-key": headerText(message.key) };
      if (settings.token !== null) headers.authorization = `Bearer ${settings.token}`;
      if (settings.secret !== null) {
        const seconds = Math.floor(clock.now() / 1000);
        headers["x-holdfast-signature"] = signature(settings.secret, seconds, JSON.stringify(json));
      }
      await call(options, { url, json, headers, secrets: [settings.token, settings.secret], signal });
    },
  };
}

/** The value of the signature's header. */
export function signature(secret: string, seconds: number, body: string): string {
  return `t=${seconds},v1=${createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")}`;
}

/** A message as a record: what web hooks and commands are given. */
export function messageRecord(message: Message): Record<string, unknown> {
  const { key, kind, severity, title, text, at, language, instance, items } = message;
  return {
    key,
    kind,
    severity,
    title,
    text,
    at,
    language,
    instance,
    events: items.map(({ sections: _, ...item }) => ({
      ...item,
      detail: item.detail === null ? null : inLanguage(item.detail, language),
    })),
  };
}

/** What a header may hold. */
function headerText(text: string): string {
  return text.toWellFormed().replaceAll(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character));
}

function parseTemplate(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HoldfastError("invalid", `Cannot open channel "${name}": its template is not JSON`);
  }
}

/** Values for the places of a template; facts by their names, unless that is taken. */
function placesOf(message: Message): Record<string, string> {
  const [first] = message.items;
  const { key, kind, severity, title, text, at, instance } = message;
  const facts = Object.entries(first?.facts ?? {}).map(([name, value]) => [name, String(value ?? "")]);
  return {
    ...Object.fromEntries(facts),
    ...{ key, kind, severity, title, message: text, at, instance },
    alert: first?.alert ?? "",
    code: first?.code ?? "",
    subject: first?.subject.name ?? "",
    detail: message.sections[0]?.detail ?? "",
  };
}

function fill(template: unknown, places: Record<string, string>): unknown {
  if (typeof template === "string") {
    return template.replaceAll(/\{([a-z_]+)\}/g, (_, name: string) => places[name] ?? "");
  }
  if (Array.isArray(template)) return template.map((item) => fill(item, places));
  if (typeof template !== "object" || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, item]) => [key, fill(item, places)]));
}
