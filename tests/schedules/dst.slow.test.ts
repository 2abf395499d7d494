import assert from "node:assert/strict";
import { create, world } from "./support.ts";

for (
  const [zone, change] of [
    ["Europe/Paris", "2026-03-29T01:00Z"],
    ["Europe/Paris", "2026-10-25T01:00Z"],
    ["America/New_York", "2026-03-08T07:00Z"],
    ["America/New_York", "2026-11-01T06:00Z"],
    ["Australia/Lord_Howe", "2026-04-04T15:00Z"],
    ["Australia/Lord_Howe", "2026-10-03T15:30Z"],
  ] as const
) {
  Deno.test(`around ${change} in ${zone} an every-minute schedule runs once at each real minute`, async () => {
    const from = Date.parse(change) - 45 * 60_000;
    await using w = await world(new Date(from).toISOString());
    await create(w, { timezone: zone });
    await w.live(new Date(from + 90 * 60_000).toISOString());
    const expected = Array.from(
      { length: 90 },
      (_, i) => `${new Date(from + (i + 1) * 60_000).toISOString().slice(0, 16)} ran success`,
    );
    assert.deepEqual(await w.ledger(), expected);
  });
}
