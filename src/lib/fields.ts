/**
 * What the fields of an input schema are, for everything that meets input as text: flags, query strings, forms.
 *
 * The schema stays the only judge: coercion here only turns `"5"` into `5` where the schema wants a number, and
 * leaves text that does not fit as it is, so that the schema's own message is what the person reads.
 */
import type { z } from "zod";

/** A field of an input object, as far as text has to know it. */
export interface Field {
  name: string;
  type: "string" | "number" | "boolean" | "array" | "object";
  /** For arrays: the type of the items. */
  item: "string" | "number" | "boolean" | "object" | undefined;
  required: boolean;
  description: string | undefined;
  choices: readonly string[] | undefined;
  default: unknown;
  /** For objects: the fields inside. */
  fields: readonly Field[];
}

/** Schemas are made once and asked at each request. */
const known = new WeakMap<z.ZodType, readonly Field[]>();

/** The fields of an object schema, in the order they were written. */
export function fieldsOf(schema: z.ZodType): readonly Field[] {
  const before = known.get(schema);
  if (before !== undefined) return before;
  const fields = Object.entries(shapeOf(schema)).map(([name, type]) => fieldOf(name, type));
  known.set(schema, fields);
  return fields;
}

/** Turns texts into the types the schema wants, field by field; unknown names pass through for the schema to refuse. */
export function coerceTexts(
  schema: z.ZodType,
  texts: Record<string, string | readonly string[]>,
): Record<string, unknown> {
  const fields = fieldsOf(schema);
  return Object.fromEntries(
    Object.entries(texts).map(([name, value]) => {
      const field = fields.find((one) => one.name === name);
      return [name, field === undefined ? value : coerceField(field, value)];
    }),
  );
}

function coerceField(field: Field, value: string | readonly string[]): unknown {
  if (field.type === "array") {
    return (typeof value === "string" ? [value] : value).map((text) =>
      coerceText(field.item ?? "string", text)
    );
  }
  const text = typeof value === "string" ? value : value.at(-1) ?? "";
  return coerceText(field.type, text);
}

/** One text as the given type, or the text itself when it is not one. */
export function coerceText(type: Field["type"], text: string): unknown {
  switch (type) {
    case "number":
      return /^[+-]?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
    case "boolean":
      return BOOLEANS.get(text.trim().toLowerCase()) ?? text;
    case "object":
      try {
        return JSON.parse(text);
      } catch {
        return text;
      }
    default:
      return text;
  }
}

const BOOLEANS = new Map([
  ["true", true],
  ["yes", true],
  ["on", true],
  ["1", true],
  ["false", false],
  ["no", false],
  ["off", false],
  ["0", false],
]);

/** The parts of a schema's definition that are read here; zod calls them `def`. */
interface Def {
  type: string;
  innerType?: z.ZodType;
  in?: z.ZodType;
  element?: z.ZodType;
  options?: readonly z.ZodType[];
  entries?: Record<string, string>;
  values?: readonly unknown[];
  shape?: Record<string, z.ZodType>;
  defaultValue?: unknown;
}

function defOf(schema: z.ZodType): Def {
  return schema.def;
}

function shapeOf(schema: z.ZodType): Record<string, z.ZodType> {
  const def = defOf(unwrap(schema).schema);
  return def.shape ?? {};
}

interface Unwrapped {
  schema: z.ZodType;
  required: boolean;
  default: unknown;
  description: string | undefined;
}

/** Strips optional, nullable, default, pipe and the like; remembers what they said, the outer before the inner. */
function unwrap(schema: z.ZodType): Unwrapped {
  let required: boolean | undefined;
  let fallback: unknown;
  let description: string | undefined;
  for (let current = schema;;) {
    const def = defOf(current);
    description ??= current.description;
    if (def.type === "optional") required ??= false;
    else if (def.type === "nonoptional") required ??= true;
    else if (def.type === "default" || def.type === "prefault") {
      required ??= false;
      fallback ??= def.defaultValue;
    }
    const inner = WRAPPERS.has(def.type) ? def.innerType ?? def.in : undefined;
    if (inner === undefined) {
      return { schema: current, required: required ?? true, default: fallback, description };
    }
    current = inner;
  }
}

const WRAPPERS: ReadonlySet<string> = new Set([
  "optional",
  "nonoptional",
  "default",
  "prefault",
  "nullable",
  "readonly",
  "pipe",
  "catch",
]);

function fieldOf(name: string, schema: z.ZodType): Field {
  const { schema: base, required, default: fallback, description } = unwrap(schema);
  const type = typeOf(base);
  const element = defOf(base).element;
  const item = element === undefined ? undefined : typeOf(unwrap(element).schema);
  return {
    name,
    type,
    item: item === "array" ? "object" : item,
    required,
    description,
    choices: choicesOf(base),
    default: fallback,
    fields: type === "object" ? fieldsOf(base) : [],
  };
}

function typeOf(schema: z.ZodType): Field["type"] {
  const def = defOf(schema);
  switch (def.type) {
    case "number":
    case "int":
      return "number";
    case "boolean":
    case "array":
    case "object":
      return def.type;
    case "record":
    case "any":
    case "unknown":
      return "object";
    case "union": {
      // "a name or an id" is text to a person; the service tells them apart.
      const types = new Set((def.options ?? []).map((option) => typeOf(unwrap(option).schema)));
      return types.size === 1 ? [...types][0]! : types.has("string") ? "string" : "object";
    }
    case "literal": {
      const kind = typeof def.values?.[0];
      return kind === "number" || kind === "boolean" ? kind : "string";
    }
    default:
      return "string";
  }
}

function choicesOf(schema: z.ZodType): readonly string[] | undefined {
  const def = defOf(schema);
  if (def.type === "enum") return Object.values(def.entries ?? {});
  if (def.type === "literal") return (def.values ?? []).map(String);
  return undefined;
}
