/** Sessions and the audit log as people ask for them: since when, and what comes from now on. */
import type { Clock } from "../lib/clock.ts";
import { pastMoment } from "../lib/moment.ts";
import type { CloudConnexaClient } from "./client.ts";
import { collect } from "./paging.ts";
import type { AuditLog, DnsLogEntry, Session } from "./schemas/logs.ts";
import type { Tenants } from "./tenants.ts";

/** A time: `since` and `until` are instants, or durations back from now. */
export interface Span {
  tenant?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
}

/** What a followed log tells; `line` is for people. */
export interface LogEvent {
  type: "line";
  level: "info";
  text: string;
  session?: Session;
  entry?: AuditLog;
}

/** How long a day is, and how far back a follower looks again for what came late. */
const DAY_MS = 86_400_000;
const OVERLAP_MS = 300_000;
const HOUR_MS = 3_600_000;

export class Logs {
  readonly #tenants: Tenants;
  readonly #clock: Clock;

  constructor(tenants: Tenants, clock: Clock) {
    this.#tenants = tenants;
    this.#clock = clock;
  }

  async sessions(
    { tenant, status, ...span }: Span & { status?: string | undefined },
    signal: AbortSignal,
  ): Promise<Session[]> {
    const { client } = await this.#tenants.get(tenant);
    const { startDate, endDate } = this.#span(span);
    return await collect(client.connections.each({ startDate, endDate, status, signal }));
  }

  async audit(
    { tenant, initiator, ...span }: Span & { initiator?: string | undefined },
    signal: AbortSignal,
  ): Promise<AuditLog[]> {
    const { client } = await this.#tenants.get(tenant);
    const { startDate, endDate } = this.#span(span);
    const query = { startDate, endDate: endDate ?? this.#clock.now(), initiatorId: initiator, signal };
    return await collect(client.auditLogs.each(query));
  }

  /** The DNS log of the hours since then; the API gives at most two hours at once. */
  async dns({ tenant, ...span }: Span, signal: AbortSignal): Promise<DnsLogEntry[]> {
    const { client } = await this.#tenants.get(tenant);
    const { startDate, endDate = this.#clock.now() } = this.#span(span, HOUR_MS);
    const all: DnsLogEntry[] = [];
    for (let hour = startDate - startDate % HOUR_MS; hour < endDate; hour += 2 * HOUR_MS) {
      all.push(...await collect(client.dnsLog.each({ startHour: hour, hoursBack: 2, signal })));
    }
    return all.filter(({ time }) => typeof time !== "number" || time < endDate);
  }

  /** Sessions as they begin, change and end, from now on. */
  async *followSessions(
    tenant: string | undefined,
    everySeconds: number,
    signal: AbortSignal,
  ): AsyncGenerator<LogEvent> {
    const told = new Map<string, string>();
    const read = (client: CloudConnexaClient, startDate: number) =>
      client.connections.each({ startDate, signal });
    yield started("sessions", this.#clock.now());
    for await (const session of this.#poll(tenant, everySeconds, signal, read)) {
      const state = `${session.status} ${session.sessionEndTime}`;
      if (told.get(session.id) === state) continue;
      told.set(session.id, state);
      const who = session.userName ?? session.connectorName ?? session.hostName ?? session.networkName ?? "?";
      const at = session.sessionEndTime ?? session.sessionStartTime ?? "";
      const text = `${at}  ${session.status ?? ""}  ${who}  ${session.deviceName ?? ""}  ${
        session.region ?? ""
      }`;
      yield { type: "line", level: "info", text: text.trimEnd(), session };
    }
  }

  /** Lines of the audit log as they are written, from now on. */
  async *followAudit(
    tenant: string | undefined,
    everySeconds: number,
    signal: AbortSignal,
  ): AsyncGenerator<LogEvent> {
    const told = new Set<string>();
    const read = (client: CloudConnexaClient, startDate: number) =>
      client.auditLogs.each({ startDate, endDate: this.#clock.now() + 1000, signal });
    yield started("the audit log", this.#clock.now());
    for await (const entry of this.#poll(tenant, everySeconds, signal, read)) {
      if (told.has(entry.id)) continue;
      told.add(entry.id);
      const what = `${entry.operation ?? ""} ${entry.entityType ?? ""} ${
        entry.entityName ?? entry.entityId ?? ""
      }`;
      const who = entry.initiatorName ?? entry.initiatorEmail ?? entry.initiatorId ?? "?";
      yield { type: "line", level: "info", text: `${entry.timestamp ?? ""}  ${who}  ${what.trim()}`, entry };
    }
  }

  async *#poll<T>(
    tenant: string | undefined,
    everySeconds: number,
    signal: AbortSignal,
    read: (client: CloudConnexaClient, from: number) => AsyncIterable<T>,
  ): AsyncGenerator<T> {
    const { client } = await this.#tenants.get(tenant);
    const start = this.#clock.now();
    for (let before = start;;) {
      // From where the last question was asked, however long its answer took under strict limits.
      const from = Math.max(start, before - OVERLAP_MS);
      before = this.#clock.now();
      yield* read(client, from);
      await this.#clock.sleep(everySeconds * 1000, signal);
    }
  }

  #span(
    { since, until }: Omit<Span, "tenant">,
    back = DAY_MS,
  ): { startDate: number; endDate: number | undefined } {
    const now = this.#clock.now();
    return {
      startDate: since === undefined ? now - back : pastMoment(since, now, "since"),
      endDate: until === undefined ? undefined : pastMoment(until, now, "until"),
    };
  }
}

function started(what: string, now: number): LogEvent {
  return { type: "line", level: "info", text: `Following ${what} from ${new Date(now).toISOString()} on` };
}
