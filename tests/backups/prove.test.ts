import assert from "node:assert/strict";
import { join } from "node:path";
import { type BackedUpSchedule, keepNewest } from "../../src/backups/mod.ts";
import { isProofDue, type ProveRules } from "../../src/backups/proof.ts";
import { listProofs, proveBackup } from "../../src/backups/proof_operations.ts";
import { HoldfastError } from "../../src/lib/errors.ts";
import { admin, operator } from "../servers/fixture.ts";
import { copyEngine } from "../support/copy_engine.ts";
import { world } from "./fixture.ts";

const DAY_MS = 86_400_000;

function schedule(prove: Partial<ProveRules>, id = "s1"): BackedUpSchedule {
  return {
    id,
    name: `nightly-${id.slice(1)}`,
    server_id: Number(id.slice(1)),
    timezone: "UTC",
    keep: keepNewest(2),
    prove: { every_runs: null, every_seconds: null, command: null, command_role: "operator", ...prove },
  };
}

Deno.test("a restore test is due after so many runs or so much time, and never without a backup", () => {
  const now = Date.parse("2026-01-10T00:00:00Z");
  const day = "2026-01-09T00:00:00.000Z";
  const rows: [Partial<ProveRules>, string | null, number, boolean, string][] = [
    [{}, null, 9, false, "nobody asked for it"],
    [{ every_runs: 3 }, null, 2, false, "not enough runs yet"],
    [{ every_runs: 3 }, null, 3, true, "enough since ever"],
    [{ every_runs: 3 }, day, 2, false, "not enough since the last"],
    [{ every_runs: 3 }, day, 4, true, "enough since the last"],
    [{ every_seconds: 86_400 }, null, 1, true, "never proved"],
    [{ every_seconds: 86_400 }, null, 0, false, "nothing to prove"],
    [{ every_seconds: 86_400 }, day, 1, true, "a day ago"],
    [{ every_seconds: 86_401 }, day, 1, false, "less than that ago"],
    [{ every_seconds: 86_400 }, day, 0, false, "the newest is proved already"],
    [{ every_seconds: 864_000, every_runs: 2 }, day, 2, true, "either will do"],
  ];
  for (const [rules, last_at, backups_since, expected, why] of rows) {
    assert.equal(isProofDue(schedule(rules).prove, { last_at, backups_since }, now), expected, why);
  }
});

Deno.test("prove restores a backup into a scratch place, compares, keeps the evidence and cleans up", async () => {
  await using given = await world();
  const backup = await given.make();
  const proof = await given.ask(proveBackup, { backup: backup.id }, operator());
  assert.deepEqual(proof.checks.map(({ name, ok, detail }) => [name, ok, detail]), [
    ["verify", true, "2 items, 32 B"],
    ["restore", true, "2 items, 21 B"],
    ["compare", true, "2 entries with 9 B are as the artifact says"],
  ]);
  assert.deepEqual([proof.ok, proof.backup_id, proof.schedule_id, proof.server_id], [
    true,
    backup.id,
    "s1",
    1,
  ]);
  assert.ok((proof.restore_seconds ?? -1) >= 0);
  assert.deepEqual([...Deno.readDirSync(given.settings.scratch_dir)], [], "the scratch place is empty again");
  assert.deepEqual(await given.ask(listProofs, { backup: backup.id }, admin()), [proof]);
  assert.equal(proveBackup.cli?.exit?.(proof), 0);
  assert.match(proveBackup.cli?.text?.(proof) ?? "", /: proved, restored in /);
});

Deno.test("what does not verify, restore or compare is not proved, and the evidence says why", async () => {
  const plain = copyEngine();
  const rows: [Parameters<typeof copyEngine>[0], string, RegExp][] = [
    [
      {
        restore: (artifact, request, context) =>
          plain.restore(artifact, { ...request, patterns: ["a.txt"] }, context),
      },
      "restore",
      /1 item came back, recorded are 2/,
    ],
    [
      {
        restore: async (artifact, request, context) => {
          const done = await plain.restore(artifact, request, context);
          await Deno.writeTextFile(join(request.target, "a.txt"), "much longer than it was");
          await Deno.remove(join(request.target, "b.txt"));
          return done;
        },
      },
      "compare",
      /^(?=.*"a.txt" has 23 bytes, not 5)(?=.*"b.txt" is not there)/,
    ],
    [
      { restore: () => Promise.reject(new HoldfastError("exhausted", "Cannot write: no space left")) },
      "restore",
      /no space left/,
    ],
    [
      {
        restore: async (artifact, request, context) => ({
          ...await plain.restore(artifact, request, context),
          warnings: ['"x" is not restored: odd'],
        }),
      },
      "restore",
      /"x" is not restored: odd/,
    ],
  ];
  for (const [overrides, check, detail] of rows) {
    await using given = await world({ engine: copyEngine(overrides) });
    const backup = await given.make();
    const proof = await given.ask(proveBackup, { backup: backup.id }, operator());
    assert.equal(proof.ok, false, check);
    assert.equal(proveBackup.cli?.exit?.(proof), 20);
    assert.equal(proof.checks.at(-1)?.name, check);
    assert.match(proof.checks.at(-1)?.detail ?? "", detail);
    assert.deepEqual([...Deno.readDirSync(given.settings.scratch_dir)], []);
  }
});

Deno.test("an artifact that was changed is not proved, and known to be changed from then on", async () => {
  await using given = await world();
  const backup = await given.make();
  await Deno.writeTextFile(backup.path, "{}");
  const proof = await given.ask(proveBackup, { backup: backup.id }, operator());
  assert.deepEqual(proof.checks.map(({ name, ok }) => [name, ok]), [["verify", false]]);
  assert.equal((await given.backups.get(backup.id)).verified_ok, false);
});

Deno.test("the command of the schedule judges what was restored, where commands are allowed", async () => {
  const prove = {
    command: 'test "$(cat a.txt)" = alpha && echo "seen $HOLDFAST_BACKUP_ID" >&2',
    command_role: "admin",
  } as const;
  const of = async (settings: { allow_commands: boolean }, given: Partial<ProveRules>) => {
    await using w = await world({ settings, schedules: [schedule({ ...prove, ...given })] });
    const backup = await w.make();
    const proof = await w.ask(proveBackup, { backup: backup.id }, operator());
    const last = proof.checks.at(-1)!;
    return [last.name, last.ok, last.detail.replace(backup.id, "ID")];
  };
  assert.deepEqual(await of({ allow_commands: true }, {}), ["command", true, "ended with 0: seen ID"]);
  assert.deepEqual(await of({ allow_commands: true }, { command: "echo no >&2; exit 3" }), [
    "command",
    false,
    "ended with 3: no",
  ]);
  const refused = ["command", false, "its command may not run: see backups.allow_commands"];
  assert.deepEqual(await of({ allow_commands: false }, {}), refused);
  assert.deepEqual(await of({ allow_commands: true }, { command_role: "operator" }), refused);
});

Deno.test("schedules that ask for it are proved when they are due, each with its newest good backup", async () => {
  await using given = await world({
    schedules: [
      schedule({ every_runs: 2 }),
      schedule({ every_seconds: 7 * 86_400 }, "s2"),
      schedule({}, "s3"),
    ],
  });
  const prove = async () => {
    assert.equal(given.backups.begin("prove"), true);
    await given.backups.idle();
    return (await given.ask(listProofs, { last: true }, admin())).map((one) => one.backup_id);
  };
  const one = await given.make();
  const two = await given.make({ server: 2 });
  assert.deepEqual(await prove(), [two.id], "one run is not two; never proved is due");
  const bad = await given.make({ options: { ...given.options, unreadable: true } });
  const three = await given.make();
  await Deno.writeTextFile(three.path, "{}");
  await given.backups.verify(three.id, admin());
  assert.equal(bad.status, "failed");
  assert.deepEqual(new Set(await prove()), new Set([one.id, two.id]), "the newest that is good");
  given.clock.advance(8 * DAY_MS);
  assert.deepEqual(new Set(await prove()), new Set([one.id, two.id]));
  assert.equal((await given.ask(listProofs, {}, admin())).length, 2, "nothing new to prove");
  const four = await given.make({ server: 2 });
  assert.deepEqual(new Set(await prove()), new Set([one.id, four.id]));
  assert.deepEqual(
    (await given.ask(listProofs, { last: true }, operator({ servers: [2] }))).map((one) => one.backup_id),
    [four.id],
  );
});

Deno.test("a restore that breaks in an unforeseen way is evidence, and keeps no other schedule from being proved", async () => {
  const plain = copyEngine();
  let restores = 0;
  const engine = copyEngine({
    restore: (artifact, request, context) => {
      if (restores++ === 0) throw new Deno.errors.PermissionDenied("not permitted");
      return plain.restore(artifact, request, context);
    },
  });
  await using given = await world({
    engine,
    schedules: [schedule({ every_runs: 1 }), schedule({ every_runs: 1 }, "s2")],
  });
  await given.make();
  await given.make({ server: 2, schedule: "s2" });
  assert.equal(given.backups.begin("prove"), true);
  await given.backups.idle();
  const proofs = await given.ask(listProofs, {}, admin());
  assert.deepEqual(proofs.map(({ ok }) => ok).sort(), [false, true]);
  assert.deepEqual(proofs.find(({ ok }) => !ok)?.checks.at(-1), {
    name: "restore",
    ok: false,
    detail: "not permitted",
  });
});

Deno.test("what a restore test left behind that was cut short is removed at start, and nothing else", async () => {
  await using given = await world();
  const { scratch_dir } = given.settings;
  await Deno.mkdir(join(scratch_dir, "proof-0123"), { recursive: true });
  await Deno.mkdir(join(scratch_dir, "other"));
  await given.backups.settle();
  assert.deepEqual([...Deno.readDirSync(scratch_dir)].map((entry) => entry.name), ["other"]);
});
