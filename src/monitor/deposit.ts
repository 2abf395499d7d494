/** Whether the deposit can be read at all: while it cannot, nothing that arrives is seen. */
import { tablesOf } from "../store/mod.ts";
import { type Parts, tables } from "./parts.ts";
import { type FindingFilter, listFindings } from "./queries/findings.ts";
import { type MonitorTables, OPEN_STATES } from "./queries/tables.ts";

const CODE = "unreadable";
const OPEN: FindingFilter = { states: OPEN_STATES, code: CODE, skip: 0, limit: 100 };

/** Opens the finding of a deposit that cannot be read, told once, and ends it when it can, or when it is another one. */
export async function judgeDeposit(
  parts: Parts,
  root: string | null,
  failure: string | null,
): Promise<void> {
  // Each scan asks: only a change is written.
  if (failure === null && (await listFindings(tables(parts), OPEN)).length === 0) return;
  await parts.database.transaction(async (tx) => {
    const open = await listFindings(tablesOf<MonitorTables>(tx), OPEN);
    const over = open.filter((row) => failure === null || row.subject_id !== root);
    const detail = root === null ? "no deposit is configured any more" : "it can be read";
    await parts.findings.recover(tx, over, { detail, recipients: [] });
    if (failure === null || root === null) return;
    await parts.findings.report(tx, {
      alert: `deposit:${root}`,
      code: CODE,
      subject: { kind: "deposit", id: root, name: root },
      job_id: null,
      entry_id: null,
      agent_id: null,
      detail: `the deposit cannot be read: ${failure}`,
      facts: { path: root, reason: failure },
      recipients: [],
      occurrence: "again",
      tell: true,
    });
  });
}
