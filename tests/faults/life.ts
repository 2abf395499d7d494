/**
 * One life of the program, in a process of its own that may be killed at any moment:
 *
 *     life.ts DATA_DIR FROM MINUTES [STEP VISIT]
 *     life.ts wait
 *
 * With `wait` it says `ready` once it is loaded, and reads the other arguments as a line of its standard input. Settles what the life before left, then lives through so many minutes from the instant FROM, each with one tick
 * and its runs to their end, with the real services, engine and database; minutes follow each other without waiting.
 * At the VISITth time it comes to STEP the process kills itself, as the kernel would: no goodbye, nothing flushed.
 * Prints `begun` when all is settled and time begins.
 */
import { createServices } from "../../src/app.ts";
import { auditReaders } from "../../src/auth/mod.ts";
import { loadConfig, type LoadedConfig } from "../../src/config/mod.ts";
import { openForWriting } from "../../src/data_dir.ts";
import { type Clock, systemClock } from "../../src/lib/clock.ts";
import { Schedules } from "../../src/schedules/mod.ts";
import type { FaultStep, SchedulesOptions } from "../../src/schedules/options.ts";
import type { Services } from "../../src/services.ts";
import type { Database } from "../../src/store/mod.ts";

/** A clock that is set, and goes on from there. */
export class SetClock implements Clock {
  readonly sleep = systemClock.sleep;
  #ahead = 0;

  constructor(at: number) {
    this.set(at);
  }

  set(at: number): void {
    this.#ahead = at - Date.now();
  }

  now(): number {
    return Date.now() + this.#ahead;
  }
}

/** An open data directory with its services; `schedules` is the one to use. */
export interface Life extends AsyncDisposable {
  database: Database;
  services: Services;
  schedules: Schedules;
}

/** Opens a data directory and settles what it finds, as every start of the program does. */
export async function begin(dataDir: string, clock: Clock, fault?: SchedulesOptions["fault"]): Promise<Life> {
  const loaded = await configFor(dataDir);
  const opened = await openForWriting(dataDir, "a life", clock);
  const { database } = opened;
  const services = createServices(loaded, database, clock);
  const { auth, servers, backups } = services;
  const schedules = fault === undefined ? services.schedules : new Schedules({
    database,
    clock,
    settings: { ...loaded.config.schedules, allow_commands: false },
    auditReaders,
    servers,
    backups,
    secrets: { readSecret: (name) => auth.secrets.read(name) },
    fault,
  });
  await backups.settle();
  await schedules.settleAtStart();
  return { database, services, schedules, [Symbol.asyncDispose]: () => opened.close() };
}

function configFor(dataDir: string): Promise<LoadedConfig> {
  return loadConfig({
    args: { data_dir: dataDir },
    env: {},
    cwd: dataDir,
    systemFile: `${dataDir}/none.yaml`,
  });
}

/** The arguments, when they come. */
async function argumentsFor(given: readonly string[]): Promise<readonly string[]> {
  if (given[0] !== "wait") return given;
  console.log("ready");
  for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    return line.trim().split(" ");
  }
  Deno.exit(0);
}

async function live(given: readonly string[]): Promise<void> {
  const [dataDir = "", from = "", minutes = "", step, visit] = await argumentsFor(given);
  const start = Date.parse(from);
  const clock = new SetClock(start);
  let visits = 0;
  await using life = await begin(dataDir, clock, (at: FaultStep) => {
    if (at === step && ++visits === Number(visit)) Deno.kill(Deno.pid, "SIGKILL");
  });
  console.log("begun");
  for (let minute = 0; minute < Number(minutes); minute++) {
    clock.set(start + minute * 60_000);
    await life.schedules.tick();
    await life.schedules.idle();
  }
}

if (import.meta.main) {
  await live(Deno.args);
  Deno.exit(0);
}
