/** Archives in S3-compatible storage: the shared suite and more, against OpenStack Swift with its S3 API. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { backupContents } from "../../../../src/backups/contents_operations.ts";
import { importBackups, restoreBackup, verifyBackup } from "../../../../src/backups/operations.ts";
import { proveBackup } from "../../../../src/backups/proof_operations.ts";
import { type BackupsTables, insertMake, listMakes } from "../../../../src/backups/queries.ts";
import { emptyTrash, pruneBackups } from "../../../../src/backups/retention_operations.ts";
import { local, operator } from "../../../servers/fixture.ts";
import { context, world } from "../../fixture.ts";
import { archiveEngine } from "../../../../src/backups/engines/archive.ts";
import { S3Client } from "../../../../src/backups/engines/s3/client.ts";
import { listObjects, readObject, removeObject } from "../../../../src/backups/engines/s3/objects.ts";
import { placeOf, type S3Settings } from "../../../../src/backups/engines/s3/options.ts";
import { abortUploads, uploadFile } from "../../../../src/backups/engines/s3/upload.ts";
import { breakingRelay } from "../../../support/breaking_relay.ts";
import { freePort } from "../../../support/ports.ts";
import { startSwift } from "../../../support/swift_server.ts";
import { compareTrees, makeTree } from "../../../support/tree.ts";
import { conformance, wholeRestore } from "../conformance.ts";
import { inTempDir, RecordingContext } from "../context.ts";

/** Tells of each line. */
class TellingContext extends RecordingContext {
  onLog = () => {};

  override log(level: "info" | "warning" | "error", text: string): void {
    super.log(level, text);
    this.onLog();
  }
}

const BUCKET = "backups";
const swift = await startSwift("archives in S3-compatible storage");

if (swift !== undefined) {
  Deno.test.afterAll(() => swift.stop());
  const secrets = { "s3-key": swift.secret_access_key };
  const s3: S3Settings = {
    endpoint: swift.endpoint,
    access_key_id: swift.access_key_id,
    secret_access_key: { secret: "s3-key" },
    allow_private: true,
  };
  const quiet = (signal?: AbortSignal) => new RecordingContext(signal, undefined, secrets);
  const open = (settings = s3) => S3Client.open(settings, BUCKET, quiet());
  const keysAt = async (place: string) => {
    await using client = await open();
    const { key } = placeOf(place);
    return (await Array.fromAsync(listObjects(client, `${key}/`))).map((object) =>
      object.key.slice(key.length + 1)
    );
  };
  /** Uploads that nobody finished or aborted; they are aborted now. */
  const underWayAt = async (dir: string) => {
    await using client = await open();
    return await abortUploads(client, placeOf(placeFor(dir)).key);
  };
  /** Each test has a place of its own, named like its directory. */
  const placeFor = (dir: string) =>
    `s3://${BUCKET}/${createHash("sha256").update(dir).digest("hex").slice(0, 12)}/of a-host`.replace(
      " ",
      "-",
    );
  const test = (sentence: string, body: (dir: string) => Promise<void>) =>
    Deno.test(`archive in a storage: ${sentence}`, () => inTempDir(body));
  const optionsFor = (dir: string, settings = s3) => ({
    sources: [join(dir, "source")],
    destination: placeFor(dir),
    s3: settings,
  });

  {
    await using client = await open();
    await client.done({ method: "PUT" });
  }

  conformance({
    name: "archive in a storage",
    engine: archiveEngine,
    options: (source, destination) => ({ sources: [source], destination: placeFor(destination), s3 }),
    restoredAt: (target, source) => join(target, source),
    secrets,
    wrongSecrets: { "s3-key": "not the secret key" },
    left: (destination) => keysAt(placeFor(destination)),
    elsewhere: {
      async read({ path }) {
        await using client = await open();
        return await (await client.send({ method: "GET", key: placeOf(path).key })).bytes();
      },
      async write({ path }, bytes) {
        await using client = await open();
        await client.done({ method: "PUT", key: placeOf(path).key, body: bytes.slice() });
      },
      async remove({ path }) {
        await using client = await open();
        await removeObject(client, placeOf(path).key);
      },
    },
  });

  test("a large one goes up in parts and comes back, found by its manifest, asked for its size, and removed", async (dir) => {
    const options = optionsFor(dir);
    await makeTree(join(dir, "source"), { "random": { size: 20_000_000, seed: 5 }, "small": "1" });
    const scratch = join(dir, "scratch");
    const context = Object.assign(quiet(), { scratch });
    const labels = { backup_id: "0123", schedule_id: null };
    const made = await archiveEngine.make({ options, name: "large-1", labels }, context);
    assert.equal(made.path, `${options.destination}/large-1.tar.zst`);
    assert.equal(made.verified, true);
    const uploaded = context.updates.filter(({ phase }) => phase === "upload");
    assert.deepEqual([uploaded[0]?.done_bytes, uploaded[0]?.total_items], [0, 2]);
    assert.equal(uploaded.at(-1)?.done_bytes, made.size_bytes);
    assert.equal(
      context.updates.filter(({ phase }) => phase === "check").at(-1)?.done_bytes,
      made.size_bytes,
    );
    assert.deepEqual(await keysAt(options.destination), ["large-1.tar.zst", "large-1.tar.zst.manifest.json"]);
    const artifact = { ...made, options: { s3 } };
    assert.deepEqual(await archiveEngine.locate!(artifact, context), { size_bytes: made.size_bytes });
    const reach = { options: { s3 }, context };
    const [facts, ...more] = await Array.fromAsync(archiveEngine.discover!(options.destination, reach));
    assert.deepEqual(more, []);
    assert.ok(facts !== undefined && "sha256" in facts);
    assert.deepEqual([facts.path, facts.sha256, facts.labels], [made.path, made.sha256, labels]);
    assert.deepEqual(
      await Array.fromAsync(archiveEngine.discover!(options.destination)),
      [],
      "nobody knows how",
    );

    await archiveEngine.restore(artifact, wholeRestore(join(dir, "restored")), context);
    assert.deepEqual(await compareTrees(join(dir, "source"), join(dir, "restored", dir, "source")), []);
    assert.deepEqual([...Deno.readDirSync(scratch)], [], "the scratch place is empty again");
    await archiveEngine.remove(artifact, context);
    assert.deepEqual(await keysAt(options.destination), []);
    assert.equal(await archiveEngine.locate!(artifact, context), "missing");
    await assert.rejects(archiveEngine.restore({ ...made, options: {} }, wholeRestore(dir), context), {
      code: "unknown_storage",
    });
  });

  test("a line that breaks again and again is taken up where it broke: nothing that arrived is sent twice", async (dir) => {
    await using line = breakingRelay(Number(new URL(swift.endpoint).port));
    const bytes = crypto.getRandomValues(new Uint8Array(65536));
    const path = join(dir, "file");
    const size = 48 * (1 << 20);
    {
      using file = await Deno.open(path, { write: true, createNew: true });
      for (let at = 0; at < size; at += bytes.length) await file.write(bytes);
    }
    await using client = await open({ ...s3, endpoint: `http://127.0.0.1:${line.port}` });
    const mib = 1 << 20;
    const all = Array<number>(1000).fill(mib);
    let mended = false;
    const context = new TellingContext(undefined, ({ done_items }) => {
      if (done_items > 0 && !mended) line.cutAfter(all);
    }, secrets);
    context.onLog = () => {
      mended = true;
      line.cutAfter([]);
    };
    const key = `${placeOf(placeFor(dir)).key}/broken`;
    await uploadFile({ client, key, path, context, roundsMs: [10, 10, 10] });
    assert.match(context.warnings.join("\n"), /trying again in 0.01 s, [1-5] parts have arrived$/);
    assert.ok(line.sent() < 2 * size, `${line.sent()} bytes were sent`);
    const { sha256 } = await readObject(client, key, () => {}, context.signal);
    assert.equal(sha256, createHash("sha256").update(await Deno.readFile(path)).digest("hex"));
    await removeObject(client, key);

    line.cutAfter(all);
    await assert.rejects(uploadFile({ client, key, path, context, roundsMs: [] }), {
      kind: "upstream",
      code: "connect",
    });
    line.cutAfter([]);
    assert.deepEqual(await underWayAt(dir), [], "what cannot be finished is aborted");
  });

  test("what a run left behind that was cut off is swept by its name, and old uploads by the next run", async (dir) => {
    const options = optionsFor(dir);
    const { key } = placeOf(options.destination);
    await using client = await open();
    const begin = async (name: string) =>
      await client.text({ method: "POST", key: `${key}/${name}`, query: { uploads: "" } });
    await begin("nightly-1.tar.zst");
    await begin("nightly-12.tar.zst");
    const body = new TextEncoder().encode("{}");
    await client.done({ method: "PUT", key: `${key}/nightly-1.tar.zst.manifest.json`, body });
    await client.done({ method: "PUT", key: `${key}/nightly-12.tar.zst.manifest.json`, body });
    const reach = { options: { s3 }, context: quiet() };
    const swept = await archiveEngine.sweep!(options.destination, "nightly-1", reach);
    assert.deepEqual(swept.map((path) => path.slice(options.destination.length + 1)), [
      "nightly-1.tar.zst",
      "nightly-1.tar.zst.manifest.json",
    ]);
    assert.deepEqual(await keysAt(options.destination), ["nightly-12.tar.zst.manifest.json"]);
    assert.deepEqual(await abortUploads(client, `${key}/`, Date.now()), [], "not a day old");
    assert.deepEqual(await abortUploads(client, `${key}/`, Date.now() + 25 * 3_600_000), [
      `${key}/nightly-12.tar.zst`,
    ]);
    await removeObject(client, `${key}/nightly-12.tar.zst.manifest.json`);
  });

  test("a run cancelled while it uploads or reads back leaves nothing there", async (dir) => {
    const options = optionsFor(dir);
    await makeTree(join(dir, "source"), { "random": { size: 20_000_000, seed: 9 } });
    const reason = new Error("cancelled by a test");
    for (const phase of ["upload", "check"]) {
      const cancel = new AbortController();
      const context = new RecordingContext(cancel.signal, (update) => {
        if (update.phase === phase) cancel.abort(reason);
      }, secrets);
      await assert.rejects(archiveEngine.make({ options, name: "cut", labels: {} }, context), reason);
      assert.equal(cancel.signal.aborted, true, phase);
      assert.deepEqual(await keysAt(options.destination), [], phase);
    }
    assert.deepEqual(await underWayAt(dir), []);
  });

  test("the catalogue verifies, proves, restores, prunes, forgets and imports it like any other", async (dir) => {
    const options = { ...optionsFor(dir), sources: [join(dir, "source")] };
    await makeTree(options.sources[0]!, { "a": "1", "b/c": { size: 100_000 } });
    await using given = await world({ engine: archiveEngine, secrets, settings: { trash_days: 1 } });
    const make = () => {
      given.clock.advance(3_600_000);
      const parsed = archiveEngine.options.parse(options);
      return given.backups.make({
        engine: "archive",
        engine_options: { ...parsed },
        schedule: { id: "s1", name: "nightly" },
        server: { id: 1, name: "web-1" },
        run_id: "r1",
        backup_type: "scheduled",
      }, context(given.clock, { secret: (name) => quiet().secret(name) }));
    };
    const [first, second, third] = [await make(), await make(), await make()];
    assert.deepEqual([first.status, first.verified_ok], ["completed", true]);
    assert.equal((await given.ask(verifyBackup, { backup: first.id }, local())).ok, true);
    const inside = await given.ask(backupContents, { backup: first.id, patterns: ["*.none", "c"] }, local());
    assert.deepEqual(inside.entries.map(({ path, kind, size_bytes }) => [path, kind, size_bytes]), [
      [join(options.sources[0]!, "b/c").slice(1), "file", 100_000],
    ]);
    const proof = await given.ask(proveBackup, { backup: first.id }, local());
    assert.deepEqual([proof.ok, proof.checks.map(({ name }) => name)], [true, [
      "verify",
      "restore",
      "compare",
    ]]);
    const to = join(dir, "restored");
    await given.ask(restoreBackup, { backup: first.id, to }, local());
    assert.deepEqual(await compareTrees(options.sources[0]!, join(to, options.sources[0]!)), []);

    const pruned = await given.ask(pruneBackups, { schedule: "s1", max_backups: 2 }, local());
    assert.deepEqual([pruned.removed, pruned.trashed], [[first.id], [first.id]]);
    assert.equal((await keysAt(options.destination)).length, 6, "it is in the trash, with its files");
    await given.ask(emptyTrash, { older_than_seconds: 0 }, local());
    assert.equal((await keysAt(options.destination)).length, 4);

    const look = async () => {
      given.backups.begin("reconcile");
      await given.backups.idle();
      return (await given.backups.get(second.id)).missing_since;
    };
    assert.equal(await look(), null);
    {
      await using client = await open();
      await removeObject(client, placeOf(second.path).key);
    }
    assert.notEqual(await look(), null);
    assert.equal((await given.ask(verifyBackup, { backup: second.id }, local())).ok, false);

    await using other = await world({ engine: archiveEngine, secrets });
    const place = { directory: options.destination, s3 };
    const found = await other.ask(importBackups, place, local());
    assert.deepEqual(found.imported.map(({ id }) => id), [third.id]);
    assert.match(found.problems[0]?.problem ?? "", /Its artifact is not beside it/);
    assert.equal((await other.ask(importBackups, place, local())).known, 1);
    assert.equal((await other.ask(verifyBackup, { backup: third.id }, local())).ok, true);
    await assert.rejects(other.ask(importBackups, place, operator()), {
      kind: "forbidden",
      message: /s3.allow_private: over the network that needs role admin/,
    });
    await assert.rejects(other.ask(importBackups, { directory: options.destination }, local()), {
      code: "unknown_storage",
    });
  });

  test("a run whose process ended is settled at the next start, whatever it had uploaded", async (dir) => {
    const options = archiveEngine.options.parse(optionsFor(dir));
    await makeTree(join(dir, "source"), { "a": "1" });
    const { key } = placeOf(options.destination);
    await using given = await world({ engine: archiveEngine, secrets });
    const tables = given.store.database.tables<BackupsTables>();
    const labels = { backup_id: "0000", backup_name: "whole-1", schedule_id: "s1" };
    await archiveEngine.make({ options, name: "whole-1", labels }, quiet());
    {
      await using client = await open();
      await client.text({ method: "POST", key: `${key}/begun-1.tar.zst`, query: { uploads: "" } });
      const manifest = { method: "PUT", key: `${key}/begun-1.tar.zst.manifest.json` } as const;
      await client.done({ ...manifest, body: new TextEncoder().encode("{}") });
    }
    for (const [id, name] of [["0000", "whole-1"], ["0001", "begun-1"]] as const) {
      const started_at = new Date(given.clock.now()).toISOString();
      const directories = [options.destination];
      await insertMake(tables, { id, name, engine: "archive", directories, started_at, options });
    }
    const settled = await given.backups.settle();
    assert.deepEqual(settled.recovered, ["0000"]);
    assert.deepEqual(settled.swept.map((path) => path.slice(options.destination.length + 1)), [
      "begun-1.tar.zst",
      "begun-1.tar.zst.manifest.json",
    ]);
    assert.deepEqual(await keysAt(options.destination), ["whole-1.tar.zst", "whole-1.tar.zst.manifest.json"]);
    assert.deepEqual(await listMakes(tables), []);
    assert.equal((await given.ask(verifyBackup, { backup: "0000" }, local())).ok, true);
  });

  test("a bucket that does not exist, or a storage that does not answer, is named", async (dir) => {
    await makeTree(join(dir, "source"), { "a": "1" });
    const options = optionsFor(dir);
    const make = (changed: Partial<typeof options>) =>
      archiveEngine.make({ options: { ...options, ...changed }, name: "n", labels: {} }, quiet());
    await assert.rejects(make({ destination: "s3://no-such-bucket/x" }), {
      kind: "upstream",
      message: /s3:\/\/no-such-bucket.*NoSuchBucket/,
    });
    const port = freePort();
    const endpoint = `http://127.0.0.1:${port}`;
    await assert.rejects(make({ s3: { ...s3, endpoint } }), {
      kind: "upstream",
      message: new RegExp(`^Cannot reach 127.0.0.1:${port}: `),
    });
  });
}
