/** The day after the disaster: a machine with the artifacts, this program, and nothing else. */
import assert from "node:assert/strict";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { z } from "zod";
import { Backup, BackupVerification, ImportResult } from "../../src/backups/model.ts";
import { addSchedule, backupsOf, namesIn } from "../support/backed_up.ts";
import { type Ended, Sandbox, sandbox } from "../support/daemon.ts";
import { isThere } from "../support/files.ts";
import { compareTrees, makeTree, oddTree } from "../support/tree.ts";

/** A sandbox with one backup of a tree of everything, and the paths that matter. */
async function disaster(): Promise<{ box: Sandbox; source: string; artifact: string }> {
  const box = await sandbox();
  const source = box.path("data");
  // Deno 2.7, whose runtime the binary may have to be tested with, reads times before 1970 as if after it.
  const { old: _, ...tree } = oddTree();
  await makeTree(source, tree);
  await addSchedule(box);
  await box.ok("schedules", "trigger", "nightly", "--wait");
  const [backup] = await backupsOf(box);
  assert.ok(backup !== undefined);
  return { box, source, artifact: backup.path };
}

/** Runs a command where there is no home, no data directory and no daemon. */
function bare(box: Sandbox, args: string[]): Promise<Ended> {
  return box.run(args, { env: { HOME: "", XDG_STATE_HOME: "", STATE_DIRECTORY: "" }, cwd: "/" });
}

Deno.test("an artifact alone is verified and restored: no home, no data directory, no daemon", async () => {
  const { box, source, artifact } = await disaster();
  await using _ = box;
  await Deno.remove(box.dataDir, { recursive: true });
  const verified = await bare(box, ["backups", "verify", "--file", artifact, "--output", "json"]);
  assert.equal(verified.code, 0, verified.stderr);
  const { ok, sha256 } = z.object({ ok: z.boolean(), sha256: z.string() }).parse(JSON.parse(verified.stdout));
  assert.deepEqual([ok, sha256.length], [true, 64]);
  const restored = await bare(box, ["backups", "restore", "--file", artifact, "--to", box.path("restored")]);
  assert.equal(restored.code, 0, restored.stderr);
  assert.deepEqual(await compareTrees(source, box.path("restored") + source), []);
  assert.ok(!await isThere(box.dataDir), "no data directory was made");
});

Deno.test("a damaged artifact is told from a good one without a database, by exit code and by words", async () => {
  const { box, artifact } = await disaster();
  await using _ = box;
  using file = await Deno.open(artifact, { read: true, write: true });
  await file.seek(Math.floor((await file.stat()).size / 2), Deno.SeekMode.Start);
  await file.write(new Uint8Array(64));
  const verified = await bare(box, ["backups", "verify", "--file", artifact]);
  assert.equal(verified.code, 20, verified.stdout + verified.stderr);
  assert.match(verified.stdout + verified.stderr, /SHA-256|damaged|checksum/i);
  const missing = await bare(box, ["backups", "verify", "--file", `${artifact}.gone`]);
  assert.ok([5, 20].includes(missing.code), missing.stdout + missing.stderr);
  assert.match(missing.stderr + missing.stdout, /not there|does not exist|no such file/i);
});

Deno.test("an encrypted artifact alone comes back with its identity from a file or a variable, and not without", async () => {
  await using box = await sandbox();
  const [source, key] = [box.path("data"), box.path("age.key")];
  await makeTree(source, { "a": "1", "b/c": { size: 300_000 } });
  const identity = await generateIdentity();
  await Deno.writeTextFile(key, `${identity}\n`);
  await addSchedule(box, { more: ["--encrypt-to", await identityToRecipient(identity)] });
  await box.ok("schedules", "trigger", "nightly", "--wait");
  const [backup] = await backupsOf(box);
  assert.match(backup?.path ?? "", /\.tar\.zst\.age$/);
  await box.ok("backups", "verify", backup!.id, "--identity-file", key);
  assert.equal((await box.cli("backups", "prove", backup!.id)).code, 20, "no identity to restore it with");
  await box.ok("backups", "prove", backup!.id, "--identity-file", key);

  const restore = ["backups", "restore", "--file", backup!.path, "--to"];
  const without = await bare(box, [...restore, box.path("x")]);
  assert.equal(without.code, 2, without.stdout + without.stderr);
  assert.match(without.stderr, /is encrypted, and its identity is needed[\s\S]*--identity-file/);
  const withFile = await bare(box, [...restore, box.path("by-file"), "--identity-file", key]);
  assert.equal(withFile.code, 0, withFile.stderr);
  const env = { HOME: "", XDG_STATE_HOME: "", STATE_DIRECTORY: "", HOLDFAST_AGE_IDENTITY: identity };
  const withVariable = await box.run([...restore, box.path("by-variable")], { env, cwd: "/" });
  assert.equal(withVariable.code, 0, withVariable.stderr);
  for (const target of ["by-file", "by-variable"]) {
    assert.deepEqual(await compareTrees(source, box.path(target) + source), []);
  }
});

Deno.test("an artifact opens with plain tar", async () => {
  const { box, source, artifact } = await disaster();
  await using _ = box;
  await Deno.mkdir(box.path("by-tar"));
  const args = ["--zstd", "-xpf", artifact, "-C", box.path("by-tar")];
  const { code, stderr } = await new Deno.Command("tar", { args, stderr: "piped" }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  assert.deepEqual(await compareTrees(source, box.path("by-tar") + source), []);
});

for (const withDaemon of [true, false]) {
  const where = withDaemon ? "with a running daemon" : "without a daemon";
  Deno.test(`a fresh data directory learns of all artifacts by import ${where}`, async () => {
    const { box, source } = await disaster();
    await using _ = box;
    await box.ok("schedules", "trigger", "nightly", "--wait");
    await Deno.writeTextFile(box.path("backups", "later.tar.zst.partial"), "half");
    const before = await backupsOf(box);
    await Deno.remove(box.dataDir, { recursive: true });
    if (withDaemon) await box.serve();
    const { imported, known } = await box.json(ImportResult, "backups", "import", box.path("backups"));
    assert.deepEqual([imported.length, known], [2, 0]);
    const after = await backupsOf(box);
    const facts = (backups: Backup[]) => backups.map((b) => [b.id, b.path, b.size_bytes, b.sha256, b.status]);
    assert.deepEqual(facts(after), facts(before));
    assert.equal((await box.json(ImportResult, "backups", "import", box.path("backups"))).known, 2);
    const id = after[0]?.id ?? "";
    assert.ok((await box.json(BackupVerification, "backups", "verify", id)).ok);
    await box.ok("backups", "restore", id, "--to", box.path("restored"));
    assert.deepEqual(await compareTrees(source, box.path("restored") + source), []);
    assert.ok((await namesIn(box, "backups")).includes("later.tar.zst.partial"), "what is not ours stays");
  });
}
