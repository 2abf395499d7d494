/**
 * What other slices find: drift of a router, a connector that is offline, a Veeam job that fails. Each alert of theirs is
 * a finding here too, so that somebody can know of it, have it silent for a while, and so that `monitor check` counts it.
 */
import type { Transaction } from "kysely";
import { type Clock, iso } from "../lib/clock.ts";
import type { AlertEvent, AlertSink } from "../notify/mod.ts";
import { tablesOf } from "../store/mod.ts";
import { insertFindings, openOfAlert, updateFinding } from "./queries/findings.ts";
import type { Db, FindingRow, MonitorTables } from "./queries/tables.ts";

/** Takes alerts in the place of `notify`, which is told of each unless its finding is muted. */
export class ToldFindings implements AlertSink {
  readonly #clock: Clock;
  readonly #notify: AlertSink;

  constructor(clock: Clock, notify: AlertSink) {
    this.#clock = clock;
    this.#notify = notify;
  }

  /** Opens, sees again or ends the finding in the caller's transaction, together with the alert. */
  async enqueue(tx: Transaction<unknown>, event: AlertEvent): Promise<void> {
    const db = tablesOf<MonitorTables>(tx);
    const now = iso(this.#clock.now());
    if (event.kind === "finding" && await this.#open(db, event, now)) return;
    if (event.kind === "recovered") {
      for (const row of await openOfAlert(db, event.alert)) await end(db, row, "recovered", now);
    }
    await this.#notify.enqueue(tx, event);
  }

  /** True when nobody wants to hear of it now. */
  async #open(db: Db, event: AlertEvent, now: string): Promise<boolean> {
    const { alert, code, severity, subject, facts = {} } = event;
    const said = { severity, detail: sentenceOf(event), facts: JSON.stringify(facts), last_seen_at: now };
    const open = await openOfAlert(db, alert);
    const known = open.find((row) => row.code === code);
    // On one alert a finding of another code takes the place of the one before; the alert stays open.
    for (const row of open) if (row !== known) await end(db, row, "replaced", now);
    if (known === undefined) {
      await insertFindings(db, [{
        ...said,
        open_key: `${alert} ${code}`,
        alert,
        code,
        state: "open",
        subject_kind: subject.kind,
        subject_id: subject.id,
        subject_name: subject.name,
        job_id: null,
        entry_id: null,
        agent_id: null,
        told: 1,
        count: 1,
        opened_at: now,
      }]);
      return false;
    }
    const isMuted = known.state === "muted" && known.muted_until !== null && known.muted_until > now;
    const isOver = known.state === "muted" && !isMuted;
    await updateFinding(db, known.id, {
      ...said,
      count: known.count + 1,
      ...(isOver ? { state: "open", muted_until: null } : {}),
    });
    return isMuted;
  }
}

async function end(db: Db, row: FindingRow, state: "recovered" | "replaced", now: string): Promise<void> {
  await updateFinding(db, row.id, { open_key: null, state, ended_at: now, ended_by: "system" });
}

function sentenceOf({ detail = "", code }: AlertEvent): string {
  return (typeof detail === "string" ? detail : detail.en) || code;
}
