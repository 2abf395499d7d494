/** Following a run over HTTP, as server-sent events, to its end; and clients that do not behave. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { listenTcp } from "../../src/api/listen.ts";
import type { RunEvent } from "../../src/schedules/model.ts";
import { lateAnswer } from "../support/late_answer.ts";
import { within } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";
import { problemOf } from "./problem.ts";

const BASE = "/api/v1/backup-scheduler";

/** Events of a stream as they come; what is no event (the heartbeat) is checked and left out. */
async function* eventsOf(answer: Response): AsyncGenerator<RunEvent> {
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  assert.equal(answer.headers.get("cache-control"), "no-store");
  assert.ok(answer.body);
  let rest = "";
  for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
    const frames = (rest + text).split("\n\n");
    rest = frames.pop() ?? "";
    for (const frame of frames) {
      if (frame.startsWith(":")) continue;
      const [, type, data] = /^(?:id: \S+\n)?event: (\w+)\ndata: (.*)$/.exec(frame) ?? [];
      assert.ok(data !== undefined, `no event: ${frame}`);
      const event: RunEvent = JSON.parse(data);
      assert.equal(event.type, type);
      yield event;
    }
  }
  assert.equal(rest, "");
}

/** A world behind a real port, and a key that may trigger. */
async function served() {
  const w = await world({ "servers.check_timeout_seconds": "300" });
  const late = lateAnswer();
  const listener = await listenTcp({ tls: { cert_file: null, key_file: null } }, {
    hostname: "127.0.0.1",
    port: 0,
  }, w.api);
  const headers = { authorization: `Bearer ${await w.keyFor("operator")}` };
  const call = (path: string, init: RequestInit = {}) => fetch(listener.url + path, { ...init, headers });
  const trigger = async (schedule: string) => {
    const answer = await call(`${BASE}/schedules/${schedule}/trigger`, { method: "POST" });
    assert.equal(answer.status, 202);
    const { run_id } = await answer.json();
    return { run_id: String(run_id), follow: `${BASE}/logs/${run_id}/follow` };
  };
  return {
    w,
    call,
    trigger,
    /** Makes a server's runs wait for an answer, which comes after `answer()`. */
    async makeWait() {
      const running_check = { kind: "http", url: late.url };
      await w.local("PUT", `/api/v1/servers/${w.own.id}`, { running_check });
    },
    answer: late.answer,
    async [Symbol.asyncDispose]() {
      await listener.close();
      await w[Symbol.asyncDispose]();
      await late[Symbol.asyncDispose]();
    },
  };
}

/** Resolves when the next follower has ended, from its own side or because nobody reads it any more. */
function followerEnds(w: World): Promise<void> {
  const { runs } = w.app.services.schedules;
  const { promise, resolve } = Promise.withResolvers<void>();
  const original = runs.follow.bind(runs);
  runs.follow = async function* (...args) {
    try {
      yield* original(...args);
    } finally {
      resolve();
    }
  };
  return within(60, "the end of the follower", promise);
}

Deno.test("a triggered run is followed from its state over its lines to its result", async () => {
  await using s = await served();
  const { run_id, follow } = await s.trigger(s.w.own.schedule);
  const events = await Array.fromAsync(eventsOf(await s.call(follow)));
  const last = events.at(-1);
  assert.ok(last?.type === "result");
  assert.deepEqual([last.log.id, last.log.status, last.log.server_id], [run_id, "success", s.w.own.id]);
  assert.ok(last.log.backup_id !== null);
  const seqs = events.filter((event) => event.type === "line").map((event) => event.seq);
  assert.ok(seqs.length > 0);
  assert.deepEqual(seqs, seqs.map((_, index) => index + 1));
  assert.ok(events.slice(0, -1).every((event) => event.type !== "result" && event.run_id === run_id));
});

Deno.test("a run that has ended is told again, as often as somebody asks", async () => {
  await using s = await served();
  const follow = `${BASE}/logs/${s.w.own.log}/follow`;
  const first = await Array.fromAsync(eventsOf(await s.call(follow)));
  assert.equal(first.at(-1)?.type, "result");
  assert.deepEqual(await Array.fromAsync(eventsOf(await s.call(follow))), first);
});

Deno.test("what cannot be followed is a problem with its status, not an event", async () => {
  await using s = await served();
  const { w } = s;
  await problemOf(await s.call(`${BASE}/logs/none/follow`), 404);
  const follow = `${BASE}/logs/${w.foreign.log}/follow`;
  await problemOf(await w.request("GET", follow), 401);
  await problemOf(await w.request("GET", follow, { token: await w.keyFor("user", [w.own.id]) }), 403);
  await problemOf(await w.request("GET", `${follow}?colour=red`, { token: await w.keyFor("user") }), 400);
});

Deno.test("a client that hangs up ends its follower, and the run goes on to its end", async () => {
  await using s = await served();
  await s.makeWait();
  const { run_id, follow } = await s.trigger(s.w.own.schedule);
  const ended = followerEnds(s.w);
  const hangUp = new AbortController();
  const answer = await s.call(follow, { signal: hangUp.signal });
  const events = eventsOf(answer);
  assert.equal((await events.next()).value?.type, "state");
  hangUp.abort();
  await assert.rejects(events.next());
  await ended;
  assert.ok(s.w.app.services.schedules.runner.has(run_id));
  s.answer();
  await s.w.app.services.schedules.idle();
  const log = await s.w.local("GET", `${BASE}/logs/${run_id}`);
  assert.equal(log.status, "success", log.error_message);
});

Deno.test("a run that is cancelled tells every follower so", async () => {
  await using s = await served();
  await s.makeWait();
  const { run_id, follow } = await s.trigger(s.w.own.schedule);
  const followers = await Promise.all([s.call(follow), s.call(follow), s.call(follow)]);
  const results = Promise.all(
    followers.map(async (answer) => (await Array.fromAsync(eventsOf(answer))).at(-1)),
  );
  const cancelled = await s.call(`${BASE}/logs/${run_id}/cancel`, { method: "POST" });
  assert.equal((await cancelled.json()).status, "cancelled");
  for (const last of await within(60, "the results", results)) {
    assert.ok(last?.type === "result");
    assert.equal(last.log.status, "cancelled");
  }
});

Deno.test("a client that reads slowly slows nobody, and gets every line in order", async () => {
  await using w = await world();
  const many = join(w.files, "many");
  await Deno.mkdir(many);
  const names = Array.from({ length: 1500 }, (_, index) => `pipe-${index}`);
  await new Deno.Command("mkfifo", { args: names, cwd: many }).output();
  const schedule = await w.schedule(w.own, {
    engine_options: { sources: [many], destination: join(w.files, "backups") },
  });
  const token = await w.keyFor("operator");
  const { run_id } = await w.local("POST", `${BASE}/schedules/${schedule}/trigger`);
  const answer = await w.request("GET", `${BASE}/logs/${run_id}/follow`, { token });
  await within(120, "the end of the run", w.app.services.schedules.idle());
  const events = await Array.fromAsync(eventsOf(answer));
  const seqs = events.filter((event) => event.type === "line").map((event) => event.seq);
  assert.ok(seqs.length >= names.length);
  assert.deepEqual(seqs, seqs.map((_, index) => index + 1));
  const last = events.at(-1);
  assert.ok(last?.type === "result" && last.log.status === "success");
  assert.equal(last.log.warning_count, names.length);
});

Deno.test("asking for the head of a stream leaves no follower behind", async () => {
  await using s = await served();
  await s.makeWait();
  const { run_id, follow } = await s.trigger(s.w.own.schedule);
  const ended = followerEnds(s.w);
  const answer = await s.call(follow, { method: "HEAD" });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  await s.w.local("POST", `${BASE}/logs/${run_id}/cancel`);
  await ended;
});

Deno.test("a daemon that stops tells followers how their run ended", async () => {
  await using s = await served();
  await s.makeWait();
  const { follow } = await s.trigger(s.w.own.schedule);
  const events = Array.fromAsync(eventsOf(await s.call(follow)));
  await s.w.app.stop(AbortSignal.abort());
  const last = (await within(60, "the result", events)).at(-1);
  assert.ok(last?.type === "result" && last.log.outcome === "interrupted");
});
