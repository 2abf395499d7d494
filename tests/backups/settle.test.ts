import assert from "node:assert/strict";
import { join } from "node:path";
import type { z } from "zod";
import type { BackupsTables, Engine, MakeBackup } from "../../src/backups/mod.ts";
import { copyEngine, type CopyOptions } from "../support/copy_engine.ts";
import { context, filesIn, type World, world } from "./fixture.ts";

const honest = copyEngine();

type Make = Engine<z.output<typeof CopyOptions>>["make"];

/** Begins a make whose engine never comes back, as if the process ended there, and waits until it got that far. */
async function killed(given: World, work: (...args: Parameters<Make>) => Promise<unknown>): Promise<void> {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const dead = given.restart(copyEngine({
    make: async (request, context) => {
      await work(request, context);
      resolve();
      return await new Promise<never>(() => {});
    },
  }));
  dead.make(request(given), context(given.clock));
  await reached;
}

function request(given: World): MakeBackup {
  return {
    engine: "copy",
    engine_options: given.options,
    schedule: { id: "s1", name: "nightly" },
    server: { id: 1, name: "web-1" },
    run_id: "r9",
    backup_type: "scheduled",
  };
}

async function half({ options, name }: Parameters<Make>[0]): Promise<void> {
  await Deno.writeTextFile(join(options.destination, `${name}.copy.partial`), "ha");
  await Deno.writeTextFile(join(options.destination, `${name}.copy.manifest`), "{}");
}

Deno.test("a start sweeps what a killed process left half made, and nothing else", async () => {
  await using given = await world();
  const whole = await given.make();
  await Deno.writeTextFile(join(given.destination, "somebody.copy.partial"), "not ours");
  await killed(given, half);
  assert.equal(filesIn(given.destination).length, 5);

  const settled = await given.restart().settle();
  assert.equal(settled.swept.length, 1);
  assert.deepEqual(settled.recovered, []);
  assert.deepEqual(filesIn(given.destination), [
    `${whole.name}.copy`,
    `${whole.name}.copy.manifest`,
    "somebody.copy.partial",
  ]);
  assert.deepEqual(await given.restart().settle(), { removed: [], recovered: [], swept: [] });
});

Deno.test("an artifact that was finished before the kill gets its row at start", async () => {
  await using given = await world();
  await killed(given, honest.make);
  const backups = given.restart();
  const { recovered, swept } = await backups.settle();
  assert.deepEqual([recovered.length, swept], [1, []]);
  const backup = await backups.get(recovered[0] ?? "");
  assert.deepEqual(
    [backup.status, backup.schedule_id, backup.server_id, backup.run_id, backup.verified_ok],
    ["completed", "s1", 1, "r9", null],
  );
  assert.ok(backup.path.endsWith(`${backup.name}.copy`));
});

Deno.test("partial files of one destination are swept on request, but never of a backup that is being made", async () => {
  await using given = await world();
  await killed(given, half);
  const other = { source: given.source, destination: given.outside };
  assert.deepEqual(await given.backups.sweepPartials("copy", other), []);
  assert.equal((await given.backups.sweepPartials("copy", given.options)).length, 1);

  let sweptWhileMaking: string[] | undefined;
  const busy = copyEngine({
    make: async (request, context) => {
      const partial = join(request.options.destination, `${request.name}.copy.partial`);
      await Deno.writeTextFile(partial, "being written");
      sweptWhileMaking = await backups.sweepPartials("copy", given.options);
      await Deno.remove(partial);
      return await honest.make(request, context);
    },
  });
  const backups = given.restart(busy);
  await backups.make(request(given), context(given.clock));
  assert.deepEqual(sweptWhileMaking, []);
});

Deno.test("a removal that was cut short is finished at start, or taken back when it cannot be", async () => {
  await using given = await world();
  const [first, second] = [await given.make(), await given.make()];
  const mark = (id: string) =>
    given.store.database.tables<BackupsTables>().updateTable("backups")
      .set({ deleting_since: "2026-01-02T05:00:00.000Z", deleted_reason: "test" }).where("id", "=", id)
      .execute();
  await mark(first.id);
  await mark(second.id);
  const failing = copyEngine({
    remove: (artifact, context) =>
      artifact.path === second.path ? Promise.reject(new Error("busy")) : honest.remove(artifact, context),
  });
  const backups = given.restart(failing);
  assert.deepEqual((await backups.settle()).removed, [first.id]);
  assert.deepEqual(await backups.get(second.id), second);
  assert.deepEqual(filesIn(given.destination), [`${second.name}.copy`, `${second.name}.copy.manifest`]);
});
