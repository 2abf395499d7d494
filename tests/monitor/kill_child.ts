/**
 * Judges reports from the first one on, as a scan does that finds them not yet archived, and delivers, until it is killed.
 * Arguments: data directory, first instant in milliseconds, number of reports, mail port; `end` ends when all is delivered.
 */
import { join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import { Database } from "../../src/store/mod.ts";
import { AGENT, reportCase, services } from "./kill_world.ts";

const [dir = "", start = "0", count = "0", port = "0", end] = Deno.args;

const database = new Database(join(dir, "holdfast.db"), systemClock);
const { notify, monitor } = services(database, Number(port));
await notify.settle();
await notify.tick();
// The last ones were judged by nobody yet; some before them are judged again.
for (let n = Math.max(0, Number(count) - 12); n < Number(count); n++) {
  await monitor.judgement.judgeReports(AGENT, [reportCase(n, Number(start))]);
}
await notify.idle();
if (end === undefined) await new Promise(() => setInterval(() => {}, 1000));
await database.close();
