/**
 * A long life in fake time: a thousand schedules of all policies, with downtimes, stops, changes, servers that are off,
 * and engines that fail, or take long.
 *
 * Every choice comes from one fixed sequence, so that a life that goes wrong can be lived again. Schedules are due at few
 * minutes of an hour and the clock leaps to the next of them: a tick that finds nothing due would show nothing.
 */
import { ScheduleCreate, type ScheduleUpdate } from "../../src/schedules/model.ts";
import type { z } from "zod";
import type { EngineContext } from "../../src/backups/engine.ts";
import type { MakeBackup } from "../../src/backups/make.ts";
import { earliestDue } from "../../src/schedules/queries/schedules.ts";
import { earliestPause } from "../../src/schedules/queries/waiting.ts";
import { Schedules } from "../../src/schedules/schedules.ts";
import { caller } from "../support/store.ts";
import { FileBackups, until, type World } from "./support.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The same numbers each time (numerical recipes' generator). */
export class Sequence {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(this.#state / 2 ** 32 * limit);
  }

  one<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("Cannot choose: there is nothing");
    return item;
  }

  /** True in so many of a hundred cases. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

const ZONES = ["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];
const MINUTES = [0, 30];

/** Policies of the n-th schedule; each of them is had by many. */
function policiesOf(n: number, random: Sequence): Partial<z.input<typeof ScheduleCreate>> {
  const [hour, minute] = [random.below(24), random.one(MINUTES)];
  // Every thirteenth is due all the time, and mostly at a time that its windows close.
  const dense = n % 13 === 0;
  const policies: Partial<z.input<typeof ScheduleCreate>> = {
    cron_expression: dense ? "*/30 * * * *" : random.one([
      `${minute} ${hour} * * *`,
      `${minute} ${hour} * * mon,thu`,
      `${minute} ${hour} * * ${random.below(7)}`,
      `${minute} */${random.one([8, 12])} ${1 + random.below(28)} * *`,
      `${MINUTES.join()} 2 * * ${random.below(7)}`,
    ]),
    timezone: random.one(ZONES),
    catch_up: random.one(["none", "latest", "all"]),
    catch_up_window_seconds: random.one([3600, 6 * 3600, 24 * 3600]),
    overlap: random.one(["skip", "queue_one", "queue_all", "cancel_other", "allow"]),
    dst: random.one(["standard", "skip", "wall"]),
    retries: random.below(3),
    retry_delay_seconds: random.one([1, 900, 1800]),
    jitter_seconds: random.one([0, 0, 0, 50]),
  };
  if (random.chance(20)) policies.locks = [`disk-${random.below(20)}`];
  if (random.chance(10)) policies.concurrency_group = "nas";
  if (random.chance(20)) {
    policies.blackout_windows = [random.one(["12:00-14:00", "sun", "2026-03-20..2026-03-25"])];
  }
  if (dense) policies.allowed_windows = [random.one(["02:00-04:00", "22:00-01:00", "sun"])];
  else if (random.chance(10)) policies.allowed_windows = ["22:00-08:00", "sat,sun"];
  if (random.chance(20)) policies.start_deadline_seconds = random.one([30, 600, 7200]);
  if (random.chance(20)) policies.timeout_seconds = 3600;
  if (random.chance(5)) policies.paused_until = "2026-03-20T00:00:00Z";
  if (random.chance(50)) policies.only_when_running = true;
  return { ...policies, name: `s${n}` };
}

/** What a life is made of. */
export interface LifeOptions {
  schedules: number;
  days: number;
  start: string;
  seed: number;
}

/** What happened in a life. */
export interface LifeFacts {
  runs: number;
  restarts: number;
  changes: number;
}

/** Lives from start to end; the world is left as it is then. */
export async function live(w: World, { schedules, days, start, seed }: LifeOptions): Promise<LifeFacts> {
  const random = new Sequence(seed);
  const facts: LifeFacts = { runs: 0, restarts: 0, changes: 0 };
  w.settings.max_concurrent_runs = 50;
  const backups = new LivelyBackups(w.dir, random);
  w.schedules = new Schedules(w.options({ backups }));
  // What is measured is the program, not the disk of the machine.
  w.database.sqlite.exec("pragma synchronous = off");
  for (let n = 0; n < schedules; n++) await w.schedules.create(inputOf(n, random), caller());
  const end = Date.parse(start) + days * DAY_MS;
  // The second server is off for a day every now and then.
  w.servers.running = (id) =>
    Promise.resolve({
      running: id === 1 ? !random.chance(2) : Math.floor(w.clock.now() / DAY_MS) % 5 > 1,
      detail: "asked",
    });
  for (let ticks = 1; w.clock.now() < end; ticks++) {
    if (random.below(400) === 0) {
      // Nobody is there for a while: minutes, hours, days.
      backups.abandon();
      w.clock.forget();
      w.clock.advance(random.one([3, 47, 300, 1440, 4 * 1440]) * MINUTE_MS);
      await w.restart({ backups });
      w.database.sqlite.exec("pragma synchronous = off");
      facts.restarts++;
    }
    w.clock.set(await nextMinute(w));
    backups.turn();
    await w.schedules.tick();
    // Now and then a tick finds the runs of the one before still at work.
    if (ticks % 3 !== 0) await until(() => w.schedules.runner.active.size <= backups.slow);
    if (random.below(40) === 0) {
      await change(w, schedules, random);
      facts.changes++;
    }
  }
  backups.endAll();
  await w.schedules.idle();
  facts.runs = backups.count;
  return facts;
}

/** Every tenth schedule follows the one before it, and is followed by the next. */
const follows = (n: number) => n % 10 > 7;

function inputOf(n: number, random: Sequence): ScheduleCreate {
  const after = follows(n)
    ? { run_after: `s${n - 1}`, cron_expression: undefined, jitter_seconds: 0, dst: "standard" as const }
    : {};
  return ScheduleCreate.parse({
    server_id: 1 + n % 2,
    engine: "archive",
    engine_options: { sources: ["/srv"] },
    ...policiesOf(n, random),
    ...after,
  });
}

/** The next whole minute at which there is something to do, at most an hour ahead. */
async function nextMinute(w: World): Promise<number> {
  const now = w.clock.now();
  const due = [await earliestDue(w.tables), await earliestPause(w.tables)].filter((at) => at !== null)
    .map(Date.parse);
  const wanted = Math.min(now + 60 * MINUTE_MS, ...due);
  return Math.max(Math.floor(now / MINUTE_MS) + 1, Math.ceil(wanted / MINUTE_MS)) * MINUTE_MS;
}

/** Backups without files, of which some fail, and some take until several ticks later. */
class LivelyBackups extends FileBackups {
  readonly #random: Sequence;
  /** Ends of work that takes long, with the turns that are left. */
  #slow: { left: number; end: () => void }[] = [];
  #over = false;
  count = 0;

  constructor(dir: string, random: Sequence) {
    super(dir);
    this.#random = random;
  }

  override async make(request: MakeBackup, context: EngineContext): ReturnType<FileBackups["make"]> {
    this.count++;
    if (this.#random.chance(10)) throw new Error(`no luck with ${request.run_id}`);
    if (this.#random.chance(2) && !this.#over) await this.#takeLong(context.signal);
    context.signal.throwIfAborted();
    return this.record(request, `/b/${request.run_id}.tar`, context.now());
  }

  async #takeLong(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const work = { left: 1 + this.#random.below(30), end: resolve };
    this.#slow.push(work);
    signal.addEventListener("abort", () => {
      this.#slow = this.#slow.filter((other) => other !== work);
      resolve();
    }, { once: true });
    await promise;
  }

  /** One turn of the life: some of what takes long ends. */
  turn(): void {
    for (const work of this.#slow) if (--work.left <= 0) work.end();
    this.#slow = this.#slow.filter(({ left }) => left > 0);
  }

  /** How many take long just now. */
  get slow(): number {
    return this.#slow.length;
  }

  /** Ends what takes long; what only begins now takes no time, for there are no more turns. */
  endAll(): void {
    this.#over = true;
    for (const { end } of this.#slow.splice(0)) end();
  }

  /** Leaves what takes long undone for ever: its process is gone. */
  abandon(): void {
    this.#slow = [];
  }
}

/** Somebody changes something. */
async function change(w: World, schedules: number, random: Sequence): Promise<void> {
  const n = random.below(schedules);
  const update = (own: ScheduleUpdate, following: ScheduleUpdate) =>
    w.schedules.update(`s${n}`, follows(n) ? following : own, caller());
  switch (random.below(8)) {
    case 0:
      return void await w.schedules.disable(`s${n}`, caller());
    case 1:
    case 2:
      return void await w.schedules.enable(`s${random.below(schedules)}`, caller());
    case 3:
    case 4:
      return void await update({ jitter_seconds: random.below(60) }, { retries: random.below(4) });
    case 5:
    case 6:
      return void await update({ cron_expression: `${random.one(MINUTES)} */5 * * *` }, {
        locks: ["disk-1"],
      });
    default:
      await w.schedules.scheduler.stop(caller());
      w.clock.advance(random.one([20, 20, 1440]) * MINUTE_MS);
      await w.schedules.tick();
      await w.schedules.scheduler.start(caller());
  }
}
