import assert from "node:assert/strict";
import { join } from "node:path";
import { HoldfastError } from "../../src/lib/errors.ts";
import { copyEngine } from "../support/copy_engine.ts";
import { admin, local, ofKind, operator } from "../servers/fixture.ts";
import { world } from "./fixture.ts";

Deno.test("options are parsed and completed, for callers on this host and over the network", async () => {
  await using given = await world();
  const expected = { ...given.options, unreadable: false };
  assert.deepEqual(await given.backups.validateEngine("copy", given.options, local()), expected);
  assert.deepEqual(await given.backups.validateEngine("copy", given.options, operator()), expected);
});

Deno.test("an unknown engine names those there are, and the nearest", async () => {
  await using given = await world();
  await assert.rejects(
    given.backups.validateEngine("coppy", {}, local()),
    ofKind("invalid", /there is copy.*did you mean "copy"/),
  );
});

Deno.test("options that do not fit are named by their path", async () => {
  await using given = await world();
  const judged = given.backups.validateEngine("copy", { source: 5, colour: "red" }, local());
  await assert.rejects(judged, (error) => {
    assert.ok(error instanceof HoldfastError && error.kind === "invalid");
    assert.deepEqual(error.errors.map((problem) => problem.path), [
      "engine_options.source",
      "engine_options.destination",
      "engine_options",
    ]);
    return true;
  });
  await assert.rejects(given.backups.validateEngine("copy", null, local()), ofKind("invalid"));
  await assert.rejects(given.backups.validateEngine("copy", "text", local()), ofKind("invalid"));
});

Deno.test("over the network every path must lie in the allowed roots, for an admin too", async () => {
  await using given = await world();
  const { outside, source, destination } = given;
  await Deno.symlink(outside, join(given.destination, "link"));
  const rows = [
    { source: outside, destination },
    { source, destination: outside },
    { source, destination: join(given.destination, "link/new") },
    { source: "/etc", destination },
  ];
  for (const options of rows) {
    for (const from of [operator(), admin()]) {
      await assert.rejects(given.backups.validateEngine("copy", options, from), ofKind("forbidden"));
    }
  }
  await given.backups.validateEngine("copy", { source: outside, destination: outside }, local());
});

Deno.test("every path that is refused is named at once", async () => {
  await using given = await world();
  const judged = given.backups.validateEngine("copy", { source: "/etc", destination: "/usr" }, operator());
  await assert.rejects(judged, (error) => {
    assert.ok(error instanceof HoldfastError);
    assert.equal(error.errors.length, 2);
    assert.match(error.message, /"\/etc".*"\/usr"/);
    return true;
  });
});

Deno.test("relative paths are refused whoever names them", async () => {
  await using given = await world();
  for (const from of [local(), operator()]) {
    const judged = given.backups.validateEngine("copy", { ...given.options, source: "data" }, from);
    await assert.rejects(judged, ofKind("invalid", /"data": it is not absolute.*command line makes/));
  }
});

Deno.test("what the engine finds wrong comes last, so that nothing outside is probed", async () => {
  await using given = await world();
  const missing = { ...given.options, source: join(given.source, "none") };
  await assert.rejects(
    given.backups.validateEngine("copy", missing, operator()),
    ofKind("invalid", /does not exist/),
  );
  const outside = { ...given.options, source: join(given.outside, "none") };
  await assert.rejects(given.backups.validateEngine("copy", outside, operator()), ofKind("forbidden"));
});

Deno.test("an engine that runs commands needs an admin and the setting, when it is set and when it runs", async () => {
  const rows: [boolean, ReturnType<typeof admin>, "ok" | "forbidden"][] = [
    [true, admin(), "ok"],
    [true, local(), "ok"],
    [true, operator(), "forbidden"],
    [false, admin(), "forbidden"],
    [false, local(), "forbidden"],
  ];
  for (const [allow_commands, from, expected] of rows) {
    await using given = await world({
      engine: copyEngine({ runsCommands: true }),
      settings: { allow_commands },
    });
    const judged = given.backups.validateEngine("copy", given.options, from);
    if (expected === "ok") await judged;
    else await assert.rejects(judged, ofKind("forbidden", /runs commands/));
    if (!allow_commands) await assert.rejects(given.make(), ofKind("forbidden"));
  }
});
