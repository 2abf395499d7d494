import assert from "node:assert/strict";
import { join } from "node:path";
import { restoreBackup, verifyBackup } from "../../src/backups/operations.ts";
import type { AuditTables } from "../../src/store/mod.ts";
import { admin, local, ofKind, operator } from "../servers/fixture.ts";
import { filesIn, world } from "./fixture.ts";

Deno.test("verify finds an artifact good, changed, missing, and good again, and remembers each", async () => {
  await using given = await world();
  const { id, path } = await given.make();
  const verify = async () => {
    given.clock.advance(60_000);
    const answer = await given.ask(verifyBackup, { backup: id }, operator());
    const { verified_at, verified_ok, verify_detail, missing_since, changed_at } = await given.backups.get(
      id,
    );
    assert.equal(verified_at, answer.verified_at);
    assert.equal(verified_ok, answer.ok);
    return { ok: answer.ok, detail: verify_detail, missing: missing_since, changed: changed_at };
  };
  assert.deepEqual(await verify(), { ok: true, detail: null, missing: null, changed: null });

  const original = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, original.replace("alpha", "alphA"));
  const changed = await verify();
  assert.equal(changed.ok, false);
  assert.equal(changed.changed, "2026-01-02T03:02:00.000Z");
  assert.match(changed.detail ?? "", /hash/);
  assert.equal((await verify()).changed, changed.changed, "since when, not when it was last seen");

  await Deno.remove(path);
  const missing = await verify();
  assert.deepEqual([missing.ok, missing.missing], [false, "2026-01-02T03:04:00.000Z"]);
  assert.match(missing.detail ?? "", /is not there/);

  await Deno.writeTextFile(path, original);
  assert.deepEqual(await verify(), { ok: true, detail: null, missing: null, changed: null });

  const lines = await given.store.database.tables<AuditTables>().selectFrom("audit_lines").select("outcome")
    .where("operation", "=", "backups.verify").execute();
  assert.deepEqual(lines.map((line) => line.outcome), ["ok", "failed", "failed", "failed", "ok"]);
});

Deno.test("a good verification does not make a failed backup forget why it is one", async () => {
  await using given = await world();
  const { id } = await given.make({ options: { ...given.options, unreadable: true } });
  await given.ask(verifyBackup, { backup: id }, operator());
  const backup = await given.backups.get(id);
  assert.deepEqual([backup.status, backup.verified_ok], ["failed", true]);
  assert.match(backup.verify_detail ?? "", /Incomplete/);
});

Deno.test("restore gives back what was there, whole or in part", async () => {
  await using given = await world();
  const { id } = await given.make();
  const to = join(given.destination, "restored");
  const done = await given.ask(restoreBackup, { backup: id, to }, operator());
  assert.deepEqual([done.backup_id, done.to, done.item_count, done.warnings], [id, to, 2, []]);
  assert.equal(await Deno.readTextFile(join(to, "a.txt")), "alpha");

  await assert.rejects(
    given.ask(restoreBackup, { backup: id, to }, operator()),
    ofKind("conflict", /exists/),
  );
  await Deno.writeTextFile(join(to, "a.txt"), "other");
  await given.ask(restoreBackup, { backup: id, to, force: true }, operator());
  assert.equal(await Deno.readTextFile(join(to, "a.txt")), "alpha");

  const part = join(given.destination, "part");
  await given.ask(restoreBackup, { backup: id, to: part, patterns: ["b.txt"] }, operator());
  assert.deepEqual(filesIn(part), ["b.txt"]);
});

Deno.test("a restore over the network stays in the allowed roots, and owners and outside links need an admin", async () => {
  await using given = await world();
  const { id } = await given.make();
  await Deno.symlink(given.outside, join(given.destination, "link"));
  const inside = join(given.destination, "in");
  const rows: [Record<string, unknown>, "ok" | "invalid" | "forbidden", "ok" | "invalid" | "forbidden"][] = [
    [{ to: given.outside }, "forbidden", "forbidden"],
    [{ to: join(given.destination, "link") }, "forbidden", "forbidden"],
    [{ to: join(given.destination, "link/new") }, "forbidden", "forbidden"],
    [{ to: "/" }, "forbidden", "forbidden"],
    [{ to: `${inside}/../../../outside` }, "invalid", "invalid"],
    [{ to: "relative" }, "invalid", "invalid"],
    [{ to: inside, owners: true }, "forbidden", "ok"],
    [{ to: `${inside}2`, outside_links: true }, "forbidden", "ok"],
  ];
  for (const [input, byOperator, byAdmin] of rows) {
    for (const [from, expected] of [[operator(), byOperator], [admin(), byAdmin]] as const) {
      const asked = given.ask(restoreBackup, { backup: id, ...input }, from);
      if (expected === "ok") await asked;
      else await assert.rejects(asked, ofKind(expected), JSON.stringify(input));
    }
  }
  assert.deepEqual(filesIn(given.outside), []);
  await given.ask(restoreBackup, { backup: id, to: given.outside, owners: true }, local());
  assert.deepEqual(filesIn(given.outside), ["a.txt", "b.txt"]);
});

Deno.test("a restore is on record before it starts and when it ends, however it ends", async () => {
  await using given = await world();
  const { id, path } = await given.make();
  const to = join(given.destination, "restored");
  await given.ask(restoreBackup, { backup: id, to }, operator());
  await Deno.remove(path);
  await assert.rejects(
    given.ask(restoreBackup, { backup: id, to, force: true }, operator()),
    ofKind("not_found"),
  );
  const lines = await given.store.database.tables<AuditTables>().selectFrom("audit_lines").selectAll()
    .where("operation", "=", "backups.restore").execute();
  assert.deepEqual(lines.map((line) => line.outcome), ["started", "ok", "started", "failed"]);
  assert.ok(lines.every((line) => line.target === `backups/${id}` && line.after?.includes(to)));
});

Deno.test("a failed backup can be restored, and says what it is", async () => {
  await using given = await world();
  const { id } = await given.make({ options: { ...given.options, unreadable: true } });
  const done = await given.ask(restoreBackup, { backup: id, to: join(given.destination, "r") }, operator());
  assert.match(done.warnings.join(), /failed: Incomplete/);
});
