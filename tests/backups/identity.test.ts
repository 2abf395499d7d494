/** What opens an encrypted backup is asked for where it is needed, and kept nowhere. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { restoreBackup, verifyBackup } from "../../src/backups/operations.ts";
import { proveBackup } from "../../src/backups/proof_operations.ts";
import { redactText } from "../../src/lib/redact.ts";
import { parseInput } from "../../src/lib/operation.ts";
import type { AuditTables } from "../../src/store/mod.ts";
import { admin, operator } from "../servers/fixture.ts";
import { copyEngine } from "../support/copy_engine.ts";
import { world } from "./fixture.ts";

const KEY = "AGE-SECRET-KEY-1QQPQYZF9L2ZKRVL9W5Y8Q0X7ZCLSQ8D4J3H0RJXKZ0D7M6CGM3AQS5T2AZ";

Deno.test("an identity given to verify, restore or prove reaches the engine, and no record", async () => {
  const seen: (string | undefined)[] = [];
  const plain = copyEngine();
  const engine = copyEngine({
    verify: (artifact, context) => {
      seen.push(artifact.identity);
      return plain.verify(artifact, context);
    },
    restore: (artifact, request, context) => {
      seen.push(artifact.identity);
      return plain.restore(artifact, request, context);
    },
  });
  await using given = await world({ engine, secrets: { "age-key": KEY } });
  const { id: backup } = await given.make();
  const to = join(given.settings.allowed_roots[0]!, "restored");
  await given.ask(verifyBackup, { backup }, operator());
  await given.ask(verifyBackup, { backup, identity: KEY }, operator());
  await given.ask(restoreBackup, { backup, to, identity: KEY }, operator());
  await given.ask(restoreBackup, { backup, to, force: true, identity_secret: "age-key" }, operator());
  await given.ask(proveBackup, { backup, identity_secret: "age-key" }, admin());
  assert.deepEqual(seen, [undefined, KEY, KEY, KEY, KEY, KEY]);

  await assert.rejects(
    given.ask(verifyBackup, { backup, identity: KEY, identity_secret: "age-key" }, admin()),
    { kind: "invalid", message: /given twice/ },
  );
  await assert.rejects(given.ask(restoreBackup, { backup, to, identity_secret: "none" }, admin()), {
    kind: "not_found",
    message: 'Cannot find secret "none"',
  });
  // A secret that is not there says nothing of the artifact.
  await assert.rejects(given.ask(verifyBackup, { backup, identity_secret: "none" }, admin()), {
    kind: "not_found",
    message: 'Cannot find secret "none"',
  });
  const { missing_since, verified_ok } = await given.backups.get(backup);
  assert.deepEqual([missing_since, verified_ok], [null, true]);
  const lines = await given.store.database.tables<AuditTables>().selectFrom("audit_lines").selectAll()
    .execute();
  assert.ok(lines.some(({ operation }) => operation === "backups.restore"));
  assert.ok(!JSON.stringify(lines).includes("AGE-SECRET-KEY"), "not even struck out");
});

Deno.test("an identity that gets into a text is struck out of it", () => {
  assert.equal(redactText(`cannot read ${KEY} here`), "cannot read AGE-SECRET-KEY-*** here");
  assert.equal(redactText(`${KEY.replace("KEY-1", "KEY-PQ-1")}`), "AGE-SECRET-KEY-***");
});

Deno.test("the command line reads an identity from a file, and refuses one that is not there by its path", async () => {
  const { identity } = verifyBackup.cli?.flags ?? {};
  const file = await Deno.makeTempFile({ prefix: "holdfast-test-" });
  try {
    await Deno.writeTextFile(file, `# public key: age1\n${KEY}\n`);
    assert.equal(identity?.parse?.(file), `# public key: age1\n${KEY}\n`);
  } finally {
    await Deno.remove(file);
  }
  assert.throws(() => identity?.parse?.("/nowhere/key"), {
    kind: "invalid",
    message: /^Cannot read the identity from "\/nowhere\/key"/,
  });
  assert.throws(() => parseInput(verifyBackup.input, { backup: "x", identity: "" }, "verify"), {
    kind: "invalid",
  });
});
