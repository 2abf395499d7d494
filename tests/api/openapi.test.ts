import assert from "node:assert/strict";
import { z } from "zod";
import { openApiDocument } from "../../src/api/openapi.ts";
import { type Operation, operation } from "../../src/lib/operation.ts";

const Thing = z.object({ id: z.int(), name: z.string().nullable(), size_bytes: z.int().optional() }).meta({
  id: "Thing",
});

const base = {
  role: "user",
  summary: "S",
  input: z.strictObject({}),
  output: Thing,
  run: () => Promise.reject(new Error("never called")),
} as const;

const OPERATIONS: Operation[] = [
  operation({
    ...base,
    name: "things.list",
    route: "GET /api/v1/things",
    aliases: ["GET /v1/things"],
    input: z.strictObject({
      server_id: z.int().optional().describe("Only of this server"),
      limit: z.int().min(1).max(1000).default(50),
      kind: z.enum(["a", "b"]).optional(),
      tags: z.array(z.string()).optional(),
      ref: z.union([z.int(), z.string()]).optional(),
    }),
    output: z.array(Thing),
  }),
  operation({
    ...base,
    name: "things.update",
    route: "PATCH /api/v1/things/{thing}/parts/{part}",
    description: "More words.",
    role: "operator",
    input: z.strictObject({ thing: z.string(), part: z.int(), name: z.string().min(1) }),
  }),
  operation({
    ...base,
    name: "things.delete",
    route: "DELETE /api/v1/things/{thing}",
    role: "admin",
    status: 204,
    input: z.strictObject({ thing: z.string(), force: z.boolean().default(false) }),
  }),
  operation({ ...base, name: "things.start", route: "POST /api/v1/things/start", status: 202 }),
  operation({
    ...base,
    name: "auth.token",
    route: "POST /api/v1/auth/token",
    role: "public",
    body: "form",
    input: z.strictObject({ username: z.string(), password: z.string() }),
  }),
  operation({
    ...base,
    name: "ping",
    route: "POST /ping/{code}",
    role: "public",
    body: "text",
    input: z.strictObject({ code: z.string(), rid: z.string().optional(), body: z.string() }),
  }),
  operation({ ...base, name: "things.work", route: "POST /api/v1/things/work", progress: true }),
  operation({
    ...base,
    name: "things.follow",
    route: "GET /api/v1/things/{thing}/follow",
    stream: true,
    input: z.strictObject({ thing: z.string() }),
  }),
];

type Json = Record<string, unknown>;

/** What stands at a path of keys; fails when something on the way is missing. */
function at(value: unknown, ...keys: (string | number)[]): unknown {
  return keys.reduce<unknown>((inner, key) => {
    assert.ok(
      typeof inner === "object" && inner !== null && key in inner,
      `no "${key}" in ${keys.join(" > ")}`,
    );
    return Reflect.get(inner, key);
  }, value);
}

/** The same where an object must stand. */
function object(value: unknown, ...keys: (string | number)[]): Json {
  const found = at(value, ...keys);
  assert.ok(isObject(found), keys.join(" > "));
  return found;
}

/** The same where a list of objects must stand. */
function objects(value: unknown, ...keys: (string | number)[]): Json[] {
  const found = at(value, ...keys);
  assert.ok(Array.isArray(found) && found.every(isObject), keys.join(" > "));
  return found;
}

const document: unknown = JSON.parse(JSON.stringify(openApiDocument(OPERATIONS)));

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function* everyOperation(): Generator<[string, string, Json]> {
  for (const [path, item] of Object.entries(object(document, "paths"))) {
    for (const [method, op] of Object.entries(object({ item }, "item"))) {
      yield [path, method, object({ op }, "op")];
    }
  }
}

Deno.test("the document is OpenAPI 3.1 in structure: every route is there once, described and answered", () => {
  assert.match(String(at(document, "openapi")), /^3\.1\.\d+$/);
  assert.equal(at(document, "info", "title"), "Holdfast");
  assert.equal(typeof at(document, "info", "version"), "string");
  const expected = OPERATIONS.flatMap((op) => [op.route, ...(op.aliases ?? [])]).sort();
  const found = [...everyOperation()].map(([path, method]) => `${method.toUpperCase()} ${path}`).sort();
  assert.deepEqual(found, expected);
  const ids = new Set<unknown>();
  for (const [path, method, op] of everyOperation()) {
    const what = `${method} ${path}`;
    ids.add(at(op, "operationId"));
    assert.equal(typeof at(op, "summary"), "string", what);
    const statuses = Object.keys(object(op, "responses"));
    assert.ok(statuses.length > 0 && statuses.every((status) => /^[1-5]\d\d$/.test(status)), what);
    for (const status of statuses) {
      assert.equal(typeof at(op, "responses", status, "description"), "string", what);
    }
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    const parameters = "parameters" in op ? objects(op, "parameters") : [];
    assert.deepEqual(parameters.filter((p) => p.in === "path").map((p) => p.name), inPath, what);
    for (const parameter of parameters) {
      assert.ok(isObject(parameter.schema), what);
      if (parameter.in === "path") assert.equal(parameter.required, true, what);
    }
    if (method === "get" || method === "delete") assert.equal("requestBody" in op, false, what);
  }
  assert.equal(ids.size, expected.length, "operation ids are unique");
});

Deno.test("every reference points at something", () => {
  let count = 0;
  (function walk(value: unknown): void {
    if (Array.isArray(value)) return value.forEach(walk);
    if (!isObject(value)) return;
    if (typeof value.$ref === "string") {
      count++;
      assert.match(value.$ref, /^#\//);
      at(document, ...value.$ref.slice(2).split("/"));
    }
    Object.values(value).forEach(walk);
  })(document);
  assert.ok(count > 10);
  assert.ok(isObject(at(document, "components", "schemas", "Thing")));
  assert.deepEqual(at(document, "components", "schemas", "Problem", "required"), [
    "detail",
    "status",
    "title",
    "code",
    "request_id",
    "errors",
  ]);
});

Deno.test("security names schemes that exist, and public operations need none", () => {
  for (const [path, method, op] of everyOperation()) {
    const security = objects(op, "security");
    const isPublic = path.startsWith("/ping") || path.includes("auth");
    assert.equal(security.length === 0, isPublic, `${method} ${path}`);
    for (const name of security.flatMap((entry) => Object.keys(entry))) {
      at(document, "components", "securitySchemes", name);
    }
    const statuses = Object.keys(object(op, "responses"));
    assert.equal(statuses.includes("401"), !isPublic);
  }
});

Deno.test("queries, bodies and answers are where the handler looks for them", () => {
  const list = at(document, "paths", "/api/v1/things", "get");
  const parameters = objects(list, "parameters");
  const byName = Object.fromEntries(parameters.map((p) => [String(p.name), p]));
  assert.deepEqual(Object.keys(byName), ["server_id", "limit", "kind", "tags", "ref"]);
  assert.ok(parameters.every((p) => p.in === "query" && p.required !== true));
  assert.equal(at(byName.limit, "schema", "default"), 50);
  assert.deepEqual(at(byName.kind, "schema", "enum"), ["a", "b"]);
  assert.equal(at(byName.tags, "schema", "type"), "array");
  assert.equal(at(list, "responses", "200", "content", "application/json", "schema", "type"), "array");

  const update = at(document, "paths", "/api/v1/things/{thing}/parts/{part}", "patch");
  const body = at(update, "requestBody", "content", "application/json", "schema");
  assert.deepEqual(Object.keys(object(body, "properties")), ["name"]);
  assert.match(String(at(update, "description")), /^More words\.\n\nRole: operator\.$/);
  at(update, "responses", "404", "content", "application/problem+json");
  at(update, "responses", "409");

  assert.equal(
    "content" in object(document, "paths", "/api/v1/things/{thing}", "delete", "responses", "204"),
    false,
  );
  assert.equal("requestBody" in object(document, "paths", "/api/v1/things/start", "post"), false);
  at(document, "paths", "/api/v1/things/start", "post", "responses", "202");
  at(
    document,
    "paths",
    "/api/v1/things/{thing}/follow",
    "get",
    "responses",
    "200",
    "content",
    "text/event-stream",
  );
});

Deno.test("work that can be watched is answered in two types, and events end with the answer", () => {
  const work = at(document, "paths", "/api/v1/things/work", "post");
  const content = object(work, "responses", "200", "content");
  assert.deepEqual(Object.keys(content), ["application/json", "text/event-stream"]);
  const thing = at(content, "application/json", "schema", "$ref");
  const [progress, result] = objects(content, "text/event-stream", "schema", "oneOf");
  assert.equal(progress?.$ref, "#/components/schemas/WorkProgress");
  assert.equal(at(result, "properties", "result", "$ref"), thing);
  assert.match(String(at(work, "description")), /Accept: text\/event-stream/);
});

Deno.test("a form is also taken as JSON, and a raw text has its other fields in the query", () => {
  const token = object(document, "paths", "/api/v1/auth/token", "post", "requestBody", "content");
  assert.deepEqual(Object.keys(token), ["application/x-www-form-urlencoded", "application/json"]);
  const ping = at(document, "paths", "/ping/{code}", "post");
  assert.deepEqual(Object.keys(object(ping, "requestBody", "content")), ["text/plain"]);
  assert.deepEqual(objects(ping, "parameters").map((p) => `${p.in} ${p.name}`), [
    "path code",
    "query rid",
  ]);
});
