import assert from "node:assert/strict";
import { join } from "node:path";
import type { StoredArtifact } from "../../../../src/backups/engine.ts";
import { resticEngine, resticOn } from "../../../../src/backups/engines/restic.ts";
import type { ResticOptions } from "../../../../src/backups/engines/restic/options.ts";
import { toolsOn } from "../../../../src/backups/engines/tools/find.ts";
import { HoldfastError } from "../../../../src/lib/errors.ts";
import { programIn } from "../../../support/daemon_user.ts";
import { compareTrees, makeTree } from "../../../support/tree.ts";
import { until } from "../../../support/wait.ts";
import { conformance, filesBelow, wholeRestore } from "../conformance.ts";
import { inTempDir, RecordingContext } from "../context.ts";
import { writeScript } from "../../../support/script.ts";

const PASSWORD = "restic p'a\"ss\\wörd";
const SECRETS = { REPO: PASSWORD };

const restic = programIn("restic");
if (restic === undefined) {
  console.log("skipped: restic: everything: restic is not installed: apt-get install restic");
} else {
  // Making one costs a second of key derivation: each test gets a copy.
  const template = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  await run(template, "init");
  Deno.test.afterAll(() => Deno.remove(template, { recursive: true }));
  conformance<ResticOptions>({
    engine: resticEngine,
    prepare: ({ destination }) => copyTree(template, join(destination, "repo")),
    // Times after 2262 do not fit into its nanoseconds.
    except: ["future"],
    options: (source, destination) => ({
      repository: join(destination, "repo"),
      password: { secret: "REPO" },
      sources: [source],
      init: true,
    }),
    restoredAt: (target, source) => join(target, source),
    secrets: SECRETS,
    listsLinkTargets: false,
    left: (destination) => snapshots(join(destination, "repo")),
    wrongSecrets: { REPO: "not the password" },
    without: {
      engine: resticOn(toolsOn(() => "/nowhere")),
      says: /restic is not installed; install it: apt-get install restic/,
    },
  });
  more(restic);
}

async function copyTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) await copyTree(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}

/** Runs restic as a person does. */
async function run(repository: string, ...args: string[]): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command("restic", {
    args: ["--no-cache", "-r", repository, ...args],
    env: { RESTIC_PASSWORD: PASSWORD },
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

async function snapshots(repository: string): Promise<string[]> {
  // A repository without snapshots has an empty directory, one that could not be made none.
  if (!await Deno.stat(join(repository, "config")).then(() => true, () => false)) return [];
  return filesBelow(join(repository, "snapshots"));
}

interface Scene {
  dir: string;
  source: string;
  repository: string;
  options: ResticOptions;
}

function more(program: string): void {
  const context = (...given: ConstructorParameters<typeof RecordingContext>) =>
    new RecordingContext(given[0], given[1], SECRETS);
  const test = (sentence: string, body: (scene: Scene) => Promise<void>) =>
    Deno.test(`restic: ${sentence}`, () =>
      inTempDir(async (dir) => {
        const [source, repository] = [join(dir, "source"), join(dir, "repo")];
        await makeTree(source, { "a": "1", "b/c": { size: 200_000 } });
        await body({
          dir,
          source,
          repository,
          options: { repository, password: { secret: "REPO" }, sources: [source], init: true },
        });
      }));
  const make = async (options: ResticOptions, given = context(), engine = resticEngine) => ({
    ...await engine.make({ options, name: "nightly-1", labels: {} }, given),
    options,
  });

  test("a snapshot is found by restic itself, with its tags, host and what is left out", async (scene) => {
    const artifact = await make({ ...scene.options, tags: ["extra"], host: "db-1", excludes: ["c"] });
    const [snapshot] = JSON.parse(await run(scene.repository, "snapshots", "--json"));
    assert.equal(artifact.path, `restic:${snapshot.id}`);
    assert.deepEqual(snapshot.tags.toSorted(), ["extra", "holdfast", "nightly-1"]);
    assert.equal(snapshot.hostname, "db-1");
    assert.deepEqual(snapshot.paths, [scene.source]);
    assert.equal(artifact.source_bytes, 1);
  });

  test("a repository that is missing is not made unless allowed", async (scene) => {
    const { init: _, ...options } = scene.options;
    assert.deepEqual(await resticEngine.check(options), [
      `There is no repository at "${scene.repository}": is its storage mounted? To make a new one set init to true`,
    ]);
    await assert.rejects(make(options), { kind: "invalid" });
    assert.equal(await Deno.stat(scene.repository).then(() => true, () => false), false);
  });

  test("neither password nor repository is in an argument", async (scene) => {
    const bin = join(scene.dir, "bin");
    await Deno.mkdir(bin);
    await writeScript(
      join(bin, "restic"),
      `printf '%s\\n' "$@" >> ${scene.dir}/args\nexec ${program} "$@"`,
    );
    const given = context();
    await make(scene.options, given, resticOn(toolsOn(() => bin)));
    const args = await Deno.readTextFile(join(scene.dir, "args"));
    assert.match(args, /^backup$/m);
    assert.equal(args.includes(PASSWORD) || args.includes(scene.repository), false);
    assert.equal(JSON.stringify(given.logs).includes(PASSWORD), false);
  });

  test("files that cannot be read make a backup incomplete, unless that is allowed", async (scene) => {
    // Root reads everything: restic is run as somebody who does not.
    const bin = join(scene.dir, "bin");
    await Deno.mkdir(bin);
    await writeScript(
      join(bin, "restic"),
      `exec setpriv --reuid=65534 --regid=65534 --clear-groups ${program} "$@"`,
    );
    if (Deno.uid() !== 0) {
      console.log(
        "skipped: restic: unreadable files: only root can become somebody else: run the tests as root",
      );
      return;
    }
    await Deno.chmod(join(scene.source, "a"), 0);
    await Deno.chmod(scene.dir, 0o777);
    const engine = resticOn(toolsOn(() => bin));
    const artifact = await make(scene.options, context(), engine);
    assert.equal(artifact.incomplete, true);
    assert.deepEqual(artifact.skipped, [
      { path: join(scene.source, "a"), reason: "unreadable", detail: "permission denied" },
    ]);
    const allowed = await make({ ...scene.options, allow_unreadable: true }, context(), engine);
    assert.equal(allowed.incomplete, false);
    assert.equal(allowed.skipped.length, 1);
  });

  test("a repository that lost or changed data does not verify", async (scene) => {
    const artifact = await make({ ...scene.options, read_data_subset: "100%" });
    const data = join(scene.repository, "data");
    const [largest] = filesBelow(data).map((name) => join(data, name))
      .sort((a, b) => Deno.statSync(b).size - Deno.statSync(a).size);
    const bytes = await Deno.readFile(largest!);
    const changed = bytes.slice();
    changed[bytes.length >> 1]! ^= 0x55;
    await Deno.chmod(largest!, 0o600);
    await Deno.writeFile(largest!, changed);
    const found = await resticEngine.verify(artifact, context());
    assert.equal(found.ok, false);
    assert.ok(found.problems.length > 0);
    const shallow = { ...artifact, options: scene.options };
    assert.equal((await resticEngine.verify(shallow, context())).ok, true);
    await Deno.remove(largest!);
    assert.equal((await resticEngine.verify(shallow, context())).ok, false);
  });

  test("a snapshot or a repository that is gone is not found", async (scene) => {
    const artifact = await make(scene.options);
    await run(scene.repository, "forget", artifact.path.slice("restic:".length));
    const missing = (promise: Promise<unknown>) => assert.rejects(promise, { kind: "not_found" });
    await missing(resticEngine.verify(artifact, context()));
    await missing(resticEngine.restore(artifact, wholeRestore(join(scene.dir, "t")), context()));
    await missing(Array.fromAsync(resticEngine.list(artifact, context())));
    await Deno.remove(scene.repository, { recursive: true });
    await assert.rejects(resticEngine.verify(artifact, context()), {
      kind: "invalid",
      code: "no_repository",
    });
  });

  test("an artifact whose options nobody knows is refused with what to do", async (scene) => {
    const { path, size_bytes, sha256 } = await make(scene.options);
    const bare: StoredArtifact = { path, size_bytes, sha256 };
    await assert.rejects(resticEngine.verify(bare, context()), (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.match(error.hint ?? "", /restic -r REPOSITORY snapshots/);
      return true;
    });
  });

  test("a lock that a killed restic left behind does not keep a snapshot from being removed", async (scene) => {
    const artifact = await make(scene.options);
    const child = new Deno.Command("restic", {
      args: ["--no-cache", "-r", scene.repository, "backup", "--stdin"],
      env: { RESTIC_PASSWORD: PASSWORD },
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const locks = join(scene.repository, "locks");
    await until("a lock", () => filesBelow(locks).length > 0);
    child.kill("SIGKILL");
    await child.status;
    await child.stdin.close().catch(() => {});
    await resticEngine.remove(artifact, context());
    assert.deepEqual(await snapshots(scene.repository), []);
  });

  test("a restore leaves owners to us, refuses links that lead out, and merges into what is there", async (scene) => {
    await makeTree(scene.source, {
      "out": { symlink: "../../../../../etc/passwd" },
      "abs": { symlink: "/etc" },
    });
    if (Deno.uid() === 0) await Deno.chown(join(scene.source, "a"), 1234, 1234);
    const artifact = await make(scene.options);
    const target = join(scene.dir, "restored");
    const at = join(target, scene.source);
    await makeTree(at, { "mine": "mine", "b/mine": "mine" });
    const restored = await resticEngine.restore(
      artifact,
      { target, patterns: [], force: false, owners: false },
      context(),
    );
    assert.equal(restored.warnings.length, 2);
    assert.deepEqual(filesBelow(at), ["a", "b/c", "b/mine", "mine"]);
    assert.equal((await Deno.stat(join(at, "a"))).uid, Deno.uid());
    const whole = join(scene.dir, "whole");
    await resticEngine.restore(artifact, { ...wholeRestore(whole), owners: true }, context());
    assert.deepEqual(await compareTrees(scene.source, join(whole, scene.source)), []);
    if (Deno.uid() === 0) assert.equal((await Deno.stat(join(whole, scene.source, "a"))).uid, 1234);
  });

  test("a link in the target is not written through", async (scene) => {
    const artifact = await make(scene.options);
    const [target, elsewhere] = [join(scene.dir, "restored"), join(scene.dir, "elsewhere")];
    await Deno.mkdir(elsewhere);
    await Deno.mkdir(join(target, scene.source, ".."), { recursive: true });
    await Deno.symlink(elsewhere, join(target, scene.source));
    await assert.rejects(
      resticEngine.restore(artifact, wholeRestore(target), context()),
      { kind: "conflict" },
    );
    await resticEngine.restore(artifact, { ...wholeRestore(target), force: true }, context());
    assert.deepEqual(filesBelow(elsewhere), []);
    assert.deepEqual(await compareTrees(scene.source, join(target, scene.source)), []);
  });

  test("a restore that is cancelled leaves what was there and nothing else", async (scene) => {
    const artifact = await make(scene.options);
    const cancel = new AbortController();
    const reason = new Error("cancelled by a test");
    const given = context(cancel.signal, (update) => {
      if (update.phase === "restore") cancel.abort(reason);
    });
    const target = join(scene.dir, "restored");
    await makeTree(target, { "mine": "mine" });
    await assert.rejects(resticEngine.restore(artifact, wholeRestore(target), given), reason);
    assert.deepEqual(filesBelow(target), ["mine"]);
  });

  test("patterns mean what they mean for archives", async (scene) => {
    const artifact = await make(scene.options);
    const expected: Record<string, string[]> = {
      "b": ["b/c"],
      "**/c": ["b/c"],
      "{a,x}": ["a"],
      "[a]": ["a"],
      "*": ["a", "b/c"],
    };
    for (const [index, [pattern, files]] of Object.entries(expected).entries()) {
      const target = join(scene.dir, `restored-${index}`);
      await resticEngine.restore(artifact, { ...wholeRestore(target), patterns: [pattern] }, context());
      assert.deepEqual(filesBelow(join(target, scene.source)), files, pattern);
    }
  });
}

Deno.test("restic: options refuse what would tell a secret or run a program", () => {
  const problem = (given: object) => {
    const base = { repository: "/srv/repo", password: { secret: "REPO" }, sources: ["/srv/data"] };
    return resticEngine.options.safeParse({ ...base, ...given }).error?.issues[0]?.message;
  };
  assert.equal(problem({}), undefined);
  assert.equal(problem({ repository: "s3:https://s3.example.org/bucket" }), undefined);
  assert.match(
    problem({ repository: "rest:https://ada:pw@backup.example.org/" }) ?? "",
    /no password in the address/,
  );
  assert.match(problem({ repository: "relative/path" }) ?? "", /absolute path, or an address/);
  assert.match(problem({ repository: "sftp:-oProxyCommand=x:/srv" }) ?? "", /host name/);
  assert.match(problem({ env: { AWS_SECRET_ACCESS_KEY: "clear" } }) ?? "", /"secret": "NAME"/);
  assert.match(problem({ env: { LD_PRELOAD: "/tmp/x.so" } }) ?? "", /./);
  assert.match(problem({ password: "clear" }) ?? "", /./);
  const reserved = (repository: string) =>
    resticEngine.reserved?.(resticEngine.options.parse({
      repository,
      password: { secret: "REPO" },
      sources: ["/srv/data"],
    }));
  assert.deepEqual(reserved("sftp:ada@backup.example.org:/srv/repo"), ["a repository behind sftp"]);
  assert.deepEqual(reserved("/srv/repo"), []);
});
