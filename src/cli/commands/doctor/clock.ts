/** Can the clock be trusted? Everything here is about due instants. */
import { join } from "node:path";
import { iso } from "../../../lib/clock.ts";
import { isThere } from "../service/host.ts";
import type { HostPlaces } from "./host.ts";
import { bad, type Line, ok, warning } from "./line.ts";

/** No release is older: a clock before this was never set. */
const RELEASED = Date.UTC(2026, 10, 1);
/** Clocks of file servers may be ahead by this much. */
const AHEAD_MS = 300_000;
/** More than this between the two clocks while the checks ran is a jump. */
const JUMP_MS = 1000;

/** The wall clock and the one that only counts, read at the same moment. */
export interface Reading {
  wall: number;
  steady: number;
}

/** Both clocks now. */
export function readClocks(): Reading {
  return { wall: Date.now(), steady: performance.now() };
}

/** What two readings and the host say about the clock. */
export async function examineClock(
  begin: Reading,
  end: Reading,
  dataDir: string | undefined,
  host: HostPlaces,
): Promise<Line[]> {
  const lines: Line[] = [];
  if (end.wall < RELEASED) {
    lines.push(
      bad(
        "clock",
        `it says ${iso(end.wall)}, before this release was made`,
        "set it: timedatectl set-ntp true",
      ),
    );
  }
  const jump = Math.round(end.wall - begin.wall - (end.steady - begin.steady));
  if (Math.abs(jump) > JUMP_MS) {
    lines.push(
      bad(
        "clock",
        `it jumped by ${jump} ms while this ran`,
        "find out who sets it; let one time service do it",
      ),
    );
  }
  const written = await lastWrite(dataDir);
  if (written !== undefined && written > end.wall + AHEAD_MS) {
    lines.push(
      bad(
        "clock",
        `it went back: the database was written at ${iso(written)}`,
        "set it: timedatectl set-ntp true",
      ),
    );
  }
  if (await host.ask("timedatectl", ["show", "--property=NTPSynchronized", "--value"]) === "no") {
    lines.push(warning("clock", "no time service keeps it right", "timedatectl set-ntp true"));
  }
  if (!hasZones()) {
    lines.push(bad("clock", "the time zone data is missing or wrong", "install the program again"));
  }
  return lines.length > 0 ? lines : [ok("clock", `${iso(end.wall)}, steady, with time zones`)];
}

async function lastWrite(dataDir: string | undefined): Promise<number | undefined> {
  if (dataDir === undefined) return undefined;
  const times: number[] = [];
  for (const name of ["holdfast.db", "holdfast.db-wal"]) {
    const path = join(dataDir, name);
    if (await isThere(path)) times.push((await Deno.stat(path)).mtime?.getTime() ?? 0);
  }
  return times.length === 0 ? undefined : Math.max(...times);
}

function hasZones(): boolean {
  const hour = new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Paris", hour: "2-digit" });
  return hour.format(Date.UTC(2026, 0, 1, 12)) === "13" && hour.format(Date.UTC(2026, 6, 1, 12)) === "14";
}
