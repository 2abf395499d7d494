/** How full disks are: samples, and the day they will be full. */
import type { Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import { formatSize } from "../lib/size.ts";
import { tablesOf } from "../store/mod.ts";
import type { Parts } from "./parts.ts";
import { findingsByKey } from "./queries/findings.ts";
import { samplesSince, saveSample } from "./queries/sources.ts";
import type { MonitorTables } from "./queries/tables.ts";
import type { CapacitySample } from "./report.ts";
import { daysToFull } from "./statistics.ts";

const HOUR_MS = 3_600_000;
/** How far back growth is looked at. */
const HISTORY_MS = 30 * 24 * HOUR_MS;
/** A disk is well again when it lasts this much longer than what is warned of, so that a finding does not flap. */
const RELIEF = 1.25;

/** Notes a sample, and opens or ends the finding of its disk. */
export async function judgeDisk(
  parts: Parts,
  tx: Transaction<unknown>,
  sample: CapacitySample,
): Promise<void> {
  const db = tablesOf<MonitorTables>(tx);
  const now = parts.clock.now();
  const at = iso(Math.floor(now / HOUR_MS) * HOUR_MS);
  await saveSample(db, { ...sample, at });
  const samples = await samplesSince(db, sample.path, iso(now - HISTORY_MS));
  const days = daysToFull(samples.map((row) => ({
    at: Date.parse(row.at),
    used: row.total_bytes - row.free_bytes,
    total: row.total_bytes,
  })));
  const { capacity_warning_days } = parts.settings;
  const alert = `disk:${sample.path}`;
  const free = `${formatSize(sample.free_bytes)} of ${formatSize(sample.total_bytes)} are free`;
  const isOpen = (await findingsByKey(db, [`${alert} capacity`])).get(`${alert} capacity`);
  if (days !== null && days < capacity_warning_days) {
    // Each hour would be a message: it is told when it opens, and again when it gets critical.
    const severity = days < capacity_warning_days / 4 ? "critical" as const : "warning" as const;
    if (isOpen?.severity === severity && isOpen.last_seen_at >= at) return;
    await parts.findings.report(tx, {
      alert,
      code: "capacity",
      severity,
      subject: { kind: "disk", id: sample.path, name: sample.path },
      job_id: null,
      entry_id: null,
      agent_id: null,
      detail: `it is full in ${days.toFixed(1)} days at this rate, ${free}`,
      facts: { path: sample.path, free_bytes: sample.free_bytes, total_bytes: sample.total_bytes },
      recipients: [],
      occurrence: `${at}:${severity}`,
      tell: true,
    });
  } else if (isOpen !== undefined && (days === null || days > capacity_warning_days * RELIEF)) {
    await parts.findings.recover(tx, [isOpen], { detail: free, recipients: [] });
  }
}
