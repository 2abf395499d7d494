/** Options of an engine are changed one by one. */
import assert from "node:assert/strict";
import { BackupSchedule } from "../../src/schedules/model.ts";
import * as ops from "../../src/schedules/operations.ts";
import { schedule, world } from "./support.ts";

const OPERATOR = { kind: "user", id: 4, name: "ada", role: "operator", on_host: true } as const;

Deno.test("an update changes the options it gives, null takes one away, and all others stay", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  const ask = async (input: object) => BackupSchedule.parse(await w.ask(ops.updateSchedule, input, OPERATOR));
  const engine_options = { sources: ["/srv"], destination: "/b", level: 5 };
  await w.ask(ops.createSchedule, schedule({ name: "own", engine: "archive", engine_options }), OPERATOR);
  const rows: [object | null, object | null][] = [
    [{ excludes: ["*.tmp"] }, { ...engine_options, excludes: ["*.tmp"] }],
    [{ level: null }, { sources: ["/srv"], destination: "/b", excludes: ["*.tmp"] }],
    [{ sources: ["/etc"] }, { sources: ["/etc"], destination: "/b", excludes: ["*.tmp"] }],
  ];
  for (const [given, expected] of rows) {
    const changed = await ask({ schedule: "own", engine_options: given });
    assert.deepEqual(changed.engine_options, expected, JSON.stringify(given));
  }
  assert.equal((await ask({ schedule: "own", description: "x" })).engine_options?.destination, "/b");
  assert.equal(
    (await ask({ schedule: "own", engine_options: null })).engine_options,
    null,
    "the server's again",
  );
});

Deno.test("options given to a schedule that has the server's are added to those", async () => {
  await using w = await world("2026-01-01T00:00:30Z");
  await w.ask(ops.createSchedule, schedule({ name: "inherits" }), OPERATOR);
  const changed = await w.ask(ops.updateSchedule, {
    schedule: "inherits",
    engine_options: { excludes: ["*.tmp"] },
  }, OPERATOR);
  assert.deepEqual(BackupSchedule.parse(changed).engine_options, {
    sources: ["/srv"],
    destination: "/b",
    excludes: ["*.tmp"],
  });
});
