import assert from "node:assert/strict";
import { join } from "node:path";
import {
  configLeaves,
  configRows,
  exampleYaml,
  initFile,
  loadConfig,
  writeExample,
} from "../../src/config/mod.ts";
import { host } from "./support.ts";

const uncommented = (text: string) => text.replace(/^(\s*)#(?! )/gm, "$1");

Deno.test("every setting has one row, with its value and the layer that set it", async () => {
  using made = host({ local: "log:\n  level: debug\n", env: { CORS_ORIGINS: "https://ui.example.org" } });
  const rows = configRows(await loadConfig(made.sources));
  // What is named, such as channels, has rows when there is one.
  const unnamed = configLeaves().map(({ path }) => path).filter((path) => !path.includes("*"));
  assert.deepEqual(rows.map(({ key }) => key), unnamed);
  assert.ok(rows.every(({ value }) => value !== undefined));
  const row = (key: string) => rows.find((row) => row.key === key);
  const source = join(made.root, "work/config.yaml:2");
  assert.deepEqual(row("log.level"), { key: "log.level", value: "debug", layer: "local", source });
  assert.deepEqual(row("api.cors_origins"), {
    key: "api.cors_origins",
    value: ["https://ui.example.org"],
    layer: "environment",
    source: "CORS_ORIGINS",
  });
  assert.deepEqual(row("log.format"), { key: "log.format", value: "json", layer: "default", source: "" });
});

Deno.test("names of settings are derived and unique", () => {
  const leaves = configLeaves();
  for (const names of [leaves.map((l) => l.env), leaves.map((l) => l.flag), leaves.map((l) => l.path)]) {
    assert.equal(new Set(names).size, leaves.length);
  }
  const leaf = (path: string) => leaves.find((leaf) => leaf.path === path);
  assert.equal(leaf("api.listen")?.env, "HOLDFAST_API_LISTEN");
  assert.equal(leaf("api.listen")?.flag, "--api-listen");
  assert.equal(leaf("history.keep_days.run_lines")?.flag, "--history-keep-days-run-lines");
  assert.equal(leaf("api.key")?.flag, "--api-key-file");
  assert.deepEqual(leaf("log.level")?.choices, ["debug", "info", "warning", "error"]);
});

Deno.test("config.example.yaml in the repository is the generated text", () => {
  const file = new URL("../../config.example.yaml", import.meta.url);
  assert.equal(
    Deno.readTextFileSync(file),
    exampleYaml(),
    "run `holdfast config init` into config.example.yaml again",
  );
});

Deno.test("the example names every setting; with the # removed it sets each to its default", async () => {
  using made = host({
    local: uncommented(exampleYaml()),
    args: { "api.url": "", "api.key": "k" },
    files: { "work/k": "k" },
  });
  using plain = host();
  const set = await loadConfig(made.sources);
  const defaults = await loadConfig(plain.sources);
  for (const leaf of configLeaves()) {
    assert.notEqual(set.layers.get(leaf.path)?.name, "default", leaf.path);
    if (leaf.computed !== null || leaf.secret) continue;
    const value = (rows: ReturnType<typeof configRows>) => rows.find((row) => row.key === leaf.path)?.value;
    assert.deepEqual(value(configRows(set)), value(configRows(defaults)), leaf.path);
  }
  assert.deepEqual([set.config.data_dir, set.config.api.socket], [
    "/var/lib/holdfast",
    "/var/lib/holdfast/holdfast.sock",
  ]);
});

Deno.test("the example as it is changes nothing", async () => {
  using made = host({ local: exampleYaml() });
  const { layers } = await loadConfig(made.sources);
  assert.ok([...layers.values()].every(({ name }) => name === "default"));
});

Deno.test("writeExample() makes the directory, keeps others out, and replaces a file only by force", () => {
  using made = host();
  const path = join(made.root, "new/holdfast/config.yaml");
  writeExample(path);
  assert.equal(Deno.readTextFileSync(path), exampleYaml());
  const mode = () => (Deno.statSync(path).mode ?? 0) & 0o777;
  if (Deno.build.os !== "windows") assert.equal(mode(), 0o600);

  Deno.writeTextFileSync(path, "log: {level: debug}");
  assert.throws(() => writeExample(path), {
    kind: "conflict",
    message: `Cannot write ${path}: the file exists`,
  });
  assert.equal(Deno.readTextFileSync(path), "log: {level: debug}");

  Deno.writeTextFileSync(`${path}.partial`, "left by a crash");
  writeExample(path, { force: true, group: true });
  assert.equal(Deno.readTextFileSync(path), exampleYaml());
  if (Deno.build.os !== "windows") assert.equal(mode(), 0o640);
  assert.deepEqual([...Deno.readDirSync(join(path, ".."))].map(({ name }) => name), ["config.yaml"]);
  assert.throws(() => writeExample(join(path, "below.yaml")), { kind: "invalid", message: /Cannot write/ });
});

Deno.test("initFile() is the system's file for root, else the user's", () => {
  assert.equal(initFile({ env: {}, home: "/home/ada", uid: 0 }), "/etc/holdfast/config.yaml");
  assert.equal(initFile({ env: {}, home: "/home/ada", uid: 1000 }), "/home/ada/.config/holdfast/config.yaml");
  assert.equal(initFile({ env: { XDG_CONFIG_HOME: "/x" }, uid: 1000 }), "/x/holdfast/config.yaml");
  assert.equal(initFile({ env: {}, uid: 1000 }), undefined);
});
