/** What Prometheus reads: the rules and the metrics, judged by its own tool, and that both speak of the same names. */
import assert from "node:assert/strict";
import { dashboardText, rulesText, usedMetrics } from "../../src/monitor/prometheus.ts";
import { testApp } from "../support/app.ts";
import { FakeClock } from "../support/clock.ts";

/** Runs `promtool check WHAT` on a text; undefined, with a line that says so, where there is none. */
async function promtool(
  what: "rules" | "metrics",
  text: string,
): Promise<{ code: number; said: string } | undefined> {
  const file = await Deno.makeTempFile({ prefix: "holdfast-promtool-", suffix: ".yml" });
  try {
    await Deno.writeTextFile(file, text);
    const script = what === "rules" ? 'promtool check rules "$0"' : 'promtool check metrics < "$0"';
    const { code, stdout, stderr } = await new Deno.Command("sh", { args: ["-c", script, file] }).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    if (code === 127) {
      console.log("skipped: there is no promtool here: install the package prometheus");
      return undefined;
    }
    return { code, said };
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("the alert rules pass promtool", async () => {
  const checked = await promtool("rules", rulesText());
  if (checked === undefined) return;
  assert.equal(checked.code, 0, checked.said);
  assert.match(checked.said, /SUCCESS: \d+ rules found/);
});

Deno.test("the metrics pass promtool, and rules and dashboard read only those there are", async () => {
  await using world = await testApp({}, new FakeClock("2026-03-02T12:59:00Z"));
  const { ping_id } = await world.local("POST", "/api/v1/jobs", {
    database_name: "mail",
    way: "ping",
    expected_hour_utc: 13,
    backup_frequency: "daily",
  });
  for (const signal of ["", "/fail"]) {
    const answer = await world.request("GET", `/api/v1/ping/${ping_id}${signal}`);
    await answer.body?.cancel();
    await world.app.services.monitor.pings.idle();
  }
  const { body } = await world.app.metrics.text();
  assert.match(body, /^holdfast_monitor_jobs\{status="failed"\} 1$/m);
  assert.match(body, /^holdfast_monitor_findings\{code="failed",severity="critical"\} 1$/m);
  assert.match(body, /^holdfast_monitor_entries_total\{status="ok"\} 1$/m);
  for (const name of usedMetrics()) assert.ok(body.includes(`# TYPE ${name} `), name);
  const checked = await promtool("metrics", body);
  if (checked === undefined) return;
  assert.equal(checked.code, 0, checked.said);
});

Deno.test("the dashboard is JSON whose panels do not overlap", () => {
  const { panels } = JSON.parse(dashboardText());
  const places = panels.map(({ gridPos: { x, y } }: { gridPos: { x: number; y: number } }) => `${x},${y}`);
  assert.equal(new Set(places).size, places.length);
});
