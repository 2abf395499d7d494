/** A Veeam job as one of Holdfast's own backups. */
import assert from "node:assert/strict";
import { veeamJobEngine } from "../../src/veeam_engine.ts";
import type { Engine, EngineContext } from "../../src/backups/mod.ts";
import { FakeClock } from "../support/clock.ts";
import { fakeId, KIND } from "../support/veeam/model.ts";
import { FakeVeeam } from "../support/veeam/fake.ts";
import { serviceOf } from "../support/veeam/tables.ts";

function scene() {
  const clock = new FakeClock("2026-03-02T06:00:00Z");
  const fake = new FakeVeeam({ clock });
  const veeam = serviceOf({ "vbr-1": fake });
  const engine = veeamJobEngine(() => veeam);
  const stop = new AbortController();
  const lines: string[] = [];
  const context: EngineContext = {
    signal: stop.signal,
    now: () => clock.now(),
    log: (level, text) => lines.push(`${level} ${text}`),
    progress: () => {},
    secret: () => Promise.reject(new Error("no secrets")),
  };
  /** Runs a job that ends so after a while. */
  const run = async (options: Record<string, unknown>, result = "Success", message = "") => {
    const parsed = engine.options.parse(options);
    const made = engine.make({ options: parsed, name: "x", labels: {} }, context);
    made.catch(() => {});
    const session = () => fake.sessions.find(({ ended }) => ended === null);
    const ticking = setInterval(() => {
      const open = session();
      if (open !== undefined && clock.now() > open.created + 30_000) {
        Object.assign(open, { ended: clock.now(), result, message });
      }
      clock.advance(5000);
    }, 1);
    try {
      return await made;
    } finally {
      clearInterval(ticking);
    }
  };
  return { fake, veeam, engine, context, lines, run, stop };
}

Deno.test("a run starts the job, follows its session, and records it where it stays", async () => {
  const { run, lines, engine, context } = scene();
  const artifact = await run({ job: "Daily VMs" });
  assert.equal(artifact.path, `veeam:vbr-1/${fakeId(KIND.job, 1)}/${fakeId(KIND.session, 21)}`);
  assert.deepEqual([artifact.size_bytes, artifact.source_bytes], [536_870_912, 5_368_709_120]);
  assert.ok(lines.includes("info Processing web-01"));
  const verified = await engine.verify(artifact, context);
  assert.equal(verified.ok, true);
  await assert.rejects(
    engine.restore(artifact, { target: "/x", patterns: [], force: false, owners: false }, context),
    /it stayed with Veeam/,
  );
});

Deno.test("a session that failed fails the run with its message, one with warnings only where that is asked", async () => {
  await assert.rejects(scene().run({ job: "Daily VMs" }, "Failed", "no space left"), /failed: no space left/);
  const warned = scene();
  await warned.run({ job: "Daily VMs" }, "Warning", "slow");
  assert.ok(warned.lines.some((line) => line.startsWith("warning ") && line.includes("slow")));
  await assert.rejects(
    scene().run({ job: "Daily VMs", fail_on_warning: true }, "Warning"),
    /ended with warning/,
  );
});

Deno.test("a run that is cancelled stops the job; one that runs already, and one that is not there, are refused", async () => {
  const cancelled = scene();
  const made = cancelled.run({ job: "Daily VMs" }, "Success");
  queueMicrotask(() => cancelled.stop.abort(new Error("cancelled")));
  await assert.rejects(made);
  const busy = scene();
  busy.fake.addSession({ job: 1, ended: null, result: "None" });
  const engine: Engine<never> | typeof busy.engine = busy.engine;
  const request = { options: engine.options.parse({ job: "Daily VMs" }), name: "x", labels: {} };
  await assert.rejects(busy.engine.make(request, busy.context), { kind: "conflict" });
  await assert.rejects(scene().run({ job: "Nobody" }), { kind: "not_found" });
});

Deno.test("where a server tells no session of a start, the next one is followed and not the last one", async () => {
  const { fake, run } = scene();
  const job = fake.jobs[0]!;
  const before = job.session;
  let looks = 0;
  fake.override = ({ method, path }) => {
    if (method === "POST" && path.endsWith("/start")) return new Response(null, { status: 204 });
    // The session shows some time after the start.
    if (path.endsWith("/jobs/states") && ++looks === 4) {
      fake.addSession({ job: 1, ended: null, result: "None" });
    }
    return undefined;
  };
  await assert.rejects(run({ job: "Daily VMs" }, "Failed", "no space left"), /failed: no space left/);
  assert.notEqual(job.session, before);

  const mute = scene();
  mute.fake.override = ({ method, path }) =>
    method === "POST" && path.endsWith("/start") ? new Response(null, { status: 204 }) : undefined;
  await assert.rejects(mute.run({ job: "Daily VMs" }), /tells no session of it/);
});
