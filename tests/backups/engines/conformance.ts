/**
 * What every engine that backs up directories has to do, as one suite that each engine runs with its own options.
 *
 *     conformance({ engine: archiveEngine, options: ..., restoredAt: ... });
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import type {
  Artifact,
  ArtifactEntry,
  Engine,
  RestoreRequest,
  StoredArtifact,
} from "../../../src/backups/engine.ts";
import { compareRestored } from "../../../src/backups/proof_compare.ts";
import { HoldfastError } from "../../../src/lib/errors.ts";
import { compareTrees, makeTree, oddTree, type TreeSpec } from "../../support/tree.ts";
import { inTempDir, RecordingContext, withSmallDisk } from "./context.ts";

/** How the suite uses an engine. */
export interface EngineFixture<Options> {
  /** Word in front of each test's name; default: the engine's kind. */
  name?: string;
  engine: Engine<Options>;
  /** Options that back `source` up to the existing directory `destination`. */
  options(source: string, destination: string): Options;
  /** Where a restore to `target` puts what was backed up from `source`. */
  restoredAt(target: string, source: string): string;
  /** Secrets the engine may ask for. */
  secrets?: Record<string, string>;
  /** Names of the odd tree that it cannot keep as they are. */
  except?: readonly string[];
  /** Called before each test. */
  prepare?(scene: { destination: string }): Promise<void>;
  /** False where a list does not tell what links say. */
  listsLinkTargets?: boolean;
  /** How artifacts are reached that are no files of this host. Full disks and discovery are not tested then. */
  elsewhere?: {
    read(artifact: Artifact): Promise<Uint8Array>;
    write(artifact: Artifact, bytes: Uint8Array): Promise<void>;
    remove(artifact: Artifact): Promise<void>;
  };
  /** What is left of backups at a destination; default: its files. */
  left?(destination: string): Promise<string[]>;
  /** Secrets that are wrong; a run with them says `wrong_credentials`. */
  wrongSecrets?: Record<string, string>;
  /** The same engine where its program is not installed, and how to install it. */
  without?: { engine: Engine<Options>; says: RegExp };
}

/** A whole restore into a new place, with links of every kind. */
export function wholeRestore(target: string): RestoreRequest {
  return { target, patterns: [], force: false, owners: false, outside_links: true };
}

/** Registers the suite. */
export function conformance<Options>(fixture: EngineFixture<Options>): void {
  const { engine, restoredAt, secrets = {} } = fixture;
  const bytesOf = fixture.elsewhere ?? {
    read: ({ path }: Artifact) => Deno.readFile(path),
    write: ({ path }: Artifact, bytes: Uint8Array) => Deno.writeFile(path, bytes),
    remove: ({ path }: Artifact) => Deno.remove(path),
  };
  const left = fixture.left ?? ((destination: string) => Promise.resolve(filesBelow(destination)));
  const quiet = (...given: ConstructorParameters<typeof RecordingContext>) =>
    new RecordingContext(given[0], given[1], secrets);
  const test = (sentence: string, body: (t: Scene) => Promise<void>) =>
    Deno.test(`${fixture.name ?? engine.kind}: ${sentence}`, () =>
      inTempDir(async (dir) => {
        const scene: Scene = { dir, source: join(dir, "source"), destination: join(dir, "backups") };
        await Deno.mkdir(scene.destination);
        await fixture.prepare?.(scene);
        await body(scene);
      }));
  const make = async (
    scene: Scene,
    context = quiet(),
    name = "nightly-1",
    by = engine,
  ): Promise<Artifact & StoredArtifact> => {
    const options = engine.options.parse(fixture.options(scene.source, scene.destination));
    const labels = { schedule: "nightly", server_id: 7, none: null };
    return { ...await by.make({ options, name, labels }, context), options };
  };

  test("a restored tree equals its source", async (scene) => {
    const odd = Object.entries(oddTree()).filter(([name]) => !fixture.except?.includes(name));
    await makeTree(scene.source, Object.fromEntries(odd));
    const artifact = await make(scene);
    assert.equal(artifact.verified, true);
    assert.equal(artifact.incomplete, false);
    assert.deepEqual(artifact.skipped, []);
    const target = join(scene.dir, "restored");
    const restored = await engine.restore(artifact, wholeRestore(target), quiet());
    assert.deepEqual(restored.warnings, []);
    assert.equal(restored.item_count, artifact.item_count);
    assert.deepEqual(await compareTrees(scene.source, restoredAt(target, scene.source)), []);
    const compared = await compareRestored(engine.list(artifact, quiet()), target, quiet().signal);
    assert.deepEqual([compared.ok, compared.detail], [true, compared.detail]);
  });

  test("what it reports is what lies on disk", async (scene) => {
    await makeTree(scene.source, { "a": "12345", "b/c": "678" });
    const artifact = await make(scene);
    assert.equal(artifact.source_bytes, 8);
    assert.equal(artifact.item_count, 4);
    if (artifact.sha256 === null) return;
    const bytes = await bytesOf.read(artifact);
    assert.equal(artifact.size_bytes, bytes.length);
    assert.equal(artifact.sha256, createHash("sha256").update(bytes).digest("hex"));
  });

  test("progress only rises and ends at the total", async (scene) => {
    await makeTree(scene.source, { "a": { size: 5_000_000 }, "b": { size: 100 } });
    const context = quiet();
    await make(scene, context);
    for (const phase of ["read", "verify"] as const) {
      const bytes = context.updates.filter((update) => update.phase === phase).map((update) =>
        update.done_bytes
      );
      assert.deepEqual(bytes, [...bytes].sort((a, b) => a - b), phase);
      assert.equal(bytes.at(-1), 5_000_100, phase);
    }
  });

  test("an untouched artifact verifies", async (scene) => {
    await makeTree(scene.source, { "a": "1", "b/c": { size: 100_000 } });
    const artifact = await make(scene);
    const found = await engine.verify(artifact, quiet());
    assert.deepEqual(found.problems, []);
    assert.equal(found.ok, true);
    assert.equal(found.sha256, artifact.sha256);
    assert.equal(found.size_bytes, artifact.size_bytes);
    assert.equal(found.item_count, artifact.item_count);
  });

  test("a changed, shortened or removed artifact does not verify", async (scene) => {
    await makeTree(scene.source, { "a": { size: 300_000 } });
    const artifact = await make(scene);
    if (artifact.sha256 === null) return;
    const bytes = await bytesOf.read(artifact);
    const failing = async (what: string) => {
      const { ok, problems } = await engine.verify(artifact, quiet());
      assert.equal(ok, false, what);
      assert.notEqual(problems.length, 0, what);
    };
    for (const at of [0, 10, bytes.length >> 1, bytes.length - 1]) {
      const changed = bytes.slice();
      changed[at]! ^= 0x10;
      await bytesOf.write(artifact, changed);
      await failing(`byte ${at} changed`);
    }
    for (const length of [0, 3, bytes.length >> 1, bytes.length - 1]) {
      await bytesOf.write(artifact, bytes.subarray(0, length));
      await failing(`cut to ${length} bytes`);
    }
    await bytesOf.remove(artifact);
    await failing("removed");
  });

  test("list names every entry", async (scene) => {
    await makeTree(scene.source, { "a": "1", "dir/file": "22", "dir/link": { symlink: "file" } });
    const artifact = await make(scene);
    const entries = new Map<string, ArtifactEntry>();
    const base = restoredAt("", scene.source).replace(/^\//, "");
    for await (const entry of engine.list(artifact, quiet())) {
      if (entry.path.startsWith(base)) entries.set(entry.path.slice(base.length), entry);
    }
    assert.deepEqual([...entries.keys()], ["", "/a", "/dir", "/dir/file", "/dir/link"]);
    assert.equal(entries.get("/dir/file")?.size_bytes, 2);
    assert.equal(entries.get("/dir")?.kind, "directory");
    assert.equal(entries.get("/dir/link")?.kind, "symlink");
    if (fixture.listsLinkTargets !== false) assert.equal(entries.get("/dir/link")?.link_target, "file");
  });

  test("a list may be left in the middle", async (scene) => {
    await makeTree(scene.source, manyFiles(2000));
    const artifact = await make(scene);
    let count = 0;
    for await (const _ of engine.list(artifact, quiet())) if (++count === 3) break;
    assert.equal(count, 3);
  });

  test("patterns restore a part and nothing else", async (scene) => {
    await makeTree(scene.source, { "a.conf": "1", "b.txt": "2", "sub/c.conf": "3", "other/d.txt": "4" });
    const artifact = await make(scene);
    const target = join(scene.dir, "restored");
    const root = restoredAt("", scene.source).replace(/^\//, "");
    const patterns = ["*.conf", `${root}/other`];
    const restored = await engine.restore(
      artifact,
      { ...wholeRestore(target), patterns },
      quiet(),
    );
    assert.deepEqual(restored.warnings, []);
    const at = restoredAt(target, scene.source);
    assert.deepEqual(filesBelow(at), ["a.conf", "other/d.txt", "sub/c.conf"]);
    await assert.rejects(
      engine.restore(artifact, { ...wholeRestore(target), patterns: ["*.nothing"] }, quiet()),
      (error) => error instanceof HoldfastError && error.kind === "not_found",
    );
  });

  test("files that exist are not overwritten, and nothing is written then, unless forced", async (scene) => {
    await makeTree(scene.source, { "a": "from the backup", "b": "from the backup" });
    const artifact = await make(scene);
    const target = join(scene.dir, "restored");
    const at = restoredAt(target, scene.source);
    await makeTree(at, { "b": "mine" });
    await assert.rejects(
      engine.restore(artifact, wholeRestore(target), quiet()),
      (error) => error instanceof HoldfastError && error.kind === "conflict" && error.message.includes("/b"),
    );
    assert.deepEqual(filesBelow(at), ["b"]);
    assert.equal(await Deno.readTextFile(join(at, "b")), "mine");
    await engine.restore(artifact, { ...wholeRestore(target), force: true }, quiet());
    assert.deepEqual(await compareTrees(scene.source, at), []);
  });

  test("a run cancelled at its start or in its middle leaves nothing", async (scene) => {
    await makeTree(scene.source, { "a": { size: 30_000_000 } });
    const reason = new Error("cancelled by a test");
    await assert.rejects(make(scene, quiet(AbortSignal.abort(reason))), reason);
    for (const phase of ["read", "verify"]) {
      const cancel = new AbortController();
      const context = quiet(cancel.signal, (update) => {
        if (update.phase === phase) cancel.abort(reason);
      });
      await assert.rejects(make(scene, context), reason);
      assert.equal(cancel.signal.aborted, true, phase);
    }
    assert.deepEqual(await left(scene.destination), []);
  });

  test("a full disk is an error that says so and leaves nothing", async (scene) => {
    if (fixture.elsewhere !== undefined) return;
    await makeTree(scene.source, { "a": { size: 8_000_000 } });
    const disk = join(scene.dir, "disk");
    await withSmallDisk(`${engine.kind} on a full disk`, disk, 1, async () => {
      await assert.rejects(
        make({ ...scene, destination: disk }),
        (error) =>
          error instanceof HoldfastError && error.kind === "exhausted" && error.message.includes(disk),
      );
      assert.deepEqual(await left(disk), []);
    });
  });

  test("a source that is gone is an error that names it", async (scene) => {
    const problems = await engine.check(
      engine.options.parse(fixture.options(scene.source, scene.destination)),
    );
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, new RegExp(`"${scene.source}" does not exist`));
    await assert.rejects(
      make(scene),
      (error) =>
        error instanceof HoldfastError && error.kind === "invalid" && error.message.includes(scene.source),
    );
    assert.deepEqual(await left(scene.destination), []);
  });

  test("wrong credentials are an error that says so without telling them", async (scene) => {
    if (fixture.wrongSecrets === undefined) return;
    await makeTree(scene.source, { "a": "1" });
    await make(scene);
    const context = new RecordingContext(undefined, undefined, fixture.wrongSecrets);
    await assert.rejects(make(scene, context, "nightly-2"), (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.equal(error.code, "wrong_credentials", error.message);
      const told = JSON.stringify([error.message, error.hint, String(error.cause), context.logs]);
      for (const secret of Object.values(fixture.wrongSecrets ?? {})) {
        assert.equal(told.includes(secret), false);
      }
      return true;
    });
  });

  test("a program that is not installed is named with how to install it", async (scene) => {
    if (fixture.without === undefined) return;
    const { engine: bare, says } = fixture.without;
    await makeTree(scene.source, { "a": "1" });
    assert.match((await bare.check(fixture.options(scene.source, scene.destination))).join("; "), says);
    await assert.rejects(make(scene, quiet(), "nightly-1", bare), (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.match(`${error.message}; ${error.hint}`, says);
      return true;
    });
  });

  test("an artifact can be removed, also twice", async (scene) => {
    await makeTree(scene.source, { "a": "1" });
    const artifact = await make(scene);
    await engine.remove(artifact, quiet());
    assert.deepEqual(await left(scene.destination), []);
    await engine.remove(artifact, quiet());
  });

  test("artifacts are found again from their files alone", async (scene) => {
    if (engine.discover === undefined || engine.identify === undefined || fixture.elsewhere) return;
    await makeTree(scene.source, { "a": "1" });
    const artifact = await make(scene);
    const found = [];
    for await (const facts of engine.discover(scene.destination)) found.push(facts);
    assert.deepEqual(found, [{
      path: artifact.path,
      size_bytes: artifact.size_bytes,
      sha256: artifact.sha256,
      source_bytes: 1,
      item_count: artifact.item_count,
      skipped_count: 0,
      incomplete: false,
      created_at: "2026-01-02T03:04:05.678Z",
      labels: { schedule: "nightly", server_id: 7, none: null },
    }]);
    assert.deepEqual(await engine.identify(artifact.path), {
      path: artifact.path,
      size_bytes: artifact.size_bytes,
      sha256: artifact.sha256,
    });
    assert.equal(await engine.identify(join(scene.source, "a")), undefined);
    await assert.rejects(
      engine.identify(join(scene.dir, "nothing")),
      (error) => error instanceof HoldfastError && error.kind === "not_found",
    );
  });
}

interface Scene {
  dir: string;
  source: string;
  destination: string;
}

/** A tree of `count` small files, fifty to a directory. */
export function manyFiles(count: number): TreeSpec {
  const spec: TreeSpec = {};
  for (let i = 0; i < count; i++) spec[`d${Math.floor(i / 50)}/f${i}`] = `content of file ${i}\n`;
  return spec;
}

/** Paths of what is not a directory below `dir`, sorted. */
export function filesBelow(dir: string): string[] {
  const found: string[] = [];
  const visit = (prefix: string) => {
    for (const entry of Deno.readDirSync(join(dir, prefix))) {
      if (entry.isDirectory) visit(`${prefix}${entry.name}/`);
      else found.push(prefix + entry.name);
    }
  };
  visit("");
  return found.sort();
}
