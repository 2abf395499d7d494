/** What a channel is: one way to a person or a machine. Each kind is a file of its own beside this one. */
import type { Clock } from "../../lib/clock.ts";
import { HoldfastError } from "../../lib/errors.ts";
import type { ChannelKind, ChannelSettings } from "../config.ts";
import type { Message } from "../message.ts";

/** One configured channel. */
export interface Channel {
  readonly name: string;
  readonly kind: ChannelKind;
  /**
   * Delivers a message; resolves when the receiver has taken it. The signal aborts when time is up or the program stops.
   * Errors: `DeliveryError`, whose message holds no secret.
   */
  send(message: Message, signal: AbortSignal): Promise<void>;
}

/** What a channel is made of. */
export interface ChannelOptions {
  name: string;
  settings: ChannelSettings;
  clock: Clock;
  /** Commands may be run: `backups.allow_commands`. */
  allowCommands: boolean;
}

/** What a kind can show. */
export interface Traits {
  /** Several alerts in one message; else each is sent alone. */
  groups: boolean;
  /** A digest. */
  digests: boolean;
}

export const TRAITS: Readonly<Record<ChannelKind, Traits>> = {
  mail: { groups: true, digests: true },
  webhook: { groups: true, digests: true },
  slack: { groups: true, digests: true },
  teams: { groups: true, digests: true },
  discord: { groups: true, digests: true },
  telegram: { groups: true, digests: true },
  ntfy: { groups: true, digests: true },
  gotify: { groups: true, digests: true },
  // An incident is one alert, and a line of a log is read by programs.
  pagerduty: { groups: false, digests: false },
  syslog: { groups: false, digests: false },
  command: { groups: true, digests: true },
};

/** A delivery that did not work. */
export class DeliveryError extends HoldfastError {
  override readonly name = "DeliveryError";
  /** True when the receiver said no: the same message will most likely be refused again. */
  readonly refused: boolean;
  /** Mail addresses that have not got it, when others have; then only these are tried again. */
  readonly remaining: readonly string[] | undefined;

  constructor(
    message: string,
    { refused, wait, remaining }: {
      refused: boolean;
      wait?: number | undefined;
      remaining?: readonly string[];
    },
  ) {
    super("upstream", message, {
      code: refused ? "delivery_refused" : "delivery_failed",
      ...(wait === undefined ? {} : { retry_after_seconds: wait }),
    });
    this.refused = refused;
    this.remaining = remaining;
  }
}

/** A text without these secrets; the errors of libraries and the answers of servers may repeat them. */
export function strike(text: string, secrets: readonly (string | null)[]): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret !== null && secret.length >= 4) clean = clean.replaceAll(secret, "***");
  }
  return clean;
}

/** A text of at most `length` characters, its end marked when it was longer. */
export function shorten(text: string, length: number): string {
  const characters = [...text.slice(0, length * 2)];
  if (characters.length <= length && text.length <= length * 2) return text;
  return `${characters.slice(0, length - 3).join("")}...`;
}

/** A setting the kind needs; the configuration was refused without it. */
export function needed<T>({ name }: ChannelOptions, field: string, value: T | null): T {
  if (value !== null) return value;
  throw new HoldfastError("invalid", `Cannot open channel "${name}": ${field} is not set`);
}
