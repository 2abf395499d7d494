/** The digest: what is open and what recovered, at fixed times of the wall clock. */
import { type Clock, iso } from "../lib/clock.ts";
import type { NotifyConfig } from "./config.ts";
import type { Severity } from "./event.ts";
import { type DigestSection, formatInstant, type Item } from "./message.ts";
import { type AlertState, isAtLeast } from "./policy.ts";
import { addEvent, markOf, openAlerts, recoveredAlerts, setMark } from "./queries/alerts.ts";
import { channelRows } from "./queries/channels.ts";
import type { Db } from "./queries/tables.ts";
import { nextDigest } from "./quiet.ts";
import type { Teller } from "./teller.ts";
import { codeWord, FRAME } from "./words.ts";

/** Adds sections to the digest; each slice may bring its own. */
export type DigestSource = (since: string) => Promise<readonly DigestSection[]>;

/** Lines in one section. */
const MAX_LINES = 50;

type Period = "daily" | "weekly";

/** Makes digests. */
export class Digests {
  readonly #clock: Clock;
  readonly #settings: Pick<NotifyConfig, "digest" | "timezone">;
  readonly #channels: readonly string[];
  readonly #teller: Teller;
  readonly #sources: DigestSource[] = [];

  constructor(
    clock: Clock,
    settings: Pick<NotifyConfig, "digest" | "timezone">,
    channels: readonly string[],
    teller: Teller,
  ) {
    this.#clock = clock;
    this.#settings = settings;
    this.#channels = settings.digest.channels.length > 0 ? settings.digest.channels : channels;
    this.#teller = teller;
  }

  addSource(source: DigestSource): void {
    this.#sources.push(source);
  }

  /** The digests that are due, with the instant each is due at. The first time a period begins now. */
  async due(db: Db): Promise<{ period: Period; at: string; since: string }[]> {
    const now = this.#clock.now();
    const due: { period: Period; at: string; since: string }[] = [];
    for (const period of ["daily", "weekly"] as const) {
      const when = this.#settings.digest[period];
      if (when === null) continue;
      const since = await markOf(db, markName(period));
      // A mark to come was set by a clock that was ahead.
      if (since === undefined || since > iso(now)) await setMark(db, markName(period), iso(now));
      else {
        const at = nextDigest(when, this.#settings.timezone, Date.parse(since));
        if (at <= now) due.push({ period, at: iso(at), since });
      }
    }
    return due;
  }

  /** What other slices add; asked outside the transaction, because they read their own tables. */
  async extraSections(since: string): Promise<DigestSection[]> {
    return (await Promise.all(this.#sources.map((source) => source(since)))).flat();
  }

  /** Writes a digest into the outbox. One that was missed is not made up for: the next one tells all that is open. */
  async tell(
    db: Db,
    { period, at, since }: { period: Period; at: string; since: string },
    extra: readonly DigestSection[],
  ): Promise<void> {
    const now = iso(this.#clock.now());
    const open = await openAlerts(db, MAX_LINES);
    const mended = await recoveredAlerts(db, since, MAX_LINES);
    const failing = (await channelRows(db)).filter((row) => row.failing_since !== null);
    const sections: DigestSection[] = [
      {
        heading: open.length === 0
          ? FRAME.nothing_open
          : { en: `Open: ${open.length}`, fr: `En cours : ${open.length}` },
        rows: open.map((state) => this.#row(state, state.opened_at)),
      },
      {
        heading: FRAME.mended,
        rows: mended.map((state) => this.#row(state, state.recovered_at ?? state.opened_at)),
      },
      {
        heading: FRAME.channels,
        rows: failing.map((row) => ({ name: row.name, text: row.last_error ?? "" })),
      },
      ...extra,
    ].filter((section, i) => i === 0 || section.rows.length > 0);
    const item: Item = {
      key: `digest:${period}:${at}`,
      kind: "digest",
      alert: `digest:${period}`,
      code: "digest",
      severity: open.map((state) => state.severity).reduce(worse, "info"),
      subject: { kind: "digest", id: period, name: period },
      at: now,
      since,
      failures: 0,
      detail: null,
      facts: {},
      sections,
    };
    await setMark(db, markName(period), now);
    const row = { key: item.key, at: now, kind: item.kind, alert: item.alert, body: JSON.stringify(item) };
    if (await addEvent(db, row)) await this.#teller.post(db, item, this.#channels, null, []);
  }

  #row(state: AlertState, at: string): DigestSection["rows"][number] {
    const when = formatInstant(at, this.#settings.timezone);
    return {
      name: state.subject.name,
      text: { en: `${codeWord(state.code, "en")}, ${when}`, fr: `${codeWord(state.code, "fr")}, ${when}` },
    };
  }
}

function markName(period: Period): string {
  return `digest:${period}`;
}

function worse(a: Severity, b: Severity): Severity {
  return isAtLeast(a, b) ? a : b;
}
