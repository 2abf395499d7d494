import assert from "node:assert/strict";
import { z } from "zod";
import { readInput } from "../../src/api/request.ts";
import { type Operation, operation } from "../../src/lib/operation.ts";

const sample = (overrides: Partial<Operation> = {}): Operation =>
  operation({
    name: "things.do",
    route: "POST /things/{thing}",
    role: "user",
    summary: "Do",
    input: z.strictObject({
      thing: z.int(),
      n: z.int().optional(),
      on: z.boolean().optional(),
      tags: z.array(z.string()).optional(),
      text: z.string().optional(),
      body: z.string().optional(),
    }),
    output: z.unknown(),
    run: () => null,
    ...overrides,
  });

const URL_BASE = "http://holdfast.local/things/7";

function read(
  init: RequestInit & { query?: string; path?: Record<string, string>; limit?: number } = {},
  op = sample(),
): Promise<Record<string, unknown>> {
  const url = new URL(`${URL_BASE}${init.query ?? ""}`);
  return readInput(op, new Request(url, init), url, init.path ?? { thing: "7" }, init.limit ?? 1000);
}

const post = (body: BodyInit, type = "application/json") => ({
  method: "POST",
  body,
  headers: { "content-type": type },
});

Deno.test("path and query become input of the types the schema wants", async () => {
  assert.deepEqual(await read({ query: "?n=5&on=true&tags=a&tags=b&text=5" }), {
    thing: 7,
    n: 5,
    on: true,
    tags: ["a", "b"],
    text: "5",
  });
  assert.deepEqual(await read({ method: "DELETE", query: "?tags=a" }), { thing: 7, tags: ["a"] });
  assert.deepEqual(await read({ query: "?n=five&nope=1" }), { thing: 7, n: "five", nope: "1" });
});

Deno.test("a JSON body is taken as it is, and the path wins over it", async () => {
  assert.deepEqual(await read(post('{"n":"5","thing":8,"on":null}')), { n: "5", thing: 7, on: null });
  assert.deepEqual(await read(post("{}", "Application/JSON; charset=utf-8")), { thing: 7 });
  assert.deepEqual(await read(post("{}", "application/merge-patch+json")), { thing: 7 });
  assert.deepEqual(await read(post("\ufeff{}")), { thing: 7 });
});

Deno.test("no body is an empty object, and the query of a write with a JSON body counts for nothing", async () => {
  assert.deepEqual(await read({ method: "POST" }), { thing: 7 });
  assert.deepEqual(await read({ ...post(""), query: "?n=5" }), { thing: 7 });
});

Deno.test("what is no JSON object is refused with a reason", async () => {
  const rows: [BodyInit, RegExp][] = [
    ["{", /the body is not JSON: /],
    ["{'a':1}", /the body is not JSON: /],
    ["[]", /the body must be a JSON object/],
    ["null", /the body must be a JSON object/],
    ['"text"', /the body must be a JSON object/],
    [new Uint8Array([0x7b, 0xff, 0x7d]), /the body is not UTF-8 text/],
    [new Uint8Array([0xc3]), /the body is not UTF-8 text/],
  ];
  for (const [body, message] of rows) await assert.rejects(read(post(body)), { kind: "invalid", message });
});

Deno.test("a key named __proto__ is a key like any other, for the schema to refuse", async () => {
  for (const input of [read({ query: "?__proto__=a&__proto__=b" }), read(post('{"__proto__":{"n":1}}'))]) {
    const fields = await input;
    assert.ok(Object.hasOwn(fields, "__proto__"));
    assert.equal(Object.getPrototypeOf(fields), Object.prototype);
  }
});

Deno.test("other types are refused, forms too unless the operation takes them", async () => {
  for (const type of ["text/plain", "multipart/form-data; boundary=x", "text/html", ""]) {
    await assert.rejects(read(post("{}", type)), {
      kind: "invalid",
      message: `Cannot read the request: content type "${type.split(";")[0]}" is not application/json`,
      hint: /Content-Type: application\/json/,
    });
  }
  const form = post("n=5&text=long+secret%21&tags=a", "application/x-www-form-urlencoded");
  await assert.rejects(read(form), { kind: "invalid", message: /x-www-form-urlencoded/ });
  assert.deepEqual(await read(form, sample({ body: "form" })), {
    thing: 7,
    n: 5,
    text: "long secret!",
    tags: ["a"],
  });
  assert.deepEqual(await read(post('{"n":5}'), sample({ body: "form" })), { thing: 7, n: 5 });
});

Deno.test("a raw text body is a field, whatever its type, beside the query", async () => {
  const op = sample({ body: "text" });
  assert.deepEqual(await read({ ...post("line 1\n{", "text/x-log"), query: "?n=5&body=no" }, op), {
    thing: 7,
    n: 5,
    body: "line 1\n{",
  });
  assert.deepEqual(await read({ method: "POST" }, op), { thing: 7, body: "" });
});

Deno.test("a body over the limit is refused, at the limit it is not", async () => {
  const json = JSON.stringify({ text: "x".repeat(80) });
  assert.deepEqual(await read({ ...post(json), limit: json.length }), { thing: 7, text: "x".repeat(80) });
  await assert.rejects(read({ ...post(json), limit: json.length - 1 }), {
    kind: "invalid",
    code: "body_too_large",
    message: `Cannot read the request: the body is larger than ${json.length - 1} bytes`,
  });
});

Deno.test("a body without a length, or with a false one, is read no further than the limit", async () => {
  for (const headers of [{}, { "content-length": "5" }, { "content-length": "junk" }]) {
    let pulled = 0;
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 100;
        controller.enqueue(new Uint8Array(100).fill(0x20));
      },
      cancel() {
        cancelled = true;
      },
    });
    const request = new Request(URL_BASE, { method: "POST", body, headers });
    await assert.rejects(readInput(sample(), request, null, { thing: "7" }, 1000), {
      code: "body_too_large",
    });
    assert.ok(pulled <= 1300, `${pulled} bytes were read`);
    assert.ok(cancelled, "the rest is not waited for");
  }
});

Deno.test("a length over the limit is refused before a byte is read", async () => {
  let pulled = false;
  const body = new ReadableStream({ pull: () => void (pulled = true) }, { highWaterMark: 0 });
  const request = new Request(URL_BASE, { method: "POST", body, headers: { "content-length": "1001" } });
  await assert.rejects(readInput(sample(), request, null, {}, 1000), { code: "body_too_large" });
  assert.equal(pulled, false);
});

Deno.test("a form of a hundred thousand names, or of one name a hundred thousand times, is read in one pass", async () => {
  const op = sample({ body: "form" });
  const type = "application/x-www-form-urlencoded";
  const names = Array.from({ length: 100_000 }, (_, i) => `f${i}=`).join("&");
  const values = "tags=a&".repeat(100_000);
  const started = performance.now();
  const many = await read({ ...post(names, type), limit: 2_000_000 }, op);
  const often = await read({ ...post(values, type), limit: 2_000_000 }, op);
  assert.equal(Object.keys(many).length, 100_001);
  assert.equal(Array.isArray(often.tags) && often.tags.length, 100_000);
  // Name by name it takes a minute.
  assert.ok(performance.now() - started < 10_000);
});
