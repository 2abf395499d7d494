/** What other slices tell: a change somebody may have to hear of. */
import type { Transaction } from "kysely";

/** How bad it is, in rising order. */
export const SEVERITIES = ["info", "warning", "critical"] as const;
export type Severity = typeof SEVERITIES[number];

/** Languages messages are written in. */
export const LANGUAGES = ["en", "fr"] as const;
export type Language = typeof LANGUAGES[number];

/** A sentence, in one language or in each. */
export type Text = string | Readonly<Record<Language, string>>;

/** What an alert is about. */
export interface Subject {
  /** `job`, `schedule`, `channel`, `router`. */
  kind: string;
  id: string;
  /** As people call it; policies match it (`shop`, `ACME/PARIS/shop`). */
  name: string;
}

/** One change, told inside the transaction that makes it. */
export interface AlertEvent {
  /**
   * Names this one change for ever: `entry:812:missing`, `finding:81:recovered`. Telling a key again does nothing, so
   * whoever judges twice alerts once.
   */
  key: string;
  /**
   * `finding` opens the alert, or says it happened again (another due instant failed); `recovered` closes it;
   * `acknowledged` ends reminders and escalation until it closes, or until `until`; `notice` is told once and
   * opens nothing.
   */
  kind: "finding" | "recovered" | "acknowledged" | "notice";
  /**
   * What stays open from the first finding to the recovery: `job:12`, `finding:81`. Messages of one alert reach a
   * channel in order, and services that know incidents (PagerDuty) are told this as the incident's key.
   */
  alert: string;
  /**
   * What is wrong, as a word: `missing`, `failed`, `hash_mismatch`. `words.ts` knows the usual ones in both languages,
   * any other is shown as it is. A finding of another code, or a worse severity, on an open alert is told again.
   */
  code: string;
  severity: Severity;
  subject: Subject;
  /** What happened, in a sentence without full stop. */
  detail?: Text;
  /** Shown as a table: `{database: "shop", agent: "ACME_PARIS_NORTH"}`; keys are snake_case, nulls are left out. */
  facts?: Readonly<Record<string, string | number | boolean | null>>;
  /** Mail addresses of this subject's own; mail channels write to them besides their own recipients. */
  recipients?: readonly string[];
  /** With `recovered`: who says that it is over. Absent where that was seen. */
  by?: string;
  /** Names of channels that are told instead of those of the policy. */
  channels?: readonly string[];
  /** Name of the policy that counts, instead of the first one that matches the subject. */
  policy?: string;
  /**
   * Instant (ISO 8601). With `acknowledged`: from which on it is reminded of again. With `finding`: before which nothing
   * is told of it; the reminder that comes then tells what this says.
   */
  until?: string;
}

/** What takes events; the service `Notify` does, and a list in tests. */
export interface AlertSink {
  /**
   * Writes the event and what has to be sent into the caller's transaction: both are there after its commit or
   * neither. Delivery starts by itself soon after. Errors: those of the database.
   */
  enqueue(tx: Transaction<unknown>, event: AlertEvent): Promise<void>;
}
