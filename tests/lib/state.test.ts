/** What commands remember without a daemon: private files, whole after a crash, and several writers at once. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { StateDirectory } from "../../src/lib/state.ts";

const Pins = z.object({ pins: z.record(z.string(), z.string()).default({}) });

async function tempDir(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "holdfast-state-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("a state file reads as its default until it is written, and is its owner's only", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "state", "holdfast");
  const file = new StateDirectory(path).file("veeam", Pins);
  assert.deepEqual(file.read(), { pins: {} });
  await file.update(({ pins }) => ({ pins: { ...pins, a: "1" } }));
  assert.deepEqual(file.read(), { pins: { a: "1" } });
  assert.equal(Deno.statSync(join(path, "veeam.state.json")).mode! & 0o777, 0o600);
  assert.equal(Deno.statSync(path).mode! & 0o777, 0o700);
});

Deno.test("what a crash left half written is replaced and does not lend its mode", async () => {
  await using dir = await tempDir();
  const partial = join(dir.path, "veeam.state.json.partial");
  Deno.writeTextFileSync(partial, "{half of something that is longer than what comes", { mode: 0o644 });
  const file = new StateDirectory(dir.path).file("veeam", Pins);
  await file.update(() => ({ pins: { a: "1" } }));
  assert.deepEqual(file.read(), { pins: { a: "1" } });
  assert.equal(Deno.statSync(join(dir.path, "veeam.state.json")).mode! & 0o777, 0o600);
});

Deno.test("a damaged file is told, not guessed; without a home reading is empty and writing refused", async () => {
  await using dir = await tempDir();
  Deno.writeTextFileSync(join(dir.path, "veeam.state.json"), "{");
  assert.throws(() => new StateDirectory(dir.path).file("veeam", Pins).read(), /it is damaged/);
  const homeless = new StateDirectory(undefined).file("veeam", Pins);
  assert.deepEqual(homeless.read(), { pins: {} });
  await assert.rejects(homeless.update((before) => before), /there is no home directory/);
});

Deno.test("processes that remember at the same time undo nothing of each other's", async () => {
  await using dir = await tempDir();
  const module = new URL("../../src/lib/state.ts", import.meta.url).href;
  const code = `
    import { z } from "zod";
    import { StateDirectory } from ${JSON.stringify(module)};
    const [dir, who] = Deno.args;
    const Pins = z.object({ pins: z.record(z.string(), z.string()).default({}) });
    const file = new StateDirectory(dir).file("veeam", Pins);
    for (let i = 0; i < 20; i++) await file.update(({ pins }) => ({ pins: { ...pins, [who + i]: who } }));`;
  const children = ["a", "b", "c"].map((who) => {
    const script = join(dir.path, `${who}.ts`);
    Deno.writeTextFileSync(script, code);
    const config = new URL("../../deno.json", import.meta.url).pathname;
    return new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--config", config, script, dir.path, who],
      stderr: "piped",
    }).output();
  });
  for (const { code, stderr } of await Promise.all(children)) {
    assert.equal(code, 0, new TextDecoder().decode(stderr));
  }
  assert.equal(Object.keys(new StateDirectory(dir.path).file("veeam", Pins).read().pins).length, 60);
});
