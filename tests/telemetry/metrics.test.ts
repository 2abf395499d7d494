import assert from "node:assert/strict";
import { Metrics } from "../../src/telemetry/mod.ts";

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
// Prometheus reads NaN in any case, and prom-client writes "Nan".
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.]+(?:e[+-]?\d+)?|Na[Nn]|[+-]Inf)(?: \d+)?$/;

/** Reads the exposition text by its rules and fails where it breaks one. Source: prometheus.io, text format 0.0.4 */
function parse(text: string): Map<string, { type: string; samples: Map<string, number> }> {
  assert.ok(text.endsWith("\n"), "the last line ends with a line end");
  const families = new Map<string, { type: string; samples: Map<string, number> }>();
  let current = "";
  for (const line of text.trimEnd().split("\n")) {
    const [, word, name = "", rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (word === "HELP") {
      assert.match(name, NAME);
      assert.ok(!families.has(name), `${name} comes once`);
      families.set(name, { type: "", samples: new Map() });
      current = name;
    } else if (word === "TYPE") {
      assert.equal(name, current);
      families.get(name)!.type = rest!;
      assert.match(rest!, /^(counter|gauge|histogram|summary|untyped)$/);
    } else if (line !== "") {
      const [, sample = "", labels = "", value] = SAMPLE.exec(line) ?? assert.fail(`no sample: ${line}`);
      assert.equal(
        sample.replace(/_(bucket|sum|count)$/, ""),
        current.replace(/_(bucket|sum|count)$/, ""),
        line,
      );
      const key = `${sample}{${labels}}`;
      const { samples } = families.get(current)!;
      assert.ok(!samples.has(key), `${key} comes once`);
      samples.set(key, Number(value!.replace("Inf", "Infinity")));
    }
  }
  return families;
}

Deno.test("the text keeps the rules of the exposition format and tells what was counted", async () => {
  const metrics = new Metrics("1.2.3");
  metrics.request('/api/v1/a/{id}"\\', "GET", 200, 0.02);
  metrics.request('/api/v1/a/{id}"\\', "GET", 200, 100);
  metrics.request("/api/v1/a", "POST", 409, 0.2);
  metrics.runFinished("success");
  metrics.runStarted(2);
  metrics.runStarted(-5);
  metrics.job("schedules-dispatch", 0.5, true);
  metrics.job("schedules-dispatch", 0.25, false);
  let queue = 3;
  metrics.gauge("holdfast_queue", "Waiting.", () => Promise.resolve(queue));
  const { body, type } = await metrics.text();
  assert.match(type, /^text\/plain; version=0\.0\.4/);
  const families = parse(body);
  const value = (family: string, key: string) => families.get(family)?.samples.get(key);

  const route = 'route="/api/v1/a/{id}\\"\\\\",method="GET"';
  assert.equal(
    value("holdfast_http_requests_total", `holdfast_http_requests_total{${route},status="200"}`),
    2,
  );
  const duration = "holdfast_http_request_duration_seconds";
  assert.equal(value(duration, `${duration}_count{${route}}`), 2);
  assert.equal(value(duration, `${duration}_bucket{le="0.05",${route}}`), 1);
  assert.equal(value(duration, `${duration}_bucket{le="30",${route}}`), 1);
  assert.equal(value(duration, `${duration}_bucket{le="+Inf",${route}}`), 2);
  assert.equal(value("holdfast_runs_total", 'holdfast_runs_total{result="success"}'), 1);
  assert.equal(value("holdfast_run_start_delay_seconds", "holdfast_run_start_delay_seconds_sum{}"), 2);
  assert.equal(
    value("holdfast_jobs_total", 'holdfast_jobs_total{job="schedules-dispatch",result="failed"}'),
    1,
  );
  assert.equal(
    value(
      "holdfast_job_last_duration_seconds",
      'holdfast_job_last_duration_seconds{job="schedules-dispatch"}',
    ),
    0.25,
  );
  assert.equal(value("holdfast_queue", "holdfast_queue{}"), 3);
  assert.equal(value("holdfast_build_info", 'holdfast_build_info{version="1.2.3"}'), 1);
  assert.ok(value("process_resident_memory_bytes", "process_resident_memory_bytes{}")! > 0);

  queue = 0;
  assert.equal(parse((await metrics.text()).body).get("holdfast_queue")?.samples.get("holdfast_queue{}"), 0);
});

Deno.test("two registries do not share their numbers", async () => {
  const [a, b] = [new Metrics("1"), new Metrics("1")];
  a.runFinished("success");
  assert.match((await a.text()).body, /holdfast_runs_total\{result="success"\} 1/);
  assert.doesNotMatch((await b.text()).body, /holdfast_runs_total\{/);
});
