/**
 * Writes a database with a sample of everything, as SQL: `deno run -A tests/support/freeze.ts FILE.sql`.
 *
 * Run at a release, so that later programs can be held against what that one left behind; what it wrote is never
 * written again. Works in `/srv/holdfast-sample`, which must not be there and is removed: paths are part of what the
 * hash chain covers, so they cannot be made up afterwards.
 */
import { join } from "node:path";
import { ScheduleCreate } from "../../src/schedules/model.ts";
import { ServerFields } from "../../src/servers/model.ts";
import { begin, type Life, SetClock } from "../faults/life.ts";
import { dumpDatabase } from "./content.ts";
import { caller } from "./store.ts";
import { makeTree } from "./tree.ts";

const ROOT = "/srv/holdfast-sample";
const START = Date.parse("2026-03-29T00:30:30Z");
const MINUTE = 60_000;

/** Name and password of the sample's administrator. */
export const SAMPLE_LOGIN = { username: "ada", password: "a sample's password" };

async function freeze(file: string): Promise<void> {
  await Deno.mkdir(ROOT);
  try {
    const clock = new SetClock(START);
    await Deno.mkdir(join(ROOT, "state"), { mode: 0o700 });
    await makeTree(join(ROOT, "data"), { "a.txt": "alpha" });
    {
      await using life = await begin(join(ROOT, "state"), clock);
      await people(life);
      await things(life);
      await minutes(life, clock);
    }
    await Deno.writeTextFile(file, dumpDatabase(join(ROOT, "state", "holdfast.db")), { createNew: true });
  } finally {
    await Deno.remove(ROOT, { recursive: true });
  }
}

async function people({ services: { auth } }: Life): Promise<void> {
  const { username: name, password } = SAMPLE_LOGIN;
  await auth.users.create({ name, password, role: "admin" }, caller());
  await auth.users.create({ name: "bob", password: "another password", role: "operator" }, caller());
  await auth.users.create({ name: "carl", password: "a third password", role: "user" }, caller());
  await auth.keys.create({ name: "agent-1", role: "operator" }, caller());
  await auth.secrets.set("db-password", "not in the clear", caller());
}

async function things({ services: { auth, servers, schedules } }: Life): Promise<void> {
  const options = { sources: [join(ROOT, "data")], destination: join(ROOT, "backups") };
  await servers.create(ServerFields.parse({ name: "web-1", host: "127.0.0.1" }), caller());
  const defaults = { default_engine: "archive", default_engine_options: options };
  await servers.create(
    ServerFields.parse({ name: "web-2", host: "web-2.example.org", ...defaults }),
    caller(),
  );
  await auth.users.assign("carl", ["web-1"], caller());
  const add = (fields: Record<string, unknown>) =>
    schedules.create(
      ScheduleCreate.parse({ server_id: "web-1", engine: "archive", engine_options: options, ...fields }),
      caller(),
    );
  await add({ name: "nightly", cron_expression: "0 2 * * *", timezone: "Europe/Paris" });
  await add({ name: "minutely", cron_expression: "* * * * *", max_backups: 2 });
  await add({ name: "defaults", server_id: "web-2", engine: null, engine_options: null, interval_hours: 5 });
  await add({ name: "paused", cron_expression: "@daily", enabled: false });
  await add({ name: "gone", cron_expression: "@hourly" });
  await schedules.delete("gone", caller());
}

/** Runs that succeed, fail and do not come about, with old copies removed. */
async function minutes({ services: { schedules, backups } }: Life, clock: SetClock): Promise<void> {
  const pass = async (minute: number) => {
    clock.set(START + MINUTE / 2 + minute * MINUTE);
    await schedules.tick();
    await schedules.idle();
  };
  for (const minute of [0, 1, 2]) await pass(minute);
  await Deno.rename(join(ROOT, "data"), join(ROOT, "elsewhere"));
  await pass(3);
  await schedules.scheduler.stop(caller());
  await pass(4);
  await schedules.scheduler.start(caller());
  await Deno.rename(join(ROOT, "elsewhere"), join(ROOT, "data"));
  await pass(9);
  await schedules.trigger("nightly", caller());
  await schedules.idle();
  const [newest] = await backups.list({ limit: 1, offset: 0 }, caller());
  await backups.verify(newest!.id, caller());
  // Or the minutes since then would all have to be accounted for by whoever opens the sample.
  await schedules.disable("minutely", caller());
}

if (import.meta.main) await freeze(Deno.args[0]!);
