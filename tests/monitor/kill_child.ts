/**
 * Scans the deposit and delivers, until it is killed; at a moment of the scan it does that itself. Arguments: data
 * directory, mail port, the moment (or another word), and how often that moment is passed by; `end` ends when all is
 * delivered.
 */
import { join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import { type Disk, WorkerDisk } from "../../src/monitor/scan/disk.ts";
import { Scanner } from "../../src/monitor/scan/scanner.ts";
import { Database } from "../../src/store/mod.ts";
import { services } from "./kill_world.ts";

const [dir = "", port = "0", moment = "", spared = "0"] = Deno.args;

let left = Number(spared);
/** Ends the process here and now if this is its moment. */
function at(now: string): void {
  if (now === moment && left-- <= 0) Deno.kill(Deno.pid, "SIGKILL");
}

/** The worker, with a word said before and after what it does. */
function openDisk(signal: AbortSignal): Disk {
  const disk = new WorkerDisk(signal);
  return {
    async run(task, ...takes) {
      at(`before ${task}`);
      const result = await disk.run(task, ...takes);
      at(`after ${task}`);
      return result;
    },
    [Symbol.dispose]: () => disk[Symbol.dispose](),
  };
}

const database = new Database(join(dir, "holdfast.db"), systemClock);
const { notify, monitor, clock, settings } = services(database, dir, Number(port));
await notify.settle();
await notify.tick();
const scanner = new Scanner({ judge: monitor.judgement, clock, settings, openDisk });
const { problems } = await scanner.scan(new AbortController().signal);
if (problems.length > 0) throw new Error(problems.join("\n"));
await notify.idle();
if (moment !== "end") await new Promise(() => setInterval(() => {}, 1000));
await database.close();
