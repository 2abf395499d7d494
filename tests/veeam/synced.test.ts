/** Sessions of one job, as whoever expects it asks for them. */
import assert from "node:assert/strict";
import * as queries from "../../src/veeam/queries.ts";
import { FakeClock } from "../support/clock.ts";
import { tempStore } from "../support/store.ts";
import { sessionRow } from "../support/veeam/session.ts";

const DAY = "2026-03-02T";

Deno.test("sessions of a job are those of its id; its name counts for those without one", async () => {
  await using store = await tempStore(new FakeClock(`${DAY}12:00:00Z`));
  const db = store.database.tables<queries.VeeamTables>();
  await queries.saveSessions(db, [
    sessionRow("own", { job_id: "a" }),
    sessionRow("renamed", { job_id: "a", name: "Weekly" }),
    sessionRow("another of that name", { job_id: "b" }),
    sessionRow("without id", { job_id: null }),
    sessionRow("ended before", { job_id: "a", ended_at: `${DAY}01:00:00.000Z` }),
    sessionRow("began after", { job_id: "a", created_at: `${DAY}08:00:00.000Z` }),
    sessionRow("goes on", { job_id: "a", ended_at: null }),
  ]);
  const range = {
    began_after: "2026-02-01T00:00:00.000Z",
    after: `${DAY}01:00:00.000Z`,
    until: `${DAY}07:00:00.000Z`,
  };
  const found = async (job_id: string | null) =>
    (await queries.sessionsOfJob(db, { server: "vbr-1", job: "Daily", job_id }, range)).map(({ id }) => id);
  assert.deepEqual(await found("a"), ["goes on", "own", "renamed", "without id"]);
  // A job that no list shows is known by nothing but its name.
  assert.deepEqual(await found(null), ["another of that name", "goes on", "own", "without id"]);
});
