import assert from "node:assert/strict";
import { Health } from "../../src/telemetry/mod.ts";
import { operations } from "../../src/telemetry/operations.ts";
import { FakeClock } from "../support/clock.ts";

const newHealth = () => {
  const clock = new FakeClock("2026-01-02T03:04:05Z");
  return { clock, health: new Health(clock, "1.2.3") };
};

type Status = "ok" | "degraded" | "failed";

Deno.test("the whole is as bad as its worst check", async () => {
  const rows: [Status[], Status][] = [
    [[], "ok"],
    [["ok", "ok"], "ok"],
    [["ok", "degraded"], "degraded"],
    [["degraded", "failed", "ok"], "failed"],
  ];
  for (const [statuses, expected] of rows) {
    const { health } = newHealth();
    statuses.forEach((status, i) =>
      health.register({ name: `check-${i}`, critical: false, check: () => ({ status, detail: status }) })
    );
    assert.deepEqual(await health.report(), {
      status: expected,
      version: "1.2.3",
      time: "2026-01-02T03:04:05.000Z",
      checks: statuses.map((status, i) => ({ name: `check-${i}`, status, detail: status })),
    });
  }
});

Deno.test("a check that throws is degraded, and failed only when it is critical", async () => {
  const { health } = newHealth();
  const check = () => Promise.reject(new Error("no answer"));
  health.register({ name: "disk", critical: false, check });
  assert.equal((await health.report()).status, "degraded");
  const other = newHealth().health;
  other.register({
    name: "database",
    critical: true,
    check() {
      throw new Error("no answer");
    },
  });
  assert.deepEqual((await other.report()).checks, [{
    name: "database",
    status: "failed",
    detail: "no answer",
  }]);
});

Deno.test("asking often looks once; five seconds later, or when the clock goes back, it looks again", async () => {
  const { clock, health } = newHealth();
  let looks = 0;
  health.register({ name: "x", critical: false, check: () => ({ status: "ok", detail: String(++looks) }) });
  await Promise.all([health.report(), health.report()]);
  clock.advance(5000);
  await health.report();
  assert.equal(looks, 1);
  clock.advance(1);
  assert.equal((await health.report()).checks[0]?.detail, "2");
  clock.set("2025-01-01T00:00:00Z");
  await health.report();
  assert.equal(looks, 3);
});

Deno.test("a check that never ends is told as such after a few seconds", async () => {
  const { clock, health } = newHealth();
  health.register({ name: "disk", critical: false, check: () => new Promise(() => {}) });
  const report = health.report();
  assert.equal(clock.sleeping, 1);
  clock.advance(3000);
  assert.deepEqual((await report).checks, [{
    name: "disk",
    status: "degraded",
    detail: "no answer within 3 s",
  }]);
});

Deno.test("the operation is public and never limited; 503 and a bad exit code only as stated", () => {
  const op = operations[0]!;
  assert.deepEqual([op.role, op.exempt, op.route, op.aliases], [
    "public",
    true,
    "GET /api/v1/health",
    ["GET /v1/health"],
  ]);
  assert.ok(typeof op.status === "object");
  const rows: [Status, number, number][] = [["ok", 200, 0], ["degraded", 200, 20], ["failed", 503, 20]];
  for (const [status, http, exit] of rows) {
    const report = { status, version: "1", time: "t", checks: [] };
    assert.deepEqual([op.status.of(report), op.cli?.exit?.(report)], [http, exit]);
  }
});
