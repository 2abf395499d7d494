import assert from "node:assert/strict";
import { FakeTime } from "./fake_time.ts";
import { eventStream, json, problem } from "../../src/api/respond.ts";
import { HoldfastError } from "../../src/lib/errors.ts";

const SECURE = ["x-content-type-options", "x-frame-options", "referrer-policy", "cache-control"];

Deno.test("every answer has the secure headers and the request's id", async () => {
  async function* none() {}
  for (const answer of [json({}, 200, "r1"), problem(new Error(), "r1"), eventStream(none(), "r1")]) {
    for (const name of SECURE) assert.ok(answer.headers.has(name), name);
    assert.equal(answer.headers.get("x-request-id"), "r1");
    await answer.body?.cancel();
  }
});

Deno.test("a JSON answer has its status; 204 has no body and no type", async () => {
  const created = json({ id: 1 }, 201, "r1");
  assert.deepEqual([created.status, created.headers.get("content-type"), await created.json()], [
    201,
    "application/json",
    { id: 1 },
  ]);
  const done = json(null, 204, "r1");
  assert.deepEqual([done.status, done.body, done.headers.has("content-type")], [204, null, false]);
  assert.equal(await json(undefined, 200, "r1").text(), "null");
});

Deno.test("a problem document has the type, and the headers its status asks for", async () => {
  const limited = problem(new HoldfastError("rate_limited", "Cannot", { retry_after_seconds: 1.2 }), "r1");
  assert.equal(limited.headers.get("content-type"), "application/problem+json");
  assert.equal(limited.headers.get("retry-after"), "2");
  assert.equal((await limited.json()).status, 429);
  const nobody = problem(new HoldfastError("unauthenticated", "Cannot"), "r1");
  assert.match(nobody.headers.get("www-authenticate") ?? "", /^Bearer /);
  const internal = problem(new TypeError("password=hunter2"), "r1");
  assert.doesNotMatch(await internal.text(), /hunter2|TypeError/);
});

/** Reads until `wanted` fits, or the end. */
async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, wanted: RegExp): Promise<string> {
  const decoder = new TextDecoder();
  for (let text = "";;) {
    const { value, done } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
    if (wanted.test(text)) return text;
  }
}

Deno.test("events have their type as name and their id, one frame each", async () => {
  async function* events() {
    yield { type: "line", id: 7, text: "a\nb" };
    yield { text: "plain" };
    yield { type: "line\ndata: forged", id: "1\n2", text: "x" };
    yield { type: 5, id: null };
  }
  const answer = eventStream(events(), "r1");
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  assert.equal(
    await answer.text(),
    ":\n\n" +
      'id: 7\nevent: line\ndata: {"type":"line","id":7,"text":"a\\nb"}\n\n' +
      'data: {"text":"plain"}\n\n' +
      'data: {"type":"line\\ndata: forged","id":"1\\n2","text":"x"}\n\n' +
      'event: 5\ndata: {"type":5,"id":null}\n\n',
  );
});

Deno.test("an error in the middle becomes a last event with the problem, and what is internal stays so", async () => {
  async function* events(error: Error) {
    yield { type: "line" };
    throw error;
  }
  const known = await eventStream(events(new HoldfastError("not_found", "Cannot find it")), "r1").text();
  const [, , last] = known.split("\n\n");
  assert.match(last!, /^event: error\ndata: /);
  const { type, status, detail, request_id } = JSON.parse(last!.split("data: ")[1]!);
  assert.deepEqual([type, status, detail, request_id], ["error", 404, "Cannot find it", "r1"]);
  const internal = await eventStream(events(new Error("password=hunter2")), "r1").text();
  assert.match(internal, /"status":500/);
  assert.doesNotMatch(internal, /hunter2/);
});

Deno.test("a silent stream shows signs of life, and none to a client that does not read", async () => {
  using time = new FakeTime();
  const { promise, resolve } = Promise.withResolvers<void>();
  async function* events() {
    await promise;
    yield { type: "result" };
  }
  const reader = eventStream(events(), "r1").body!.getReader();
  assert.equal(await readUntil(reader, /^:\n\n/), ":\n\n");
  time.tick();
  assert.equal(await readUntil(reader, /:\n\n/), ":\n\n");
  for (let i = 0; i < 50; i++) time.tick();
  resolve();
  const rest = await readUntil(reader, /result/);
  assert.ok(rest.split(":\n\n").length <= 3, "heartbeats do not pile up");
  assert.equal(await readUntil(reader, /never/), "");
  assert.equal(time.running, 0);
});

Deno.test("a client that goes away ends the iteration, and the heartbeat with it", async () => {
  using time = new FakeTime();
  let returned = 0;
  const waiting = Promise.withResolvers<IteratorResult<unknown>>();
  const events: AsyncIterable<unknown> = {
    [Symbol.asyncIterator]: () => ({
      next: () => waiting.promise,
      return() {
        returned++;
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  const reader = eventStream(events, "r1").body!.getReader();
  await readUntil(reader, /:/);
  await reader.cancel();
  assert.equal(returned, 1);
  assert.equal(time.running, 0);
  // What the iterator still says, a value or an error, meets nobody and hurts nobody.
  waiting.reject(new Error("the connection is gone"));
  await waiting.promise.catch(() => {});
  await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
});

Deno.test("a generator is closed when the client goes away between two events", async () => {
  let closed = false;
  async function* events() {
    try {
      for (;;) yield { type: "line" };
    } finally {
      closed = true;
    }
  }
  const reader = eventStream(events(), "r1").body!.getReader();
  await readUntil(reader, /line/);
  await reader.cancel();
  assert.equal(closed, true);
});

Deno.test("a stream ends when the client may no longer read it, which is asked every fourth heartbeat", async () => {
  using time = new FakeTime();
  async function* events() {
    yield { type: "line", text: "x" };
    await new Promise(() => {});
  }
  let asked = 0;
  const recheck = () => {
    asked++;
    return asked === 1
      ? Promise.resolve()
      : Promise.reject(new HoldfastError("unauthenticated", "Cannot go on"));
  };
  const reader = eventStream(events(), "r1", recheck).body!.getReader();
  await readUntil(reader, /event: line/);
  for (let i = 0; i < 7; i++) time.tick();
  assert.equal(asked, 1);
  time.tick();
  assert.match(
    await readUntil(reader, /never/),
    /event: error\ndata: \{"type":"error","detail":"Cannot go on","status":401/,
  );
  assert.equal(time.running, 0);
});
