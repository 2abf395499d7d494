/**
 * What every engine has to do whose artifact is one file with a manifest beside it, as one suite that each engine runs
 * against the real thing.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import type {
  Artifact,
  Engine,
  Progress,
  RestoreRequest,
  StoredArtifact,
} from "../../../src/backups/engine.ts";
import { type ErrorKind, HoldfastError } from "../../../src/lib/errors.ts";
import { inTempDir, RecordingContext, withSmallDisk } from "./context.ts";

/** Where a test takes place. */
export interface DumpScene {
  dir: string;
  destination: string;
}

/** How the suite uses an engine. */
export interface DumpFixture<Options> {
  /** Word in front of each test's name; default: the engine's kind. */
  name?: string;
  engine: Engine<Options>;
  /** Puts data where the options read it; `large`: some ten megabytes that do not compress. */
  fill(scene: DumpScene, size: "small" | "large"): Promise<void>;
  options(scene: DumpScene): Options;
  /** Ending of artifacts. */
  suffix: string;
  /** Name of the file a restore makes. */
  content(artifact: Artifact): string;
  /** Compares a restored file with the source. */
  compare(scene: DumpScene, file: string): Promise<void>;
  /** Secrets the engine may ask for. */
  secrets?: Record<string, string>;
  /** Options whose source is not there, and how a run says so. */
  gone?: { options(scene: DumpScene): Options; says: RegExp; kind?: ErrorKind };
  /** Secrets that are wrong, and how a run says so. */
  wrong?: { secrets: Record<string, string>; says: RegExp };
  /** The same engine where its program is not installed, and how to install it. */
  without?: { engine: Engine<Options>; says: RegExp };
  /** Phase in which a run is cancelled; default: read. */
  cancelIn?: readonly ("read" | "verify")[];
}

/** A context that knows secrets. */
export class SecretContext extends RecordingContext {
  constructor(
    secrets: Record<string, string> = {},
    signal?: AbortSignal,
    onProgress?: (update: Progress) => void,
  ) {
    super(signal, onProgress, secrets);
  }
}

/** A whole restore into a new place. */
export function into(target: string, overrides: Partial<RestoreRequest> = {}): RestoreRequest {
  return { target, patterns: [], force: false, owners: false, ...overrides };
}

const is = (kind: ErrorKind, says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof HoldfastError, String(error));
  assert.match(error.message, says);
  assert.equal(error.kind, kind, error.message);
  return true;
};

/** Registers the suite. */
export function dumpConformance<Options>(fixture: DumpFixture<Options>): void {
  const { engine, secrets = {} } = fixture;
  const test = (sentence: string, body: (scene: DumpScene) => Promise<void>) =>
    Deno.test(`${fixture.name ?? engine.kind}: ${sentence}`, () =>
      inTempDir(async (dir) => {
        const scene = { dir, destination: join(dir, "backups") };
        await Deno.mkdir(scene.destination);
        await body(scene);
      }));
  const context = (signal?: AbortSignal, onProgress?: RecordingContext["progress"]) =>
    new SecretContext(secrets, signal, onProgress);
  const make = (scene: DumpScene, given = context(), options = fixture.options(scene), name = "nightly-1") =>
    engine.make({
      options: engine.options.parse(options),
      name,
      labels: { backup_id: "0123456789abcdef", schedule: "nightly", server_id: 7, none: null },
    }, given);
  const stored = (scene: DumpScene, { path, size_bytes, sha256 }: Artifact): StoredArtifact => ({
    path,
    size_bytes,
    sha256,
    options: fixture.options(scene),
  });
  const files = (scene: DumpScene) => [...Deno.readDirSync(scene.destination)].map(({ name }) => name).sort();

  test("what is restored equals its source", async (scene) => {
    await fixture.fill(scene, "small");
    const artifact = await make(scene);
    assert.equal(artifact.verified, true);
    assert.equal(artifact.incomplete, false);
    const target = join(scene.dir, "restored");
    const restored = await engine.restore(stored(scene, artifact), into(target), context());
    assert.deepEqual(restored.warnings, []);
    assert.equal(restored.item_count, artifact.item_count);
    assert.ok(restored.restored_bytes > 0);
    assert.deepEqual([...Deno.readDirSync(target)].map(({ name }) => name), [fixture.content(artifact)]);
    await fixture.compare(scene, join(target, fixture.content(artifact)));
  });

  test("what it reports is what lies on disk, private, with a manifest that holds no secret", async (scene) => {
    await fixture.fill(scene, "small");
    const given = context();
    const artifact = await make(scene, given);
    assert.equal(artifact.path, join(scene.destination, `nightly-1${fixture.suffix}`));
    const bytes = await Deno.readFile(artifact.path);
    assert.equal(artifact.size_bytes, bytes.length);
    assert.equal(artifact.sha256, createHash("sha256").update(bytes).digest("hex"));
    assert.equal((await Deno.stat(artifact.path)).mode! & 0o777, 0o600);
    assert.deepEqual(files(scene), [
      `nightly-1${fixture.suffix}`,
      `nightly-1${fixture.suffix}.manifest.json`,
    ]);
    const manifest = await Deno.readTextFile(`${artifact.path}.manifest.json`);
    const told = manifest + JSON.stringify(given.logs);
    for (const secret of Object.values(secrets)) assert.equal(told.includes(secret), false);
  });

  test("progress only rises", async (scene) => {
    await fixture.fill(scene, "large");
    const given = context();
    await make(scene, given);
    const read = given.updates.filter(({ phase }) => phase === "read").map(({ done_bytes }) => done_bytes);
    assert.deepEqual(read, read.toSorted((a, b) => a - b));
    assert.ok(read.at(-1)! > 1_000_000, String(read));
    assert.ok(given.updates.some(({ phase }) => phase === "verify"));
  });

  test("an untouched artifact verifies, also without its manifest", async (scene) => {
    await fixture.fill(scene, "small");
    const artifact = await make(scene);
    for (const bare of [false, true]) {
      if (bare) await Deno.remove(`${artifact.path}.manifest.json`);
      const found = await engine.verify(stored(scene, artifact), context());
      assert.deepEqual(found.problems, []);
      assert.equal(found.ok, true);
      assert.equal(found.sha256, artifact.sha256);
      assert.equal(found.size_bytes, artifact.size_bytes);
      assert.equal(found.item_count, artifact.item_count);
    }
  });

  test("a changed, shortened or removed artifact does not verify", async (scene) => {
    await fixture.fill(scene, "small");
    const artifact = await make(scene);
    const bytes = await Deno.readFile(artifact.path);
    const failing = async (what: string) => {
      const { ok, problems } = await engine.verify(stored(scene, artifact), context());
      assert.equal(ok, false, what);
      assert.notEqual(problems.length, 0, what);
    };
    for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
      const changed = bytes.slice();
      changed[at]! ^= 0x10;
      await Deno.writeFile(artifact.path, changed);
      await failing(`byte ${at} changed`);
    }
    for (const length of [0, bytes.length >> 1, bytes.length - 1]) {
      await Deno.writeFile(artifact.path, bytes.subarray(0, length));
      await failing(`cut to ${length} bytes`);
    }
    const target = join(scene.dir, "restored");
    await assert.rejects(engine.restore(stored(scene, artifact), into(target), context()), {
      kind: "conflict",
    });
    assert.deepEqual([...Deno.readDirSync(target)], []);
    await Deno.remove(artifact.path);
    await failing("removed");
  });

  test("list names as much as was counted", async (scene) => {
    await fixture.fill(scene, "small");
    const artifact = await make(scene);
    const entries = await Array.fromAsync(engine.list(stored(scene, artifact), context()));
    assert.equal(entries.length, artifact.item_count);
    assert.equal(new Set(entries.map(({ path }) => path)).size, entries.length);
  });

  test("a file that exists is not overwritten unless forced, and a link there is replaced", async (scene) => {
    await fixture.fill(scene, "small");
    const artifact = await make(scene);
    const target = join(scene.dir, "restored");
    const file = join(target, fixture.content(artifact));
    await Deno.mkdir(target);
    await Deno.writeTextFile(join(scene.dir, "mine"), "mine");
    await Deno.symlink(join(scene.dir, "mine"), file);
    await assert.rejects(
      engine.restore(stored(scene, artifact), into(target), context()),
      is("conflict", /exist already/),
    );
    assert.equal(await Deno.readTextFile(file), "mine");
    await engine.restore(stored(scene, artifact), into(target, { force: true }), context());
    await fixture.compare(scene, file);
    assert.equal(await Deno.readTextFile(join(scene.dir, "mine")), "mine");
    await assert.rejects(
      engine.restore(stored(scene, artifact), into(target, { patterns: ["*.nothing"] }), context()),
      is("not_found", /nothing in it matches "\*\.nothing"/),
    );
  });

  test("a run cancelled at its start or in its middle leaves nothing", async (scene) => {
    await fixture.fill(scene, "large");
    const reason = new Error("cancelled by a test");
    await assert.rejects(make(scene, context(AbortSignal.abort(reason))), reason);
    for (const phase of fixture.cancelIn ?? ["read", "verify"]) {
      const cancel = new AbortController();
      const given = context(cancel.signal, (update) => {
        if (update.phase === phase) cancel.abort(reason);
      });
      await assert.rejects(make(scene, given), reason, phase);
      assert.deepEqual(files(scene), [], phase);
    }
  });

  test("a full disk is an error that says so and leaves nothing", async (scene) => {
    await fixture.fill(scene, "large");
    const disk = join(scene.dir, "disk");
    await withSmallDisk(`${engine.kind} on a full disk`, disk, 2, async () => {
      const small = { ...scene, destination: disk };
      await assert.rejects(make(small), is("exhausted", new RegExp(disk)));
      assert.deepEqual(files(small), []);
    });
  });

  test("a source that is gone is an error that names it and leaves nothing", async (scene) => {
    if (fixture.gone === undefined) return;
    const { options, says, kind = "invalid" } = fixture.gone;
    await fixture.fill(scene, "small");
    await assert.rejects(make(scene, context(), options(scene)), is(kind, says));
    assert.deepEqual(files(scene), []);
  });

  test("wrong credentials are an error that says so without telling them", async (scene) => {
    if (fixture.wrong === undefined) return;
    const { secrets: wrong, says } = fixture.wrong;
    await fixture.fill(scene, "small");
    const given = new SecretContext(wrong);
    await assert.rejects(make(scene, given), (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.match(error.message, says);
      assert.equal(error.code, "wrong_credentials");
      const told = JSON.stringify([error.message, error.hint, String(error.cause), given.logs]);
      for (const secret of Object.values(wrong)) assert.equal(told.includes(secret), false);
      return true;
    });
    assert.deepEqual(files(scene), []);
  });

  test("a program that is not installed is named with how to install it", async (scene) => {
    if (fixture.without === undefined) return;
    const { engine: bare, says } = fixture.without;
    await fixture.fill(scene, "small");
    const options = bare.options.parse(fixture.options(scene));
    assert.match((await bare.check(options)).join("; "), says);
    await assert.rejects(bare.make({ options, name: "nightly-1", labels: {} }, context()), (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.match(`${error.message}; ${error.hint}`, says);
      return true;
    });
    assert.deepEqual(files(scene), []);
  });

  test("a name is never given twice", async (scene) => {
    await fixture.fill(scene, "small");
    const artifact = await make(scene);
    await assert.rejects(make(scene), is("conflict", /exists already/));
    assert.equal((await engine.verify(stored(scene, artifact), context())).ok, true);
  });

  test("an artifact can be removed, also twice", async (scene) => {
    await fixture.fill(scene, "small");
    const artifact = await make(scene);
    await engine.remove(stored(scene, artifact), context());
    assert.deepEqual(files(scene), []);
    await engine.remove(stored(scene, artifact), context());
  });

  test("artifacts are found again from their files alone", async (scene) => {
    await fixture.fill(scene, "small");
    const artifact = await make(scene);
    await Deno.writeTextFile(join(scene.destination, `other${fixture.suffix}.manifest.json`), "{");
    const found = await Array.fromAsync(engine.discover!(scene.destination));
    assert.deepEqual(found.filter((facts) => !("problem" in facts)), [{
      path: artifact.path,
      size_bytes: artifact.size_bytes,
      sha256: artifact.sha256,
      source_bytes: artifact.source_bytes,
      item_count: artifact.item_count,
      skipped_count: 0,
      incomplete: false,
      created_at: "2026-01-02T03:04:05.678Z",
      labels: { backup_id: "0123456789abcdef", schedule: "nightly", server_id: 7, none: null },
    }]);
    const { path, size_bytes, sha256 } = artifact;
    assert.deepEqual(await engine.identify!(path), { path, size_bytes, sha256 });
    await Deno.writeTextFile(join(scene.dir, "other"), "something else");
    assert.equal(await engine.identify!(join(scene.dir, "other")), undefined);
    await assert.rejects(engine.identify!(join(scene.dir, "nothing")), { kind: "not_found" });
    // What is restored from the file alone is the same.
    const target = join(scene.dir, "restored");
    await engine.restore({ path, size_bytes, sha256 }, into(target), context());
    await fixture.compare(scene, join(target, fixture.content(artifact)));
  });
}
