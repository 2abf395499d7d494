import assert from "node:assert/strict";
import { backupContents } from "../../src/backups/contents_operations.ts";
import {
  deleteBackup,
  getBackup,
  importBackups,
  listBackups,
  operations,
  restoreBackup,
  verifyBackup,
} from "../../src/backups/operations.ts";
import { listProofs, proveBackup } from "../../src/backups/proof_operations.ts";
import {
  emptyTrash,
  listTrash,
  pruneBackups,
  undeleteBackup,
} from "../../src/backups/retention_operations.ts";
import { admin, nobody, ofKind, operator, user } from "../servers/fixture.ts";
import { world } from "./fixture.ts";

Deno.test("every operation refuses nobody, every write refuses a user, and a limited caller gets no foreign server", async () => {
  await using given = await world();
  const backup = await given.make({ server: 2 });
  const inputs = new Map<unknown, Record<string, unknown>>([
    [listBackups, { server_id: 2 }],
    [getBackup, { backup: backup.id }],
    [backupContents, { backup: backup.id }],
    [verifyBackup, { backup: backup.id }],
    [restoreBackup, { backup: backup.id, to: given.destination }],
    [deleteBackup, { backup: backup.id }],
    [pruneBackups, { schedule: "nightly-2" }],
    [proveBackup, { backup: backup.id }],
    [listProofs, { backup: backup.id }],
    [undeleteBackup, { backup: backup.id }],
    [listTrash, { server_id: 2 }],
    [emptyTrash, { schedule: "nightly-2" }],
    [importBackups, { directory: given.destination }],
  ]);
  for (const op of operations.filter(({ name }) => name.startsWith("backups."))) {
    const input = inputs.get(op);
    assert.ok(input !== undefined, op.name);
    await assert.rejects(given.ask(op, input, nobody()), ofKind("unauthenticated"), op.name);
    if (op.role === "operator") {
      await assert.rejects(given.ask(op, input, user(2)), ofKind("forbidden", /needs role/), op.name);
    }
    const limited = operator({ servers: [1] });
    await assert.rejects(given.ask(op, input, limited), ofKind("forbidden", /not assigned/), op.name);
  }
  assert.deepEqual(await given.backups.get(backup.id), backup, "nothing changed");
});

Deno.test("the list is newest first, and filtered by server, schedule and status", async () => {
  await using given = await world();
  const first = await given.make();
  const second = await given.make({ server: 2 });
  const third = await given.make({ options: { ...given.options, unreadable: true } });
  const fourth = await given.make({ schedule: "s9" });
  const ids = async (input: Record<string, unknown>, from = admin()) =>
    (await given.ask(listBackups, input, from)).map((backup) => backup.id);
  assert.deepEqual(await ids({}), [fourth.id, third.id, second.id, first.id]);
  assert.deepEqual(await ids({ limit: 2, offset: 1 }), [third.id, second.id]);
  assert.deepEqual(await ids({ server: "web-2" }), [second.id]);
  assert.deepEqual(await ids({ server_id: 1, status: "completed" }), [fourth.id, first.id]);
  assert.deepEqual(await ids({ status: "failed" }), [third.id]);
  assert.deepEqual(await ids({ schedule: "nightly-1" }), [third.id, first.id]);
  assert.deepEqual(await ids({ schedule_id: "s9" }), [fourth.id]);
  assert.deepEqual(await ids({}, user(2)), [second.id]);
  assert.deepEqual(await ids({}, user()), []);
  await assert.rejects(ids({ schedule: "unknown" }), ofKind("not_found"));
  await assert.rejects(ids({ server: "web-9" }), ofKind("not_found"));
  for (const bad of [{ limit: 0 }, { offset: -1 }, { status: "good" }, { colour: "red" }]) {
    await assert.rejects(ids(bad), ofKind("invalid"));
  }
});

Deno.test("a schedule that is gone can still be asked for by its id", async () => {
  await using given = await world();
  const backup = await given.make({ schedule: "abcdef" });
  const found = await given.ask(listBackups, { schedule: "abcdef" }, admin());
  assert.deepEqual(found.map((one) => one.id), [backup.id]);
});

Deno.test("a backup is found by id, by name and by the beginning of its id", async () => {
  await using given = await world();
  const backup = await given.make();
  for (const ref of [backup.id, backup.name, backup.id.slice(0, 4), backup.id.slice(0, 9)]) {
    assert.deepEqual(await given.ask(getBackup, { backup: ref }, user(1)), backup, ref);
  }
  for (const ref of ["none", backup.id.slice(0, 3), "%", `${backup.id}0`]) {
    await assert.rejects(given.ask(getBackup, { backup: ref }, admin()), ofKind("not_found"), ref);
  }
  await assert.rejects(given.ask(getBackup, { backup: backup.id }, user(2)), ofKind("forbidden"));
});

Deno.test("the commands fit: exit codes, texts and columns of at most 80 characters", async () => {
  await using given = await world();
  const backup = await given.make();
  const verified = await given.ask(verifyBackup, { backup: backup.id }, operator());
  assert.equal(verifyBackup.cli?.exit?.(verified), 0);
  assert.match(verifyBackup.cli?.text?.(verified) ?? "", /is good: 2 items/);
  assert.match(verifyBackup.cli?.text?.({ ...verified, item_count: 1 }) ?? "", /is good: 1 item,/);
  const restored = { backup_id: backup.id, path: backup.path, to: "/r", item_count: 1, restored_bytes: 13 };
  assert.equal(restoreBackup.cli?.text?.({ ...restored, warnings: [] }), "Restored 1 item (13 B) to /r");
  const bad = { ...verified, ok: false, problems: ["Its hash is x"] };
  assert.equal(verifyBackup.cli?.exit?.(bad), 20);
  assert.match(verifyBackup.cli?.text?.(bad) ?? "", /is not good:\n {2}Its hash is x/);
  const widths = [backup.id, backup.name, "completed", "999.9 GiB", "yes"].map((cell) => cell.length + 2);
  assert.ok(widths.reduce((sum, width) => sum + width, 0) <= 80, `${widths}`);
});
