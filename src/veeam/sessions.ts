/** Sessions of one server, page by page: from the store, else from the server itself. */
import { iso } from "../lib/clock.ts";
import { pastMoment } from "../lib/moment.ts";
import type { VeeamClient } from "./client.ts";
import type { VeeamSession } from "./model.ts";

/** Which sessions. */
export interface SessionChoice {
  since: string;
  job_id?: string | undefined;
  type?: string | undefined;
  result?: string | undefined;
  live?: boolean | undefined;
}

/** Where they come from. */
export interface SessionSource {
  /** What was kept, oldest first; undefined for a server that was never read. */
  stored(createdAfter: string): Promise<VeeamSession[] | undefined>;
  client(): Pick<VeeamClient, "sessions">;
  now: number;
}

export async function* sessionPages(
  source: SessionSource,
  { since, job_id, type, result, live }: SessionChoice,
  newest_first: boolean,
  signal: AbortSignal,
): AsyncGenerator<VeeamSession[]> {
  const created_after = iso(pastMoment(since, source.now));
  const same = (value: string | null, wanted: string | undefined) =>
    wanted === undefined || value?.toLowerCase() === wanted.toLowerCase();
  const wanted = (session: VeeamSession) =>
    (job_id === undefined || session.job_id === job_id) && same(session.type, type) &&
    same(session.result, result);
  const stored = live === true ? undefined : await source.stored(created_after);
  if (stored !== undefined) {
    const rows = stored.filter(wanted);
    return yield newest_first ? rows.reverse() : rows;
  }
  const pages = source.client().sessions({ created_after, job_id, newest_first }, signal);
  for await (const page of pages) yield page.filter(wanted);
}

/** The newest ones, at most so many: no page is read that is not needed. */
export async function* newestSessions(
  source: SessionSource,
  choice: SessionChoice,
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<VeeamSession[]> {
  let left = limit;
  for await (const page of sessionPages(source, choice, true, signal)) {
    const rows = page.slice(0, left);
    if (rows.length > 0) yield rows;
    left -= rows.length;
    if (left === 0) return;
  }
}
