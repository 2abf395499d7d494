/**
 * What other slices find: drift of a router, a connector that is offline, a Veeam job that fails. Each alert of theirs is
 * a finding here too, so that somebody can know of it, have it silent for a while, and so that `monitor check` counts it.
 *
 * They tell a change once and not again while it lasts, so nothing they say may be dropped: what comes while a finding is
 * muted is told when that is over, and what comes after somebody said that it is over is told as new.
 */
import type { Transaction } from "kysely";
import { type Clock, iso } from "../lib/clock.ts";
import type { AlertEvent, AlertSink } from "../notify/mod.ts";
import { type Database, tablesOf } from "../store/mod.ts";
import { type Findings, type Foreign, isSilenceOver, replace, rowOf, seenAgain } from "./findings.ts";
import {
  insertFindings,
  type KnownFinding,
  openFindings,
  openOfAlert,
  seeAgain,
  unmute,
} from "./queries/findings.ts";
import type { MonitorTables } from "./queries/tables.ts";

/** What the findings of others need. */
export interface ToldOptions {
  database: Database;
  clock: Clock;
  findings: Findings;
  notify: AlertSink;
}

/** Takes alerts in the place of `notify`, which is told each of them. */
export class ToldFindings implements AlertSink {
  readonly #options: ToldOptions;

  constructor(options: ToldOptions) {
    this.#options = options;
  }

  /** Opens the finding, sees it again or ends it, in the caller's transaction, together with the alert. */
  async enqueue(tx: Transaction<unknown>, event: AlertEvent): Promise<void> {
    const { findings, notify } = this.#options;
    if (event.kind === "finding") return await this.#open(tx, event);
    await notify.enqueue(tx, event);
    if (event.kind !== "recovered") return;
    const rows = await openOfAlert(tablesOf<MonitorTables>(tx), event.alert);
    await findings.end(tx, rows);
  }

  async #open(tx: Transaction<unknown>, event: AlertEvent): Promise<void> {
    const { clock, notify } = this.#options;
    const db = tablesOf<MonitorTables>(tx);
    const now = iso(clock.now());
    const found = foundOf(event);
    const open = await openOfAlert(db, event.alert);
    const known = open.find(({ code }) => code === event.code);
    for (const other of open) if (other !== known) await replace(db, other, now);
    const isAwake = known !== undefined && isSilenceOver(known, now);
    let row: KnownFinding;
    if (known === undefined) [row] = await insertFindings(db, [rowOf(found, now)]) as [KnownFinding];
    else await seeAgain(db, [seenAgain(row = known, found, now)]);
    if (isAwake) await unmute(db, [known.id]);
    const until = row.state === "muted" && !isAwake ? row.muted_until : null;
    // The finding is in the key: told again after somebody ended it, it is news.
    const key = `finding:${row.id}:${event.key}`;
    await notify.enqueue(tx, { ...event, key, ...(until === null ? {} : { until }) });
  }

  /** Ends what is open about things that are no longer looked at, such as a router that was taken out of the configuration. */
  async keepOnly(isLookedAt: (alert: string) => boolean): Promise<void> {
    const { database, findings } = this.#options;
    const rows = (await openFindings(database.tables<MonitorTables>())).filter(({ alert }) =>
      !isLookedAt(alert)
    );
    if (rows.length === 0) return;
    const why = { detail: "it is no longer looked at", recipients: [] };
    await database.transaction((tx) => findings.recover(tx, rows, why));
  }
}

function foundOf(
  { alert, code, severity, subject, detail = "", facts = {}, recipients = [], key }: AlertEvent,
): Foreign {
  return {
    alert,
    code,
    severity,
    subject,
    job_id: null,
    entry_id: null,
    agent_id: null,
    detail: (typeof detail === "string" ? detail : detail.en) || code,
    facts,
    recipients,
    occurrence: key,
    tell: true,
  };
}
