/** Encrypted archives: what opens them, what does not, and what other programs make of them. */
import assert from "node:assert/strict";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { join } from "node:path";
import { archiveEngine, readManifest } from "../../../../src/backups/engines/archive.ts";
import { HoldfastError } from "../../../../src/lib/errors.ts";
import { compareTrees, makeTree, oddTree } from "../../../support/tree.ts";
import { filesBelow, wholeRestore } from "../conformance.ts";
import { inTempDir, RecordingContext, run } from "../context.ts";

const identity = await generateIdentity();
const recipient = await identityToRecipient(identity);
const [other, second] = [await generateIdentity(), await generateIdentity()];

async function encrypted(dir: string, options: { compression?: "gzip"; encrypt_to?: string[] } = {}) {
  const source = join(dir, "source");
  await makeTree(source, oddTree());
  const context = new RecordingContext();
  const made = await archiveEngine.make({
    options: { sources: [source], destination: join(dir, "backups"), encrypt_to: [recipient], ...options },
    name: "n",
    labels: {},
  }, context);
  const { path, size_bytes, sha256 } = made;
  return { source, made, context, artifact: { path, size_bytes, sha256 } };
}

function test(sentence: string, body: (dir: string) => Promise<void>): void {
  Deno.test(`archive, encrypted: ${sentence}`, () => inTempDir(body));
}

test("it is read back whole without anybody's identity, and its manifest says whose opens it", async (dir) => {
  const { made, context } = await encrypted(dir);
  assert.equal(made.verified, true);
  assert.equal(
    context.updates.filter(({ phase }) => phase === "verify").at(-1)?.done_bytes,
    made.source_bytes,
  );
  const manifest = await readManifest(`${made.path}.manifest.json`);
  assert.deepEqual(manifest.encryption, { format: "age-encryption.org/v1", recipients: [recipient] });
  assert.deepEqual(filesBelow(join(dir, "backups")), ["n.tar.zst.age", "n.tar.zst.age.manifest.json"]);
  const plain = new TextDecoder("latin1").decode(await Deno.readFile(made.path));
  assert.equal(
    plain.split("\n").filter((line) => line.startsWith("-> ")).length,
    1,
    "one recipient, no other",
  );
});

test("without an identity its hash is compared, and it is neither listed nor restored", async (dir) => {
  const { artifact, made } = await encrypted(dir);
  const context = new RecordingContext();
  const found = await archiveEngine.verify(artifact, context);
  assert.deepEqual([found.ok, found.sha256, found.item_count], [true, made.sha256, made.item_count]);
  assert.match(context.logs.at(-1)?.text ?? "", /without its identity only its hash was compared/);
  const needed = { kind: "invalid", code: "identity_needed", message: /its identity is needed/ };
  await assert.rejects(archiveEngine.restore(artifact, wholeRestore(join(dir, "r")), context), needed);
  await assert.rejects(Array.fromAsync(archiveEngine.list(artifact, context)), needed);

  const bytes = await Deno.readFile(artifact.path);
  bytes[bytes.length - 40]! ^= 1;
  await Deno.writeFile(artifact.path, bytes);
  assert.equal((await archiveEngine.verify(artifact, context)).ok, false);

  await Deno.remove(`${artifact.path}.manifest.json`);
  const file = await archiveEngine.identify!(artifact.path);
  assert.deepEqual(file, { path: artifact.path, size_bytes: null, sha256: null });
  await assert.rejects(archiveEngine.verify(file!, context), needed);
});

test("an identity of any recipient opens it; another one, or none at all, is refused and not repeated", async (dir) => {
  const { artifact, source } = await encrypted(dir, {
    encrypt_to: [recipient, await identityToRecipient(second)],
  });
  const context = new RecordingContext();
  for (const [i, right] of [identity, `${other}\n${second}\n`].entries()) {
    assert.deepEqual((await archiveEngine.verify({ ...artifact, identity: right }, context)).problems, []);
    const target = join(dir, `r${i}`);
    await archiveEngine.restore({ ...artifact, identity: right }, wholeRestore(target), context);
    assert.deepEqual(await compareTrees(source, join(target, source)), []);
  }
  const rows = [
    [other, /it is not encrypted for this identity/],
    ["", /the identity is empty/],
    [identity.slice(0, -1), /what was given is no age identity/],
    [`${identity.slice(0, -1)}${identity.endsWith("Q") ? "P" : "Q"}`, /what was given is no age identity/],
    [recipient, /what was given is no age identity/],
  ] as const;
  for (const [wrong, message] of rows) {
    await assert.rejects(archiveEngine.verify({ ...artifact, identity: wrong }, context), (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.deepEqual([error.kind, error.code], ["invalid", "wrong_identity"]);
      assert.match(error.message, message);
      assert.ok(!error.message.includes("AGE-SECRET-KEY-1"), error.message);
      return true;
    });
  }
});

test("damage anywhere is found, and a cut one does not pass for a shorter one", async (dir) => {
  const { artifact } = await encrypted(dir, { compression: "gzip" });
  await Deno.remove(`${artifact.path}.manifest.json`);
  const unknown = { path: artifact.path, size_bytes: null, sha256: null, identity };
  const bytes = await Deno.readFile(artifact.path);
  const header = new TextDecoder("latin1").decode(bytes).indexOf("\n---") + 50;
  const problemOf = async (changed: Uint8Array) => {
    await Deno.writeFile(artifact.path, changed);
    return (await archiveEngine.verify(unknown, new RecordingContext())).problems;
  };
  assert.deepEqual(await problemOf(bytes), []);
  for (const at of [header - 20, header + 40, header + 65_600, bytes.length - 1]) {
    const changed = bytes.slice();
    changed[at]! ^= 1;
    assert.match((await problemOf(changed)).join(), /encrypt/, `byte ${at}`);
  }
  const chunk = 65_536 + 16;
  const body = bytes.length - (bytes.length - header) % chunk;
  for (const length of [bytes.length - 1, body, bytes.length >> 1]) {
    assert.match((await problemOf(bytes.subarray(0, length))).join(), /encrypt/, `${length} bytes`);
  }
});

Deno.test("archive, encrypted: keys that are none are refused before anything runs, without repeating a secret one", async () => {
  const given = (encrypt_to: unknown, rest = {}) =>
    archiveEngine.options.safeParse({ sources: ["/a"], destination: "/b", encrypt_to, ...rest });
  assert.equal(given([recipient]).success, true);
  for (const wrong of [[], [""], ["age1"], ["ssh-ed25519 AAAA"], [identity], "age1x"]) {
    const { success, error } = given(wrong);
    assert.equal(success, false, JSON.stringify(wrong));
    assert.ok(!JSON.stringify(error?.issues).includes(identity.slice(20)));
  }
  assert.equal(given(undefined, { identity: { secret: "age" } }).success, false, "nothing to open");
  await inTempDir(async (dir) => {
    await makeTree(join(dir, "a"), { "x": "1" });
    const problems = await archiveEngine.check({
      sources: [join(dir, "a")],
      destination: join(dir, "b"),
      encrypt_to: [recipient, `age1${"q".repeat(58)}`],
    });
    assert.match(problems.join(), /^Recipient "age1q+" is not one that age knows$/);
  });
});

if (await run("sh", "-c", "age --version && zstd --version && tar --version")) {
  for (const [compression, flag] of [[undefined, "--zstd"], ["gzip", "-z"]] as const) {
    test(`age -d and tar ${flag} restore it`, async (dir) => {
      const { artifact, source } = await encrypted(dir, compression === undefined ? {} : { compression });
      await Deno.writeTextFile(join(dir, "key"), identity + "\n");
      await Deno.mkdir(join(dir, "restored"));
      const script = `age -d -i key "$1" | tar ${flag} -xp -C restored`;
      const { success, stderr } = await new Deno.Command("bash", {
        args: ["-eo", "pipefail", "-c", script, "bash", artifact.path],
        cwd: dir,
      }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      assert.deepEqual(await compareTrees(source, join(dir, "restored", source)), []);
    });
  }

  test("what tar and age have made is verified and restored", async (dir) => {
    await makeTree(join(dir, "source"), oddTree());
    const script = `tar --format=posix --zstd -cf - source | age -r "$1" > x.tar.zst.age`;
    const { success } = await new Deno.Command("bash", {
      args: ["-eo", "pipefail", "-c", script, "bash", recipient],
      cwd: dir,
    }).output();
    assert.ok(success);
    const artifact = { path: join(dir, "x.tar.zst.age"), size_bytes: null, sha256: null, identity };
    const context = new RecordingContext();
    assert.deepEqual((await archiveEngine.verify(artifact, context)).problems, []);
    await archiveEngine.restore(artifact, wholeRestore(join(dir, "r")), context);
    assert.deepEqual(await compareTrees(join(dir, "source"), join(dir, "r/source")), []);
  });
} else {
  console.log("skipped: exchange with age: age, zstd or tar not found: install age, zstd and GNU tar");
}
