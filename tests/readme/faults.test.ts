import assert from "node:assert/strict";
import { FAULTS, KINDS, readTable, TABLE } from "../faults/tally.ts";

Deno.test("the README tells of every fault that is tried, often enough, and that all were survived", async () => {
  const [, , table = ""] = TABLE.exec(await Deno.readTextFile("README.md")) ?? [];
  const counts = readTable(table);
  for (const kind of KINDS) {
    const { tried, survived } = counts[kind];
    assert.ok(tried >= FAULTS[kind].least, `${FAULTS[kind].words}: tried ${tried} times`);
    assert.equal(survived, tried, FAULTS[kind].words);
  }
});
