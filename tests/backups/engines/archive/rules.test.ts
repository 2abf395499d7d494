import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { zstdCompressSync } from "node:zlib";
import { isInside, rootsOf } from "../../../../src/backups/engines/archive/check.ts";
import { linkLeaves, safeNames } from "../../../../src/backups/engines/archive/safe-path.ts";
import { ZstdFrames } from "../../../../src/backups/engines/archive/zstd-frames.ts";
import { ArchiveOptions } from "../../../../src/backups/engines/archive.ts";
import { concat } from "./in_process.ts";

Deno.test("paths: names that would leave the target are refused", () => {
  for (const path of ["/etc/passwd", "../a", "a/../../b", "a/..", "..", "a\0b"]) {
    assert.equal(Array.isArray(safeNames(path)), false, path);
  }
  assert.deepEqual(safeNames("./a//b/./c/"), ["a", "b", "c"]);
  assert.deepEqual(safeNames("./"), []);
  assert.deepEqual(safeNames("..a/...b"), ["..a", "...b"]);
});

const links: [at: string, text: string, leaves: boolean][] = [
  ["a", "b", false],
  ["a", "b/c/d", false],
  ["d/a", "../b", false],
  ["d/e/a", "../../b", false],
  ["a", "..", true],
  ["d/a", "../..", true],
  ["d/a", "../../b", true],
  ["a", "/etc/passwd", true],
  ["a", "b/../c", true],
  ["a", "./b", false],
  ["d/a", "./.././b", false],
  ["a", "", false],
];
for (const [at, text, leaves] of links) {
  Deno.test(`links: ${at} -> ${text || "nothing"} ${leaves ? "may leave the target" : "stays inside"}`, () => {
    assert.equal(linkLeaves(at.split("/"), text), leaves);
  });
}

Deno.test("sources: each lies under its absolute path, and one inside another is in there already", () => {
  assert.deepEqual(rootsOf(["/srv/data", "/srv/data2/", "/srv/data/sub", "/srv/data", "/x/../srv/other"]), [
    { source: "/srv/data", path: "srv/data" },
    { source: "/srv/data2", path: "srv/data2" },
    { source: "/srv/other", path: "srv/other" },
  ]);
  assert.deepEqual(rootsOf(["/srv", "/"]), [{ source: "/", path: "." }]);
});

Deno.test("paths: inside means below, not beginning with the same letters", () => {
  assert.equal(isInside("/a/b", "/a"), true);
  assert.equal(isInside("/a", "/a"), true);
  assert.equal(isInside("/ab", "/a"), false);
  assert.equal(isInside("/a", "/"), true);
});

Deno.test("zstd: blocks and frames are found however the stream is cut", () => {
  const noise = crypto.getRandomValues(new Uint8Array(60_000));
  const frames = [
    zstdCompressSync(new Uint8Array(1_000_000)),
    Uint8Array.of(0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3),
    zstdCompressSync(new Uint8Array(0)),
    zstdCompressSync(concat([noise, noise, noise, noise])),
  ];
  const stream = concat(frames);
  const ends = frames.map((_, index) => concat(frames.slice(0, index + 1)).length);
  for (const size of [1, 3, 1000, stream.length]) {
    const scanner = new ZstdFrames();
    const cuts = new Set<number>();
    let at = 0;
    for (let from = 0; from < stream.length; from += size) {
      for (const piece of scanner.split(stream.subarray(from, from + size))) {
        assert.equal(Buffer.compare(piece, stream.subarray(at, at + piece.length)), 0);
        cuts.add(at += piece.length);
      }
      assert.equal(
        scanner.complete,
        ends.includes(Math.min(from + size, stream.length)),
        `at ${from + size}`,
      );
    }
    assert.equal(at, stream.length);
    for (const end of ends) assert.ok(cuts.has(end), `frame ending at ${end}, pieces of ${size}`);
  }
  assert.throws(() => [...new ZstdFrames().split(new TextEncoder().encode("not zstd"))], /not zstd/);
});

Deno.test("options: what cannot work is refused with the field", () => {
  const wrong: [Record<string, unknown>, string][] = [
    [{ sources: [] }, "sources"],
    [{ sources: ["relative"] }, "sources.0"],
    [{ destination: "relative" }, "destination"],
    [{ excludes: ["[z-a]"] }, "excludes.0"],
    [{ excludes: [""] }, "excludes.0"],
    [{ compression: "bzip2" }, "compression"],
    [{ level: 20 }, "level"],
    [{ compression: "gzip", level: 10 }, "level"],
    [{ unknown: 1 }, ""],
  ];
  for (const [changes, path] of wrong) {
    const parsed = ArchiveOptions.safeParse({ sources: ["/a"], destination: "/b", ...changes });
    assert.equal(parsed.error?.issues[0]?.path.join("."), path, JSON.stringify(changes));
  }
  assert.ok(ArchiveOptions.parse({ sources: ["/a"], destination: "/b", compression: "gzip", level: 9 }));
});
