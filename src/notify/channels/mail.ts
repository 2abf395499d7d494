/**
 * Mail over SMTP, as plain text and HTML.
 *
 * `Message-ID` is the same for every attempt, so that mail programs show a repetition once; `References` hold the alert,
 * so that they show its messages as one thread. Certificates are always verified.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { isLoopbackAddress } from "../../lib/address.ts";
import { messageOf } from "../../lib/errors.ts";
import type { ChannelSettings } from "../config.ts";
import type { Message } from "../message.ts";
import { type Channel, type ChannelOptions, DeliveryError, needed, strike } from "./channel.ts";
import type { createTransport } from "./mail_transport.ts";
import { mailHtml } from "./mail_html.ts";

/** Port for TLS from the first byte (RFC 8314). */
const TLS_PORT = 465;
const SUBMISSION_PORT = 587;

export function mailChannel(options: ChannelOptions): Channel {
  const { name, settings } = options;
  const host = needed(options, "host", settings.host);
  return {
    name,
    kind: "mail",
    async send(message, signal) {
      const to = recipientsOf(settings, message);
      if (to.length === 0) {
        throw new DeliveryError(`Cannot deliver through channel "${name}": it has no recipients`, {
          refused: true,
        });
      }
      await post(name, host, settings, { ...letter(message, settings), to }, signal);
    },
  };
}

/** A mail that is no alert: a report somebody asked for. */
export interface Letter {
  to: readonly string[];
  subject: string;
  text: string;
  html?: string;
}

/** Sends a letter at once, past the outbox. Errors: `DeliveryError`. */
export async function sendLetter(
  options: ChannelOptions,
  letter: Letter,
  signal: AbortSignal,
): Promise<void> {
  const { name, settings, clock } = options;
  const { to, subject, ...content } = letter;
  const domain = domainOf(settings.sender);
  await post(name, needed(options, "host", settings.host), settings, {
    from: settings.sender ?? { name: "Holdfast", address: `holdfast@${domain}` },
    subject: `[Holdfast] ${subject}`,
    ...content,
    date: new Date(clock.now()),
    messageId: `<${crypto.randomUUID()}@${domain}>`,
    headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
    to: [...to],
  }, signal);
}

async function post(
  name: string,
  host: string,
  settings: ChannelSettings,
  mail: Parameters<ReturnType<typeof createTransport>["sendMail"]>[0],
  signal: AbortSignal,
): Promise<void> {
  const mailer = await import("./mail_transport.ts");
  const transport = mailer.createTransport({
    host,
    ...securityOf(settings, host),
    ...timeouts(settings.timeout_seconds * 1000),
    ...(settings.username === null
      ? {}
      : { auth: { user: settings.username, pass: settings.password ?? "" } }),
    tls: settings.ca_file === null ? {} : { ca: await readCa(name, settings.ca_file) },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    const sent = await transport.sendMail({ ...mail, signal });
    if (sent.rejected.length > 0) throw partly(name, settings, sent);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof DeliveryError ? error : failure(name, settings, error);
  } finally {
    transport.close();
  }
}

/** Those of the channel and the subjects' own, each once; after a partial success only who has not got it. */
function recipientsOf(settings: ChannelSettings, { recipients, remaining }: Message): string[] {
  if (remaining !== null) return [...remaining];
  const all = [...settings.recipients, ...recipients].map((address) => address.trim());
  return [...new Map(all.map((address) => [address.toLowerCase(), address])).values()];
}

/** How the connection is protected; nobody is between a program and its own host. */
function securityOf(
  { security, port, username }: ChannelSettings,
  host: string,
): { port: number; secure: boolean; requireTLS?: boolean; ignoreTLS?: boolean } {
  const local = isLoopbackAddress(host);
  const tls = security === "tls" || (security === "auto" && port === TLS_PORT);
  const way = { port: port ?? (tls ? TLS_PORT : SUBMISSION_PORT), secure: tls };
  if (tls) return way;
  if (security === "starttls") return { ...way, requireTLS: true };
  if (security === "none" || local) return { ...way, ignoreTLS: true };
  return { ...way, requireTLS: username !== null };
}

function timeouts(ms: number) {
  return { connectionTimeout: ms, greetingTimeout: ms, socketTimeout: ms, dnsTimeout: ms };
}

function letter(message: Message, settings: ChannelSettings) {
  const { title, text, key, items, at } = message;
  const domain = domainOf(settings.sender);
  const alerts = [...new Set(items.map((item) => item.alert))];
  return {
    from: settings.sender ?? { name: "Holdfast", address: `holdfast@${domain}` },
    subject: `[Holdfast] ${title}`,
    text: `${text}\n`,
    html: mailHtml(message),
    date: new Date(at),
    messageId: `<${digest(key)}@${domain}>`,
    ...(alerts.length === 1 ? { references: [`<${digest(`alert ${alerts[0]}`)}@${domain}>`] } : {}),
    headers: {
      "X-Holdfast-Key": key,
      // RFC 3834: no vacation notices, please.
      "Auto-Submitted": "auto-generated",
      "X-Auto-Response-Suppress": "All",
    },
  };
}

function domainOf(sender: string | null): string {
  const domain = /@([A-Za-z0-9.-]+)>?\s*$/.exec(sender ?? "")?.[1];
  return domain ?? (hostname() || "localhost");
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** Some recipients have it; the others are tried again, for as long as the server says that may help. */
function partly(
  name: string,
  settings: ChannelSettings,
  sent: { rejected: readonly string[]; rejectedErrors?: readonly unknown[] | undefined },
): DeliveryError {
  const reasons = (sent.rejectedErrors ?? []).map((error) => messageOf(error));
  return new DeliveryError(
    strike(
      `Cannot deliver through channel "${name}" to ${sent.rejected.join(", ")}: ${reasons.join("; ")}`,
      secretsOf(settings),
    ),
    { refused: (sent.rejectedErrors ?? []).every(isRefusal), remaining: sent.rejected },
  );
}

function failure(name: string, settings: ChannelSettings, error: unknown): DeliveryError {
  const inner = property(error, "rejectedErrors");
  const refused = Array.isArray(inner) && inner.length > 0 ? inner.every(isRefusal) : isRefusal(error);
  const reason = strike(messageOf(error), secretsOf(settings));
  return new DeliveryError(`Cannot deliver through channel "${name}": ${reason}`, { refused });
}

/** A 5xx is a no (RFC 5321, section 4.2.1); 4xx and everything on the way may pass. */
function isRefusal(error: unknown): boolean {
  const code = property(error, "responseCode");
  return typeof code === "number" && code >= 500;
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** The password as it goes over the wire, too: a server may repeat what it was sent. */
function secretsOf({ username, password }: ChannelSettings): (string | null)[] {
  if (password === null) return [];
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return [password, base64(password), base64(`\0${username ?? ""}\0${password}`)];
}

async function readCa(name: string, path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new DeliveryError(`Cannot open channel "${name}": ca_file "${path}": ${messageOf(error)}`, {
      refused: false,
    });
  }
}
