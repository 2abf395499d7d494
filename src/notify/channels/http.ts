/** Calls of channels that speak HTTP: guarded addresses, bounded answers, and errors that hold no secret. */
import { BlockList, isIPv6 } from "node:net";
import { isPublicAddress } from "../../lib/address.ts";
import { HoldfastError, messageOf } from "../../lib/errors.ts";
import { reasonOf, Upstream, type UpstreamAnswer, UpstreamError } from "../../lib/upstream.ts";
import type { ChannelSettings } from "../config.ts";
import { type ChannelOptions, DeliveryError, strike } from "./channel.ts";

/** Never a receiver of messages, whatever is allowed: here clouds keep credentials. */
const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet("169.254.0.0", 16, "ipv4");
LINK_LOCAL.addSubnet("fe80::", 10, "ipv6");
LINK_LOCAL.addAddress("fd00:ec2::254", "ipv6");
// 169.254.0.0/16 as IPv6 writes it: compatible, through NAT64, through 6to4.
LINK_LOCAL.addSubnet("::169.254.0.0", 112, "ipv6");
LINK_LOCAL.addSubnet("64:ff9b::169.254.0.0", 112, "ipv6");
LINK_LOCAL.addSubnet("2002:a9fe::", 32, "ipv6");

/** Judges the address a channel's name resolves to. */
export function addressGuard(allowPrivate: boolean): (address: string) => boolean {
  return (address) => {
    // Which way a link-local address is reached by says nothing about what it is.
    const bare = address.replace(/%.*$/, "");
    return !LINK_LOCAL.check(bare, isIPv6(bare) ? "ipv6" : "ipv4") && (allowPrivate || isPublicAddress(bare));
  };
}

/** Who calls, and what its calls may do. */
export type Caller = Pick<ChannelOptions, "name" | "clock"> & {
  settings: Pick<ChannelSettings, "timeout_seconds" | "allow_private_addresses" | "ca_file">;
};

/** One call. */
export interface Call {
  url: string;
  method?: "GET" | "POST";
  json?: unknown;
  headers?: Record<string, string>;
  /** What must show in no error, besides the address's own path. */
  secrets?: readonly (string | null)[];
  signal: AbortSignal;
}

/** Answers are a word or a small record. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Sends a call once; answers 2xx. Errors: `DeliveryError`. */
export async function call(options: Caller, request: Call): Promise<UpstreamAnswer> {
  const { name, settings } = options;
  const who = `channel "${name}"`;
  const url = new URL(request.url);
  // The last part of the path stays relative, because a colon in it would be taken for a scheme.
  const [, directory = "/", file = ""] = /^(.*\/)([^/]*)$/.exec(url.pathname) ?? [];
  await using upstream = new Upstream({
    name: who,
    baseUrl: url.origin + directory,
    clock: options.clock,
    retries: 0,
    timeoutMs: settings.timeout_seconds * 1000,
    maxAnswerBytes: MAX_ANSWER_BYTES,
    trust: {
      allowAddress: addressGuard(settings.allow_private_addresses),
      ...(settings.ca_file === null ? {} : { ca: await readCa(who, settings.ca_file) }),
    },
  });
  try {
    return await upstream.request({
      method: request.method ?? "POST",
      path: `./${file}${url.search}`,
      ...(request.json === undefined ? {} : { json: request.json }),
      headers: { "user-agent": "holdfast", ...request.headers },
      signal: request.signal,
    });
  } catch (error) {
    request.signal.throwIfAborted();
    if (!(error instanceof UpstreamError)) throw error;
    throw deliveryError(who, error, [...(request.secrets ?? []), url.pathname + url.search, url.pathname]);
  }
}

const MAY_PASS = new Set([408, 425, 429]);

/** Without the cause, and without the path: both may be secrets. */
function deliveryError(
  who: string,
  error: UpstreamError,
  secrets: readonly (string | null)[],
): DeliveryError {
  const status = error.upstreamStatus;
  if (status === null || status < 300) {
    const reason = error.code === "timeout" ? "no answer in time" : messageOf(deepest(error));
    return new DeliveryError(strike(`Cannot reach ${who}: ${reason}`, secrets), {
      refused: error.code === "address_refused",
    });
  }
  const said = descriptionOf(error.body) ?? reasonOf(error.body) ??
    (status < 400 ? "a redirect, which is not followed" : undefined);
  return new DeliveryError(
    strike(
      `Cannot deliver through ${who}: it answered ${status}${said === undefined ? "" : `: ${said}`}`,
      secrets,
    ),
    { refused: status < 500 && !MAY_PASS.has(status), wait: waitOf(error) },
  );
}

function deepest(error: unknown): unknown {
  if (error instanceof HoldfastError && !(error instanceof UpstreamError)) return error;
  return error instanceof Error && error.cause !== undefined ? deepest(error.cause) : error;
}

/** What Telegram says, in its own place. */
function descriptionOf(body: string): string | undefined {
  const said = recordOf(body)?.description;
  return typeof said === "string" && said !== "" ? said : undefined;
}

/** Some services say how long to wait in the answer: Discord `retry_after`, Telegram `parameters.retry_after`. */
function waitOf(error: UpstreamError): number | undefined {
  if (error.waitSeconds !== undefined) return error.waitSeconds;
  const body = recordOf(error.body);
  const inner = body?.parameters;
  const wait = typeof inner === "object" && inner !== null
    ? Reflect.get(inner, "retry_after")
    : body?.retry_after;
  return typeof wait === "number" && wait >= 0 ? wait : undefined;
}

/** The record an answer is; undefined when it is none. */
export function recordOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** A call that was answered with a success that is none: a proxy's page, or a word of another program. */
export function junk(
  { name }: ChannelOptions,
  answer: UpstreamAnswer,
  secrets: readonly (string | null)[],
): DeliveryError {
  const said = reasonOf(answer.text) ?? "something else";
  return new DeliveryError(
    strike(`Cannot deliver through channel "${name}": it answered ${answer.status} with ${said}`, secrets),
    { refused: false },
  );
}

async function readCa(who: string, path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new DeliveryError(`Cannot open ${who}: ca_file "${path}": ${messageOf(error)}`, { refused: false });
  }
}
