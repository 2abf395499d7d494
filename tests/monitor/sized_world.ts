/** A job whose plain file comes each day with a size of the test's choice. */
import type { Entry } from "../../src/monitor/model.ts";
import { type TestApp, testApp } from "../support/app.ts";
import { FakeClock } from "../support/clock.ts";

export const MINUTE = 60_000;
const DAY = 86_400_000;

export interface SizedWorld extends TestApp {
  clock: FakeClock;
  /** Lets the next day's file come; returns its entry. */
  arrive(size: number): Promise<Entry>;
  findings(): Promise<{ id: number; code: string; detail: string }[]>;
}

/** The file is due at 13:00, and it is ten minutes before. */
export async function sizedWorld(): Promise<SizedWorld> {
  const start = Date.parse("2026-03-02T12:50:00Z");
  const clock = new FakeClock(start);
  const world = await testApp({}, clock);
  const { id } = await world.local("POST", "/api/v1/jobs", {
    database_name: "crm",
    way: "file",
    agent_deposit_path_template: "crm.dump",
    expected_hour_utc: 13,
    backup_frequency: "daily",
  });
  const { judgement } = world.app.services.monitor;
  let days = 0;
  return Object.assign(world, {
    clock,
    async arrive(size: number) {
      const now = start + days++ * DAY + 15 * MINUTE;
      clock.set(Math.max(now, clock.now()));
      const [expected] = await judgement.expectedFiles();
      const sha256 = days.toString(16).padStart(64, "0");
      const file = { path: "/srv/crm.dump", size_bytes: size, modified_at: expected!.due_at, sha256 };
      await judgement.judgeFile(expected!, [{ state: "present", ...file, side_file_sha256: null }]);
      const [entry] = await world.local("GET", `/api/v1/entries/by_job/${id}`);
      return entry;
    },
    findings: () => world.local("GET", `/api/v1/monitor/findings?job_id=${id}`),
  });
}
