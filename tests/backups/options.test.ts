import assert from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import type { Engine, RestoreRequest, StoredArtifact } from "../../src/backups/mod.ts";
import { deleteBackup, restoreBackup, verifyBackup } from "../../src/backups/operations.ts";
import { copyEngine } from "../support/copy_engine.ts";
import { caller } from "../support/store.ts";
import { world } from "./fixture.ts";

/** The copying engine, which remembers what it was given. */
function rememberingEngine(overrides: Partial<Engine<z.output<typeof Options>>> = {}) {
  const given: { what: string; artifact: StoredArtifact; request?: RestoreRequest }[] = [];
  const copy = copyEngine();
  const engine = copyEngine({
    verify(artifact, context) {
      given.push({ what: "verify", artifact });
      return copy.verify(artifact, context);
    },
    restore(artifact, request) {
      given.push({ what: "restore", artifact, request });
      return Promise.resolve({ item_count: 2, restored_bytes: 9, warnings: [] });
    },
    remove(artifact, context) {
      given.push({ what: "remove", artifact });
      return copy.remove(artifact, context);
    },
    ...overrides,
  });
  return { engine, given };
}

const Options = z.strictObject({ source: z.string(), destination: z.string(), unreadable: z.boolean() });

Deno.test("engines get the options an artifact was made with, whatever becomes of its schedule", async () => {
  const { engine, given } = rememberingEngine();
  await using w = await world({ engine });
  const { id } = await w.make();
  const admin = caller({ role: "admin" });
  await w.ask(verifyBackup, { backup: id }, admin);
  await w.ask(restoreBackup, { backup: id, to: join(w.destination, "restored") }, admin);
  await w.ask(deleteBackup, { backup: id, force: true }, admin);
  assert.deepEqual(given.map(({ what }) => what), ["verify", "restore", "remove"]);
  for (const { artifact } of given) assert.deepEqual(artifact.options, w.options);
});

Deno.test("a restore goes into a directory or into a database, and only where the engine knows databases", async () => {
  const { engine, given } = rememberingEngine({ restoresInto: true });
  await using w = await world({ engine });
  const { id } = await w.make();
  const admin = caller({ role: "admin" });
  const restored = await w.ask(restoreBackup, { backup: id, into: "shop_copy" }, admin);
  assert.equal(restored.to, "shop_copy");
  assert.equal(given[0]?.request?.into, "shop_copy");
  await assert.rejects(w.ask(restoreBackup, { backup: id }, admin), {
    kind: "invalid",
    hint: "name one with --to DIR, or a database with --into NAME",
    errors: [{ path: "to", message: "say where to: a directory is needed" }],
  });
  await assert.rejects(w.ask(restoreBackup, { backup: id, to: w.destination, into: "x" }, admin), {
    kind: "invalid",
    errors: [{ path: "into", message: "it goes into a directory or into a database, not both" }],
  });
  await using plain = await world();
  const other = await plain.make();
  await assert.rejects(plain.ask(restoreBackup, { backup: other.id }, admin), {
    hint: "name one with --to DIR",
  });
  await assert.rejects(plain.ask(restoreBackup, { backup: other.id, into: "x" }, admin), {
    kind: "invalid",
    errors: [{ path: "into", message: 'backups of engine "copy" go into a directory' }],
  });
});

Deno.test("restoring into a database over the network is for admins", async () => {
  const { engine, given } = rememberingEngine({ restoresInto: true });
  await using w = await world({ engine });
  const { id } = await w.make();
  const operator = caller({ role: "operator", on_host: false });
  await assert.rejects(w.ask(restoreBackup, { backup: id, into: "shop" }, operator), { kind: "forbidden" });
  assert.deepEqual(given, []);
  await w.ask(restoreBackup, { backup: id, into: "shop" }, { ...operator, on_host: true });
  assert.equal(given.length, 1);
});

Deno.test("what an engine reserves is for admins and for people on this host", async () => {
  const { engine } = rememberingEngine({ reserved: () => ["allow_private", "a repository behind sftp"] });
  await using w = await world({ engine });
  const remote = caller({ role: "operator", on_host: false });
  await assert.rejects(w.backups.validateEngine("copy", w.options, remote), {
    kind: "forbidden",
    message:
      'Cannot use engine "copy" with allow_private and a repository behind sftp: over the network that needs role admin',
  });
  await w.backups.validateEngine("copy", w.options, { ...remote, on_host: true });
  await w.backups.validateEngine("copy", w.options, { ...remote, role: "admin" });
});
