import assert from "node:assert/strict";
import { VERSION } from "../../src/lib/version.ts";

Deno.test("the program says the version of deno.json, which a release's tag is compared with", async () => {
  const { version } = JSON.parse(await Deno.readTextFile("deno.json"));
  assert.equal(VERSION, version);
});
