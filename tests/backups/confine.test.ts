import assert from "node:assert/strict";
import { join } from "node:path";
import { confine, type Confinement, isWithin } from "../../src/backups/mod.ts";
import { ofKind } from "../servers/fixture.ts";

/** A temporary tree: an allowed root `data`, a neighbour `data2`, and Holdfast's own directory inside the root. */
async function withTree(test: (root: string, confinement: Confinement) => Promise<void>): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "holdfast-test-" }));
  try {
    for (const path of ["data/inside/deep", "data2", "elsewhere", "data/own"]) {
      await Deno.mkdir(join(dir, path), { recursive: true });
    }
    await Deno.writeTextFile(join(dir, "data/file"), "x");
    await test(dir, { allowed_roots: [join(dir, "data")], data_dir: join(dir, "data/own") });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a path is judged by where it really leads", () =>
  withTree(async (dir, confinement) => {
    const link = (target: string, path: string) => Deno.symlink(target, join(dir, path));
    await link(join(dir, "elsewhere"), "data/out");
    await link("..", "data/up");
    await link(join(dir, "data/inside"), "data2/in");
    await link(join(dir, "elsewhere/none"), "data/dangling");
    await link(join(dir, "data/loop"), "data/loop");
    await link(join(dir, "data/out"), "data/twice");
    const rows: [string, "ok" | "forbidden" | "invalid", string?][] = [
      ["data/inside", "ok"],
      ["data/inside/new/dirs", "ok"],
      ["data/file", "ok"],
      ["data2/in", "ok", "a link into the root leads into it"],
      ["data2/in/new", "ok"],
      ["data2", "forbidden", "a name that begins like the root is not in it"],
      ["data2/new", "forbidden"],
      ["elsewhere", "forbidden"],
      ["missing", "forbidden"],
      ["data/out", "forbidden"],
      ["data/out/new", "forbidden", "the part that exists leads out"],
      ["data/twice", "forbidden", "a link to a link"],
      ["data/up", "forbidden"],
      ["data/up/data/inside", "ok", "out and in again is in"],
      ["data/dangling", "forbidden", "what is put there later would be outside"],
      ["data/dangling/new", "forbidden"],
      ["data/loop", "forbidden"],
      ["data/file/below", "ok", "it cannot exist, so nothing is outside"],
      ["data/inside/../../elsewhere", "invalid"],
      ["data/inside/..", "invalid"],
      ["data", "forbidden", "it holds the data directory"],
      ["data/own", "forbidden"],
      ["data/own/holdfast.db", "forbidden"],
      ["data/inside\0/x", "invalid"],
    ];
    for (const [path, expected, why] of rows) {
      const judged = confine(`${dir}/${path}`, confinement);
      if (expected === "ok") await judged;
      else await assert.rejects(judged, ofKind(expected), `${path}: ${why ?? expected}`);
    }
    await assert.rejects(confine("data/inside", confinement), ofKind("invalid", /not absolute/));
    await assert.rejects(confine("", confinement), ofKind("invalid", /not absolute/));
  }));

Deno.test("a path that became a link since is refused at the next judgement", () =>
  withTree(async (dir, confinement) => {
    const path = join(dir, "data/inside");
    await confine(path, confinement);
    await Deno.remove(path, { recursive: true });
    await Deno.symlink(join(dir, "elsewhere"), path);
    await assert.rejects(confine(path, confinement), ofKind("forbidden"));
  }));

Deno.test("a path outside says the same whether or not it exists", () =>
  withTree(async (dir, confinement) => {
    const messageFor = (path: string) =>
      confine(path, confinement).then(() => "", (error: Error) => error.message.replace(path, "PATH"));
    assert.equal(await messageFor(join(dir, "elsewhere")), await messageFor(join(dir, "nowhere")));
  }));

Deno.test("no allowed roots allow nothing, a root that is itself a link is followed, and / allows all but the own directory", () =>
  withTree(async (dir, confinement) => {
    const path = join(dir, "data/inside");
    await assert.rejects(confine(path, { ...confinement, allowed_roots: [] }), ofKind("forbidden"));
    await Deno.symlink(join(dir, "data"), join(dir, "root"));
    await confine(path, { ...confinement, allowed_roots: [join(dir, "root")] });
    await confine(path, { ...confinement, allowed_roots: ["/"] });
    await assert.rejects(confine(dir, { ...confinement, allowed_roots: ["/"] }), ofKind("forbidden"));
  }));

Deno.test("a directory is within itself and its parents, not within one whose name it continues", () => {
  const rows: [string, string, boolean][] = [
    ["/srv/data", "/srv/data", true],
    ["/srv/data/x", "/srv/data", true],
    ["/srv/data2", "/srv/data", false],
    ["/srv", "/srv/data", false],
    ["/srv", "/", true],
    ["/", "/", true],
  ];
  for (const [path, root, expected] of rows) {
    assert.equal(isWithin(path, root), expected, `${path} in ${root}`);
  }
});
