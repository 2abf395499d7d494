/** A router's configuration as a backup. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { configEngine } from "../../src/network/mod.ts";
import { handmade } from "./samples.ts";
import { refusal, rig } from "./support.ts";

Deno.test("a configuration is backed up, verified, listed and restored, and a changed artifact is found out", async () => {
  await using r = await rig();
  const dir = await Deno.makeTempDir({ prefix: "holdfast-vyos-" });
  try {
    const engine = configEngine(r.network);
    const context = { signal: r.admin.signal, now: () => r.clock.now() };
    const options = engine.options.parse({ destination: join(dir, "backups") });
    assert.deepEqual(await engine.check(options), []);
    assert.equal((await engine.check({ ...options, router: "nowhere" })).length, 1);
    const made = await engine.make({ options, name: "router-1", labels: {} }, context);
    assert.deepEqual([made.verified, (await Deno.stat(made.path)).mode! & 0o777], [true, 0o600]);
    const stored = { path: made.path, size_bytes: made.size_bytes, sha256: made.sha256 };
    assert.equal((await engine.verify(stored)).ok, true);
    const entries = await Array.fromAsync(engine.list(stored));
    assert.deepEqual(entries.map(({ path }) => path), ["config.json", "config.commands"]);
    const target = join(dir, "restored");
    const request = { target, patterns: [], force: false };
    assert.equal((await engine.restore(stored, request)).item_count, 2);
    assert.deepEqual(JSON.parse(await Deno.readTextFile(join(target, "config.json"))), handmade("rolling"));
    const lines = await Deno.readTextFile(join(target, "config.commands"));
    assert.match(lines, /^set nat destination rule 100 description 'mail by hand'$/m);
    assert.match((await refusal(engine.restore(stored, request))).message, /exists already/);
    await Deno.writeTextFile(
      made.path,
      (await Deno.readTextFile(made.path)).replace("mail by hand", "mail by foot"),
    );
    const { ok, problems } = await engine.verify(stored);
    assert.deepEqual([ok, problems.length], [false, 2]);
    await engine.remove(stored);
    await engine.remove(stored);
    assert.equal((await refusal(engine.verify(stored))).kind, "not_found");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
