import assert from "node:assert/strict";
import { join } from "node:path";
import { commandEngine, commandOn } from "../../../../src/backups/engines/command.ts";
import type { CommandOptions } from "../../../../src/backups/engines/command/options.ts";
import { toolsOn } from "../../../../src/backups/engines/tools/find.ts";
import { HoldfastError } from "../../../../src/lib/errors.ts";
import { until, within } from "../../../support/wait.ts";
import { inTempDir } from "../context.ts";
import { dumpConformance, type DumpFixture, type DumpScene, SecretContext } from "../dump_conformance.ts";

const TOKEN = "s3cret token/value+";

const fixture: DumpFixture<CommandOptions> = {
  engine: commandEngine,
  suffix: ".bin",
  content: () => "nightly-1.bin",
  options: ({ dir, destination }) => ({
    command: ["cat", join(dir, "data")],
    destination,
    suffix: ".bin",
    env: { TOKEN: { secret: "TOKEN" } },
  }),
  secrets: { TOKEN },
  async fill({ dir }, size) {
    const bytes = new Uint8Array(size === "small" ? 5000 : 12_000_000);
    for (let at = 0; at < bytes.length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    await Deno.writeFile(join(dir, "data"), bytes);
  },
  async compare({ dir }, file) {
    assert.deepEqual(await Deno.readFile(file), await Deno.readFile(join(dir, "data")));
  },
  gone: {
    options: ({ dir, destination }) => ({ command: ["cat", join(dir, "gone")], destination }),
    says:
      /^Cannot back up to ".*" with the command: cat ended with 1: .*cat: .*gone: No such file or directory$/,
    kind: "upstream",
  },
  without: {
    engine: commandOn(toolsOn(() => "/nowhere")),
    says: /cat is not installed; install it: apt-get install cat/,
  },
};

dumpConformance({ ...fixture, name: "command (stdout)" });
const { without: _, ...common } = fixture;
dumpConformance({
  ...common,
  name: "command (output file, compressed)",
  suffix: ".bin.zst",
  options: (scene) => ({
    shell: `cat '${join(scene.dir, "data")}' > "$HOLDFAST_OUTPUT"`,
    destination: scene.destination,
    suffix: ".bin",
    output: "file",
    compression: "zstd" as const,
  }),
  gone: {
    options: ({ destination }) => ({ shell: "true", destination, output: "file" }),
    says: /^Cannot take ".*output": the command left no such file$/,
    kind: "unavailable",
  },
});

const test = (sentence: string, body: (scene: DumpScene) => Promise<void>) =>
  Deno.test(`command: ${sentence}`, () =>
    inTempDir(async (dir) => {
      const scene = { dir, destination: join(dir, "backups") };
      await Deno.mkdir(scene.destination);
      await body(scene);
    }));
const files = ({ destination }: DumpScene) =>
  [...Deno.readDirSync(destination)].map(({ name }) => name).sort();
const make = (
  { destination }: DumpScene,
  options: Omit<CommandOptions, "destination">,
  context = new SecretContext({ TOKEN }),
) =>
  commandEngine.make({
    options: commandEngine.options.parse({ ...options, destination }),
    name: "nightly-1",
    labels: { run_id: "r1" },
  }, context);

test("a file that a command leaves is moved away, and one that was there before is not taken", async (scene) => {
  const left = join(scene.dir, "left.sql");
  const artifact = await make(scene, { shell: `echo data > ${left}`, output: left });
  assert.equal(await Deno.readTextFile(artifact.path), "data\n");
  await assert.rejects(Deno.stat(left), Deno.errors.NotFound);
  await commandEngine.remove(artifact, new SecretContext());
  await Deno.writeTextFile(left, "old");
  await Deno.utime(left, new Date(0), new Date(0));
  await assert.rejects(make(scene, { shell: "true", output: left }), {
    code: "no_output",
    message: `Cannot take "${left}": it is older than the run`,
  });
  assert.equal(await Deno.readTextFile(left), "old");
  assert.deepEqual(files(scene), []);
});

test("a link that a command leaves is not followed", async (scene) => {
  await Deno.writeTextFile(join(scene.dir, "elsewhere"), "not mine");
  const left = join(scene.dir, "left");
  await assert.rejects(
    make(scene, { shell: `ln -s ${scene.dir}/elsewhere ${left}`, output: left }),
    { message: /is not a file$/ },
  );
});

test("a command that prints nothing has made no backup", async (scene) => {
  await assert.rejects(make(scene, { command: ["true"] }), { code: "not_read_back", message: /it is empty/ });
  assert.deepEqual(files(scene), []);
});

test("no shell looks at arguments", async (scene) => {
  const artifact = await make(scene, { command: ["printf", "%s|", "$HOME; rm -rf *", "`id`", "a b"] });
  assert.equal(await Deno.readTextFile(artifact.path), "$HOME; rm -rf *|`id`|a b|");
});

test("secrets reach the command and nothing else", async (scene) => {
  const context = new SecretContext({ TOKEN });
  const artifact = await make(scene, {
    shell: `echo "got $TOKEN" >&2; echo "\${#TOKEN} $HOLDFAST_NAME $HOLDFAST_RUN_ID"`,
    env: { TOKEN: { secret: "TOKEN" } },
  }, context);
  assert.equal(await Deno.readTextFile(artifact.path), `${TOKEN.length} nightly-1 r1\n`);
  assert.deepEqual(context.logs, [{ level: "info", text: "script: got ***" }]);
  await commandEngine.remove(artifact, context);
  const refused = make(scene, {
    shell: `echo "refused: $TOKEN" >&2; exit 9`,
    env: { TOKEN: { secret: "TOKEN" } },
  });
  await assert.rejects(refused, (error) => {
    assert.ok(error instanceof HoldfastError);
    assert.equal(
      error.message,
      `Cannot back up to "${scene.destination}" with the command: script ended with 9: refused: ***`,
    );
    assert.equal(String(error.cause).includes(TOKEN), false);
    return true;
  });
});

test("exit codes that mean incomplete keep the artifact and say so", async (scene) => {
  const context = new SecretContext();
  const artifact = await make(scene, { shell: "echo part; exit 24", incomplete_codes: [24] }, context);
  assert.equal(artifact.incomplete, true);
  assert.deepEqual(context.warnings, ["script ended with 24: the backup is incomplete"]);
  const { incomplete } = JSON.parse(await Deno.readTextFile(`${artifact.path}.manifest.json`));
  assert.equal(incomplete, true);
});

test("a time limit ends the command and what it started, and leaves nothing", async (scene) => {
  const pid = join(scene.dir, "pid");
  const script = `sleep 600 & echo $! > ${pid}; trap '' TERM; echo partial; wait`;
  await assert.rejects(
    within(120, "the end", make(scene, { shell: script, timeout_seconds: 3, grace_seconds: 0 })),
    { code: "timeout" },
  );
  const child = (await Deno.readTextFile(pid)).trim();
  await until("the child's end", () => {
    try {
      return /^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${child}/status`));
    } catch {
      return true;
    }
  });
  assert.deepEqual(files(scene), []);
});

test("100 MB of log do not become 100 MB of anything", async (scene) => {
  const context = new SecretContext();
  await make(scene, { shell: "yes 'a line that says little' | head -c 100000000 >&2; echo data" }, context);
  assert.ok(context.logs.length < 1300);
  assert.match(context.warnings.join(), /lines left out: script printed \d+ lines/);
});

test("options need either a command or a script", () => {
  const parse = (given: object) =>
    commandEngine.options.safeParse({ destination: "/srv/backups", ...given }).success;
  assert.equal(parse({ command: ["true"] }), true);
  assert.equal(parse({ shell: "true" }), true);
  assert.equal(parse({}), false);
  assert.equal(parse({ command: [], shell: "true" }), false);
  assert.equal(parse({ command: ["true"], shell: "true" }), false);
  assert.equal(parse({ command: ["true"], suffix: "../x" }), false);
  assert.equal(parse({ command: ["true"], env: { "A B": "x" } }), false);
  return Promise.resolve();
});
