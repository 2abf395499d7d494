import assert from "node:assert/strict";
import { HeaderEncoder, type TarEntry } from "../../../../src/backups/engines/archive/tar-encode.ts";
import { TarReader } from "../../../../src/backups/engines/archive/tar-decode.ts";
import { concat, tarBytes } from "./in_process.ts";

const PLAIN: TarEntry = {
  kind: "file",
  path: "a",
  size: 0,
  mode: 0o644,
  uid: 1000,
  gid: 1000,
  uname: "ada",
  gname: "staff",
  mtime: 1_700_000_000_000,
  link: "",
};

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

async function readBack(entry: TarEntry) {
  const bytes = new HeaderEncoder().encode(entry).slice();
  const header = await new TarReader(pieces(bytes, 100)).next();
  assert.ok(header);
  return { header, blocks: bytes.length / 512 };
}

const rows: [string, Partial<TarEntry>, number][] = [
  ["a plain entry is one block", {}, 1],
  ["a path of 100 bytes still fits", { path: "p".repeat(100) }, 1],
  ["a path of 101 bytes is extended", { path: "p".repeat(101) }, 3],
  ["a path of 4,000 bytes is extended", { path: "dir/".repeat(1000) + "file" }, 10],
  ["a name that is not ASCII is extended", { path: "é🦕" }, 3],
  ["a path at the edge of one more digit of length", { path: "p".repeat(90) + "é" }, 3],
  ["a link of 5,000 bytes is extended", { kind: "symlink", link: "l".repeat(5000) }, 12],
  ["8 GiB less a byte still fits", { size: 8 * 2 ** 30 - 1 }, 1],
  ["8 GiB are extended", { size: 8 * 2 ** 30 }, 3],
  ["20 TiB are extended", { size: 20 * 2 ** 40 + 1 }, 3],
  ["milliseconds are extended", { mtime: 1_700_000_000_123 }, 3],
  ["a time before 1970 is extended", { mtime: -1 }, 3],
  ["a time long before 1970 is extended", { mtime: -62_135_596_799_999 }, 3],
  ["a time after 2242 is extended", { mtime: Date.UTC(2500, 0, 1) }, 3],
  ["a large id is extended", { uid: 4_294_967_294, gid: 2_097_152 }, 3],
  ["a long owner name is extended", { uname: "u".repeat(40) }, 3],
  ["set-id bits are kept", { mode: 0o7777 }, 1],
];

for (const [sentence, changes, blocks] of rows) {
  Deno.test(`tar: ${sentence}`, async () => {
    const entry = { ...PLAIN, ...changes };
    const read = await readBack(entry);
    assert.equal(read.blocks, blocks);
    const { kind, path, size, mode, uid, gid, mtime, link } = read.header;
    assert.deepEqual(
      { kind, path, size, mode, uid, gid, mtime, link },
      {
        kind: entry.kind,
        path: entry.path,
        size: entry.kind === "file" ? entry.size : 0,
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        mtime: entry.mtime,
        link: entry.link,
      },
    );
  });
}

Deno.test("tar: an encoder's headers do not leak into each other", () => {
  const encoder = new HeaderEncoder();
  encoder.encode({ ...PLAIN, path: "p".repeat(300), uname: "u".repeat(50), mtime: 5 });
  assert.deepEqual(encoder.encode(PLAIN), new HeaderEncoder().encode(PLAIN));
});

const ARCHIVE = tarBytes([
  { kind: "directory", path: "d" },
  { kind: "file", path: "d/one", content: "1".repeat(1300) },
  { kind: "file", path: "d/empty" },
  { kind: "file", path: `d/${"long".repeat(60)}`, content: "2", mtime: 1 },
]);

async function namesIn(source: AsyncIterable<Uint8Array>): Promise<string[]> {
  const tar = new TarReader(source);
  const names = [];
  for (let header = await tar.next(); header !== null; header = await tar.next()) names.push(header.path);
  return names;
}

Deno.test("tar: however the stream is cut, the same entries come out", async () => {
  const expected = ["d/", "d/one", "d/empty", `d/${"long".repeat(60)}`];
  for (const size of [1, 7, 511, 512, 513, 100_000]) {
    assert.deepEqual(await namesIn(pieces(ARCHIVE, size)), expected, `pieces of ${size}`);
  }
});

Deno.test("tar: an archive cut anywhere before its end mark is damaged", async () => {
  for (let length = 0; length <= ARCHIVE.length - 1024; length += 256) {
    await assert.rejects(
      namesIn(pieces(ARCHIVE.subarray(0, length), 1000)),
      /The archive is damaged/,
      `${length}`,
    );
  }
});

Deno.test("tar: a changed header does not match its checksum", async () => {
  for (const at of [0, 100, 124, 156, 500]) {
    const changed = ARCHIVE.slice();
    changed[at]! ^= 1;
    await assert.rejects(namesIn(pieces(changed, 1000)), /checksum/);
  }
});

Deno.test("tar: GNU's long names and base-256 numbers are read", async () => {
  const name = "n".repeat(200);
  const long = rawHeader("././@LongLink", "L", name.length + 1);
  const body = new Uint8Array(512);
  body.set(new TextEncoder().encode(name));
  const entry = rawHeader("n".repeat(100), "0", 0);
  // Size 9 GiB, in base 256.
  entry.set([0x80, 0, 0, 0, 0, 0, 0, 2, 0x40, 0, 0, 0], 124);
  resum(entry);
  const header = await new TarReader(pieces(concat([long, body, entry]), 512)).next();
  assert.equal(header?.path, name);
  assert.equal(header?.size, 9 * 2 ** 30);
});

Deno.test("tar: extended headers that make no sense are damage, not a crash", async () => {
  for (
    const records of [
      "x",
      "9999 path=a\n",
      "0 path=a\n",
      "12 pathhh\n",
      "11 size=-5\n",
      "13 size=1e99\n",
      "13 mtime=abc\n",
    ]
  ) {
    const header = rawHeader("PaxHeader", "x", records.length);
    const body = new Uint8Array(512);
    body.set(new TextEncoder().encode(records));
    const bytes = concat([header, body, rawHeader("a", "0", 0), new Uint8Array(1024)]);
    await assert.rejects(namesIn(pieces(bytes, 512)), /The archive is damaged/, records);
  }
  const huge = concat([rawHeader("PaxHeader", "x", 2 ** 31), new Uint8Array(1024)]);
  await assert.rejects(namesIn(pieces(huge, 512)), /larger than 1 MiB/);
});

/** A header block written by hand. */
function rawHeader(name: string, flag: string, size: number): Uint8Array {
  const header = new HeaderEncoder().encode({ ...PLAIN, path: name }).slice();
  header[156] = flag.charCodeAt(0);
  header.set(new TextEncoder().encode(size.toString(8).padStart(11, "0")), 124);
  resum(header);
  return header;
}

function resum(header: Uint8Array): void {
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(new TextEncoder().encode(sum.toString(8).padStart(6, "0") + "\0 "), 148);
}
