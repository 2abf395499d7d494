/** A good file is kept by copy, reading back and rename: whole or not at all, and never over another. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { keepFile, type KeepRequest } from "../../src/monitor/scan/keep.ts";
import { moveVersion } from "../../src/monitor/scan/move.ts";
import { isThere, walk } from "../support/files.ts";
import { reportA } from "./report_samples.ts";
import { AGENT, hashOf, scanWorld } from "./scan_world.ts";

interface Place extends Disposable {
  dir: string;
  root: string;
  request: KeepRequest;
}

function place(content = "a good dump"): Place {
  const dir = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "holdfast-keep-" }));
  const path = join(dir, "shop.gz");
  Deno.writeTextFileSync(path, content);
  Deno.utimeSync(path, new Date("2026-03-02T13:05:00Z"), new Date("2026-03-02T13:05:00Z"));
  const root = join(dir, "validated");
  Deno.mkdirSync(root);
  return {
    dir,
    root,
    request: {
      path,
      size_bytes: content.length,
      sha256: hashOf(content),
      root,
      directories: ["ACME", "shop"],
      stamp: "20260302T130000Z",
      now: Date.now(),
    },
    [Symbol.dispose]: () => Deno.removeSync(dir, { recursive: true }),
  };
}

const filesIn = (root: string) => [...walk(root)].map((path) => path.slice(root.length + 1));

Deno.test("a kept file has the content and time of the staged one, and a checksum that sha256sum reads", async () => {
  using at = place();
  const kept = keepFile(at.request);
  assert.ok(kept.ok);
  assert.equal(kept.path, join(at.root, "ACME/shop/20260302T130000Z_shop.gz"));
  assert.equal(kept.modified_ms, Date.parse("2026-03-02T13:05:00Z"));
  assert.deepEqual(filesIn(at.root), [
    "ACME/shop/20260302T130000Z_shop.gz",
    "ACME/shop/20260302T130000Z_shop.gz.sha256",
  ]);
  const check = await new Deno.Command("sha256sum", {
    args: ["-c", "--strict", "20260302T130000Z_shop.gz.sha256"],
    cwd: join(at.root, "ACME/shop"),
    stdout: "null",
  }).output();
  assert.equal(check.code, 0);
  assert.ok(await isThere(at.request.path));
});

Deno.test("a copy that a crash left behind is removed a day later, one that may be under way is not", () => {
  using at = place();
  const folder = join(at.root, "ACME/shop");
  Deno.mkdirSync(folder, { recursive: true });
  const [old, fresh] = [".0123456789ab.partial", ".ba9876543210.partial"].map((name) => join(folder, name));
  for (const path of [old!, fresh!]) Deno.writeTextFileSync(path, "half");
  const before = new Date(Date.now() - 2 * 86_400_000);
  Deno.utimeSync(old!, before, before);
  assert.ok(keepFile(at.request).ok);
  assert.deepEqual(filesIn(at.root).filter((path) => path.endsWith(".partial")), [
    "ACME/shop/.ba9876543210.partial",
  ]);
});

Deno.test("keeping it again finds it, and another content for the same instant is a version of its own", () => {
  using at = place();
  const first = keepFile(at.request);
  assert.deepEqual(keepFile(at.request), first);
  Deno.writeTextFileSync(at.request.path, "a better dump");
  const second = keepFile({ ...at.request, size_bytes: 13, sha256: hashOf("a better dump") });
  assert.ok(first.ok && second.ok);
  assert.equal(second.path, join(at.root, "ACME/shop/20260302T130000Z.2_shop.gz"));
  assert.equal(Deno.readTextFileSync(first.path), "a good dump");
});

Deno.test("what a crash left half copied is not taken for the file", () => {
  using at = place();
  const first = keepFile(at.request);
  assert.ok(first.ok);
  Deno.removeSync(`${first.path}.sha256`);
  Deno.writeTextFileSync(join(at.root, "ACME/shop/.abcdef.partial"), "a go");
  assert.deepEqual(keepFile(at.request), first);
  assert.ok(
    filesIn(at.root).includes("ACME/shop/20260302T130000Z_shop.gz.sha256"),
    "the checksum is made up for",
  );
});

const WRONG: readonly [string, (at: Place) => void, RegExp, boolean][] = [
  ["is gone", (at) => Deno.removeSync(at.request.path), /is not there any more/, false],
  [
    "has grown",
    (at) => Deno.writeTextFileSync(at.request.path, "a good dump and more"),
    /has changed/,
    false,
  ],
  ["has other content", (at) => Deno.writeTextFileSync(at.request.path, "a BAD  dump"), /has changed/, false],
  [
    "became a link",
    (at) => {
      Deno.renameSync(at.request.path, `${at.request.path}.real`);
      Deno.symlinkSync(`${at.request.path}.real`, at.request.path);
    },
    /symbolic link/,
    false,
  ],
  [
    "would go through a link",
    (at) => Deno.symlinkSync("/tmp", join(at.root, "ACME")),
    /symbolic link/,
    false,
  ],
  ["has no root", (at) => Deno.removeSync(at.root), /it is not there/, true],
  [
    "meets a file where a directory should be",
    (at) => Deno.writeTextFileSync(join(at.root, "ACME"), ""),
    /./,
    true,
  ],
];

for (const [what, spoil, reason, retry] of WRONG) {
  Deno.test(`a file that ${what} is not kept, and nothing half is left`, () => {
    using at = place();
    spoil(at);
    const kept = keepFile(at.request);
    assert.ok(!kept.ok);
    assert.match(kept.reason, reason);
    assert.equal(kept.retry, retry);
    const left = kept.retry && what !== "has no root" ? ["ACME"] : [];
    assert.deepEqual(what === "has no root" ? [] : filesIn(at.root), left);
  });
}

Deno.test("a name that becomes too long with its instant is refused for good", () => {
  using at = place();
  const path = join(at.dir, "x".repeat(250));
  Deno.renameSync(at.request.path, path);
  const kept = keepFile({ ...at.request, path });
  assert.ok(!kept.ok && !kept.retry);
  assert.match(kept.reason, /longer than 255 bytes/);
});

Deno.test("a version moves to the trash and back with its checksum, and goes for good", () => {
  using at = place();
  const kept = keepFile(at.request);
  assert.ok(kept.ok);
  const trash = join(at.root, ".trash/7_shop.gz");
  assert.deepEqual(moveVersion(kept.path, trash, at.root), { ok: true, absent: false });
  assert.deepEqual(filesIn(at.root), [".trash/7_shop.gz", ".trash/7_shop.gz.sha256"]);
  assert.deepEqual(moveVersion(kept.path, trash, at.root), { ok: true, absent: true });
  assert.deepEqual(moveVersion(trash, kept.path, at.root), { ok: true, absent: false });
  assert.deepEqual(moveVersion(kept.path, null, at.root), { ok: true, absent: false });
  assert.deepEqual(filesIn(at.root), []);
});

Deno.test("nothing outside the root is moved or removed, and nothing through a link", () => {
  using at = place();
  for (const path of [at.request.path, join(at.root, "../shop.gz"), at.root]) {
    assert.ok(!moveVersion(path, null, at.root).ok, path);
  }
  Deno.symlinkSync(at.dir, join(at.root, "linked"));
  const through = moveVersion(join(at.root, "linked/shop.gz"), null, at.root);
  assert.ok(!through.ok && /symbolic link/.test(through.reason));
  assert.equal(Deno.readTextFileSync(at.request.path), "a good dump");
});

Deno.test("a full disk is tried again by the next scan, and a template that cannot be filled is not", async () => {
  await using world = await scanWorld();
  await world.put(`${AGENT}/databases/shop.gz`, "dump");
  const good = { file: "shop.gz", sha256: hashOf("dump"), size: 4 };
  await world.report("1.json", reportA(good));
  await Deno.rename(world.final, `${world.final}.away`);
  const result = await world.scan();
  assert.match(result.problems[0] ?? "", /Cannot keep .*shop.gz": it is not there/);
  assert.equal(world.judge.pending.length, 1);
  await Deno.rename(`${world.final}.away`, world.final);
  assert.equal((await world.scan()).files.kept, 1);
  assert.equal(world.judge.pending.length, 0);

  world.judge.template = "{neighborhood}/{nonsense}";
  await world.report("2.json", reportA({ ...good, end: "2026-03-02T13:30:00Z" }));
  await world.scan();
  assert.equal(world.judge.pending.length, 0);
  assert.match(world.judge.notKept.at(-1)?.reason ?? "", /unknown variable "nonsense"/);
});
