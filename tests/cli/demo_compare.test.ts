import assert from "node:assert/strict";
import { join } from "node:path";
import { compareTrees } from "../../src/cli/commands/demo/compare.ts";

/** Two equal trees, one of them changed by `change`, and what their comparison finds. */
async function differences(change: (copy: string) => Promise<void>): Promise<string[]> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-demo-" });
  try {
    const at = new Date("2030-01-15T01:02:03.456Z");
    for (const tree of ["source", "copy"]) {
      await Deno.mkdir(join(dir, tree, "docs"), { recursive: true });
      await Deno.writeTextFile(join(dir, tree, "docs", "notes.txt"), "good");
      await Deno.chmod(join(dir, tree, "docs", "notes.txt"), 0o644);
      await Deno.symlink("notes.txt", join(dir, tree, "docs", "link"));
      await Deno.utime(join(dir, tree, "docs", "notes.txt"), at, at);
      await Deno.utime(join(dir, tree, "docs"), at, at);
      await Deno.utime(join(dir, tree), at, at);
    }
    await change(join(dir, "copy"));
    return (await compareTrees(join(dir, "source"), join(dir, "copy"))).differences;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("two equal trees do not differ, and a change of each kind is named with its path", async () => {
  assert.deepEqual(await differences(() => Promise.resolve()), []);
  const cases: [(copy: string) => Promise<void>, string[]][] = [
    [(copy) => Deno.chmod(join(copy, "docs/notes.txt"), 0o600), ["docs/notes.txt: mode differs"]],
    [(copy) => Deno.utime(join(copy, "docs/notes.txt"), 1, 1), ["docs/notes.txt: time differs"]],
    [(copy) => Deno.remove(join(copy, "docs/link")), [
      "docs: time differs",
      "docs/link: missing in the copy",
    ]],
    [(copy) => Deno.writeTextFile(join(copy, "more"), ""), [".: time differs", "more: only in the copy"]],
    [async (copy) => {
      await Deno.remove(join(copy, "docs/link"));
      await Deno.symlink("elsewhere", join(copy, "docs/link"));
    }, ["docs: time differs", "docs/link: link target differs"]],
    [async (copy) => {
      const [path, before] = [join(copy, "docs/notes.txt"), await Deno.stat(join(copy, "docs/notes.txt"))];
      await Deno.writeTextFile(path, "evil");
      await Deno.utime(path, before.mtime!, before.mtime!);
    }, ["docs/notes.txt: content differs"]],
  ];
  for (const [change, expected] of cases) assert.deepEqual(await differences(change), expected);
});
