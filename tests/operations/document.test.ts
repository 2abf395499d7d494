/** The OpenAPI document and the pages, as the whole application serves them. */
import assert from "node:assert/strict";
import { allOperations } from "../../src/catalogue.ts";
import { parseRoute } from "../../src/lib/operation.ts";
import { testApp } from "../support/app.ts";

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function* objectsIn(value: unknown): Generator<Json> {
  if (isObject(value)) yield value;
  if (typeof value !== "object" || value === null) return;
  for (const inner of Object.values(value)) yield* objectsIn(inner);
}

async function served(path: string): Promise<{ text: string; answer: Response }> {
  await using t = await testApp();
  const answer = await t.request("GET", path);
  assert.equal(answer.status, 200, path);
  return { text: await answer.text(), answer };
}

const { text } = await served("/openapi.json");
const DOCUMENT: {
  openapi: string;
  paths: Record<string, Record<string, Json>>;
  components: { schemas: Json; securitySchemes: Json };
} = JSON.parse(text);

Deno.test("the document is served at both paths to anybody, and is the same", async () => {
  const { text: other, answer } = await served("/api/v1/openapi.json");
  assert.equal(other, text);
  assert.equal(answer.headers.get("content-type"), "application/json");
  assert.match(DOCUMENT.openapi, /^3\.1\./);
});

Deno.test("the document has every route of every operation and nothing else, under unique ids", async () => {
  const operations = await allOperations();
  const wanted = operations.flatMap((op) => [op.route, ...op.aliases ?? []]).sort();
  const found = Object.entries(DOCUMENT.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`)
  );
  assert.deepEqual(found.sort(), wanted);
  const ids = Object.values(DOCUMENT.paths).flatMap((item) => Object.values(item)).map((op) =>
    op.operationId
  );
  assert.equal(new Set(ids).size, wanted.length);
  for (const op of operations) {
    const { method, path } = parseRoute(op.route);
    const stated = DOCUMENT.paths[path]?.[method.toLowerCase()];
    assert.equal(stated?.operationId, op.name);
    assert.equal(stated.summary, op.summary);
    assert.deepEqual(stated.security, op.role === "public" ? [] : [{ bearer: [] }, { api_key: [] }], op.name);
    const success = String(typeof op.status === "number" ? op.status : 200);
    assert.ok(isObject(stated.responses) && success in stated.responses, op.name);
  }
});

Deno.test("every path parameter is declared, required and a plain value", () => {
  for (const [path, item] of Object.entries(DOCUMENT.paths)) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    for (const op of Object.values(item)) {
      const parameters = Array.isArray(op.parameters) ? op.parameters : [];
      const inPath = parameters.filter((parameter) => parameter.in === "path");
      assert.deepEqual(inPath.map((parameter) => parameter.name), names, path);
      assert.ok(inPath.every((parameter) => parameter.required === true), path);
      assert.equal(
        new Set(parameters.map(({ name, in: where }) => `${where} ${name}`)).size,
        parameters.length,
      );
    }
  }
});

Deno.test("every reference points at a schema, and the published shapes have their names", () => {
  const schemas = new Set(Object.keys(DOCUMENT.components.schemas));
  for (const { $ref } of objectsIn(DOCUMENT)) {
    if ($ref === undefined) continue;
    const name = /^#\/components\/schemas\/(\w+)$/.exec(String($ref))?.[1];
    assert.ok(name !== undefined && schemas.has(name), String($ref));
  }
  for (
    const name of [
      "BackupSchedule",
      "BackupScheduleCreateRequest",
      "BackupScheduleLog",
      "BackupScheduleInterval",
      "SchedulerStatus",
      "SchedulerJob",
      "Backup",
      "Problem",
    ]
  ) assert.ok(schemas.has(name), name);
});

Deno.test("every pattern is one that other programs can read", () => {
  const patterns = [...objectsIn(DOCUMENT)].map(({ pattern }) => pattern).filter((one) =>
    typeof one === "string"
  );
  assert.ok(patterns.length > 0);
  for (const pattern of patterns) {
    assert.match(pattern, /\$$/);
    assert.ok(new RegExp(pattern, "u"));
  }
});

Deno.test("every error is described as a problem document", () => {
  for (const item of Object.values(DOCUMENT.paths)) {
    for (const op of Object.values(item)) {
      assert.ok(isObject(op.responses));
      for (const [status, response] of Object.entries(op.responses)) {
        if (status < "400") continue;
        assert.ok(isObject(response) && isObject(response.content), `${op.operationId} ${status}`);
        // Health says the same in sickness.
        if (op.operationId !== "health" && !String(op.operationId).startsWith("health.")) {
          assert.deepEqual(Object.keys(response.content), ["application/problem+json"]);
        }
      }
    }
  }
});

Deno.test("the pages load nothing from anywhere else, and their policy would not let them", async () => {
  for (const path of ["/docs", "/redoc"]) {
    const { text: page, answer } = await served(path);
    assert.match(answer.headers.get("content-type") ?? "", /^text\/html/);
    const policy = answer.headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'self'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /https?:|\*/);
    assert.doesNotMatch(page, /(?:src|href|url)\s*=\s*["']?(?:https?:)?\/\//i);
    const links = [...page.matchAll(/(?:src|href|spec-url)="([^"]+)"/g)].map((match) => match[1]!);
    assert.ok(links.length > 0);
    for (const link of links) await served(link);
  }
  const { text: start } = await served("/docs/start.js");
  assert.match(start, /validatorUrl: null/);
});
