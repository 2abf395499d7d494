import assert from "node:assert/strict";
import { z } from "zod";
import { coerceText, coerceTexts, type Field, fieldsOf } from "../../src/lib/fields.ts";

const one = (schema: z.ZodType): Field => fieldsOf(z.object({ x: schema }))[0]!;

Deno.test("every kind of schema has its type, as text has to know it", () => {
  const rows: [z.ZodType, Field["type"], Field["item"]?][] = [
    [z.string(), "string"],
    [z.email(), "string"],
    [z.iso.datetime(), "string"],
    [z.enum(["a", "b"]), "string"],
    [z.literal("a"), "string"],
    [z.literal(5), "number"],
    [z.literal(true), "boolean"],
    [z.number(), "number"],
    [z.int().min(1), "number"],
    [z.coerce.number(), "number"],
    [z.boolean(), "boolean"],
    [z.array(z.string()), "array", "string"],
    [z.array(z.int()), "array", "number"],
    [z.array(z.object({ a: z.string() })), "array", "object"],
    [z.array(z.array(z.string())), "array", "object"],
    [z.array(z.enum(["a"]).optional()), "array", "string"],
    [z.object({ a: z.string() }), "object"],
    [z.strictObject({ a: z.string() }), "object"],
    [z.record(z.string(), z.unknown()), "object"],
    [z.unknown(), "object"],
    [z.union([z.int(), z.string()]), "string"],
    [z.union([z.int(), z.number()]), "number"],
    [z.union([z.boolean(), z.number()]), "object"],
    [z.discriminatedUnion("k", [z.object({ k: z.literal("a") }), z.object({ k: z.literal("b") })]), "object"],
    [z.string().transform((text) => text.length), "string"],
    [z.number().pipe(z.number()), "number"],
    [z.number().catch(1), "number"],
    [z.number().readonly(), "number"],
  ];
  for (const [schema, type, item] of rows) {
    for (const wrapped of [schema, schema.optional(), schema.nullable(), schema.nullable().optional()]) {
      const field = one(wrapped);
      assert.deepEqual([field.type, field.item], [type, item], `${schema.def.type} in ${wrapped.def.type}`);
    }
  }
});

Deno.test("what may be absent is not required, and a default is known", () => {
  const rows: [z.ZodType, boolean, unknown][] = [
    [z.string(), true, undefined],
    [z.string().nullable(), true, undefined],
    [z.string().optional(), false, undefined],
    [z.string().default("a"), false, "a"],
    [z.int().prefault(5), false, 5],
    [z.boolean().default(false), false, false],
    [z.string().default("a").nullable(), false, "a"],
    [z.string().nullable().default(null), false, null],
    [z.object({ x: z.string().optional() }).required().shape.x, true, undefined],
  ];
  for (const [schema, required, fallback] of rows) {
    const field = one(schema);
    assert.deepEqual([field.required, field.default], [required, fallback], schema.def.type);
  }
});

Deno.test("a description counts wherever in the wrapping it was given, the outermost first", () => {
  assert.equal(one(z.string().describe("d")).description, "d");
  assert.equal(one(z.string().describe("d").optional()).description, "d");
  assert.equal(one(z.string().optional().describe("d").nullable()).description, "d");
  assert.equal(one(z.string().describe("inner").optional().describe("outer")).description, "outer");
  assert.equal(one(z.string()).description, undefined);
});

Deno.test("choices, names, order and inner fields are those of the schema", () => {
  const schema = z.object({
    b: z.enum(["x", "y"]).optional(),
    a: z.object({ deep: z.object({ n: z.int() }) }).nullable(),
  });
  const [b, a] = fieldsOf(schema);
  assert.deepEqual([b?.name, b?.choices], ["b", ["x", "y"]]);
  assert.deepEqual([a?.name, a?.fields[0]?.name, a?.fields[0]?.fields[0]?.type], ["a", "deep", "number"]);
  assert.deepEqual(fieldsOf(z.string()), []);
});

Deno.test("coerceText() turns text into what is wanted, and leaves what does not fit for the schema to judge", () => {
  const rows: [Field["type"], string, unknown][] = [
    ["number", "5", 5],
    ["number", " -2.5 ", -2.5],
    ["number", "+3", 3],
    ["number", "", ""],
    ["number", "1e3", "1e3"],
    ["number", "0x10", "0x10"],
    ["number", "Infinity", "Infinity"],
    ["number", "five", "five"],
    ["boolean", "true", true],
    ["boolean", " YES ", true],
    ["boolean", "1", true],
    ["boolean", "off", false],
    ["boolean", "0", false],
    ["boolean", "maybe", "maybe"],
    ["object", '{"a":[1]}', { a: [1] }],
    ["object", "null", null],
    ["object", "{broken", "{broken"],
    ["string", " 5 ", " 5 "],
    ["string", "", ""],
  ];
  for (const [type, text, value] of rows) {
    assert.deepEqual(coerceText(type, text), value, `${type} "${text}"`);
  }
});

Deno.test("coerceTexts() goes field by field; one text of a list is a list, the last of many counts", () => {
  const schema = z.object({
    n: z.int().default(1),
    tags: z.array(z.string()).optional(),
    ids: z.array(z.int()),
    on: z.boolean().nullable(),
    options: z.record(z.string(), z.unknown()),
    ref: z.union([z.int(), z.string()]),
  });
  assert.deepEqual(
    coerceTexts(schema, {
      n: ["1", "2"],
      tags: "a",
      ids: ["1", "x"],
      on: "yes",
      options: '{"a":1}',
      ref: "7",
      unknown: "stays",
    }),
    { n: 2, tags: ["a"], ids: [1, "x"], on: true, options: { a: 1 }, ref: "7", unknown: "stays" },
  );
});
