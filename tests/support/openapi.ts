/**
 * Judging requests and answers by an OpenAPI 3.0 description: what a vendor's file says is what our fakes and clients must fit.
 *
 * Enough of JSON Schema for such files: references, all/any/one of, discriminators, types, enums, formats, required and unknown
 * query parameters. A parent whose `oneOf` names its own children is judged once, as the child that the discriminator names.
 */

type Json = Record<string, unknown>;

/** A call as it went over the wire. */
export interface Exchange {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Headers;
  /** Parsed body: JSON, or the fields of a form. */
  body: unknown;
  contentType: string | null;
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const objectOf = (value: unknown): Json => isObject(value) ? value : {};
const listOf = (value: unknown): unknown[] => Array.isArray(value) ? value : [];

const FORMATS: Record<string, RegExp> = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  "date-time": /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$/i,
};

/** One description. */
export class Description {
  readonly #document: Json;
  readonly #routes: { pattern: RegExp; item: Json; literal: number }[];

  constructor(document: unknown) {
    this.#document = objectOf(document);
    this.#routes = Object.entries(objectOf(this.#document.paths)).map(([path, item]) => ({
      pattern: new RegExp(
        `^${path.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&").replaceAll(/\{[^}]+\}/g, "[^/]+")}$`,
      ),
      item: objectOf(item),
      literal: path.replaceAll(/\{[^}]+\}/g, "").length,
    })).toSorted((a, b) => b.literal - a.literal);
  }

  /** What is wrong with a request; empty when it fits. */
  request({ method, path, query, headers, body, contentType }: Exchange): string[] {
    const operation = this.#operation(method, path);
    if (operation === undefined) return [`${method} ${path}: no such call`];
    const problems: string[] = [];
    const parameters = operation.parameters.map((one) => this.#resolve(one));
    const named = (where: string) => parameters.filter((one) => one.in === where);
    const known = new Map(named("query").map((one) => [String(one.name), one]));
    for (const name of new Set(query.keys())) {
      const parameter = known.get(name);
      if (parameter === undefined) problems.push(`unknown query parameter ${name}`);
      else problems.push(...this.#texts(query.getAll(name), objectOf(parameter.schema), name));
    }
    for (const one of named("query")) {
      if (one.required === true && !query.has(String(one.name))) {
        problems.push(`missing parameter ${one.name}`);
      }
    }
    for (const one of named("header")) {
      if (one.required === true && !headers.has(String(one.name))) {
        problems.push(`missing header ${one.name}`);
      }
    }
    const content = objectOf(this.#resolve(operation.operation.requestBody).content);
    if (Object.keys(content).length > 0) {
      const media = objectOf(content[contentType?.split(";")[0]?.trim() ?? ""]);
      if (media.schema === undefined) problems.push(`body of type ${contentType}`);
      else problems.push(...this.#judge(body, objectOf(media.schema), "body", []));
    } else if (body !== undefined) problems.push("a body where none is expected");
    return problems.map((problem) => `${method} ${path}: ${problem}`);
  }

  /** What is wrong with an answer; empty when it fits. */
  answer(method: string, path: string, status: number, body: unknown): string[] {
    const operation = this.#operation(method, path);
    if (operation === undefined) return [`${method} ${path}: no such call`];
    const response = objectOf(operation.operation.responses)[String(status)];
    if (response === undefined) return [`${method} ${path}: no answer ${status} is described`];
    const content = objectOf(this.#resolve(response).content);
    const schema = Object.values(content).map((media) => objectOf(media).schema)[0];
    if (schema === undefined) return body === undefined ? [] : [`${method} ${path}: ${status} has no body`];
    return this.#judge(body, objectOf(schema), "answer", []).map((problem) =>
      `${method} ${path}: ${problem}`
    );
  }

  /** True when the call is there. */
  has(method: string, path: string): boolean {
    return this.#operation(method, path) !== undefined;
  }

  #operation(method: string, path: string): { operation: Json; parameters: unknown[] } | undefined {
    const route = this.#routes.find(({ pattern, item }) =>
      pattern.test(path) && item[method.toLowerCase()] !== undefined
    );
    if (route === undefined) return undefined;
    const operation = objectOf(route.item[method.toLowerCase()]);
    return { operation, parameters: [...listOf(route.item.parameters), ...listOf(operation.parameters)] };
  }

  #resolve(value: unknown): Json {
    const item = objectOf(value);
    if (typeof item.$ref !== "string") return item;
    const found = item.$ref.slice(2).split("/").reduce<unknown>(
      (inner, key) => objectOf(inner)[key.replaceAll("~1", "/")],
      this.#document,
    );
    return objectOf(found);
  }

  #texts(values: readonly string[], schema: Json, name: string): string[] {
    const resolved = this.#resolve(schema);
    const typed = (value: string, type: unknown) =>
      type === "integer" || type === "number"
        ? Number(value)
        : type === "boolean"
        ? value === "true" ? true : value === "false" ? false : value
        : value;
    if (resolved.type === "array") {
      const items = objectOf(resolved.items);
      const type = this.#resolve(items).type;
      return this.#judge(values.map((value) => typed(value, type)), resolved, name, []);
    }
    if (values.length > 1) return [`${name} is given ${values.length} times`];
    return this.#judge(typed(values[0]!, resolved.type), resolved, name, []);
  }

  #judge(value: unknown, raw: Json, where: string, above: readonly string[]): string[] {
    const schema = this.#resolve(raw);
    const reference = typeof raw.$ref === "string" ? raw.$ref : "";
    const inside = reference === "" ? above : [...above, reference];
    if (value === null && schema.nullable === true) return [];
    const problems = listOf(schema.allOf).flatMap((part) =>
      this.#judge(value, objectOf(part), where, inside)
    );
    problems.push(...this.#alternatives(value, schema, where, inside));
    if (Array.isArray(schema.enum) && !schema.enum.includes(value)) {
      return [
        ...problems,
        `${where}: ${JSON.stringify(value)} is none of ${schema.enum.slice(0, 20).join(", ")}`,
      ];
    }
    switch (schema.type ?? (schema.properties === undefined ? undefined : "object")) {
      case "object":
        return [...problems, ...this.#object(value, schema, where)];
      case "array":
        return Array.isArray(value)
          ? [
            ...problems,
            ...value.flatMap((item, i) => this.#judge(item, objectOf(schema.items), `${where}[${i}]`, [])),
          ]
          : [...problems, `${where}: no list`];
      case "string": {
        if (typeof value !== "string") return [...problems, `${where}: no text`];
        const format = FORMATS[String(schema.format)];
        return format === undefined || format.test(value)
          ? problems
          : [...problems, `${where}: "${value}" is no ${schema.format}`];
      }
      case "integer":
        return Number.isInteger(value) ? problems : [...problems, `${where}: no whole number`];
      case "number":
        return typeof value === "number" ? problems : [...problems, `${where}: no number`];
      case "boolean":
        return typeof value === "boolean" ? problems : [...problems, `${where}: neither true nor false`];
    }
    return problems;
  }

  #alternatives(value: unknown, schema: Json, where: string, above: readonly string[]): string[] {
    const choices = [...listOf(schema.oneOf), ...listOf(schema.anyOf)].map(objectOf);
    if (choices.length === 0) return [];
    const { propertyName, mapping } = objectOf(schema.discriminator);
    const child = objectOf(mapping)[String(objectOf(value)[String(propertyName)])];
    // The child is made of its parent, which names the child again: once is enough.
    if (above.some((one) => choices.some((choice) => choice.$ref === one))) return [];
    if (typeof child === "string") return this.#judge(value, { $ref: child }, where, above);
    if (propertyName !== undefined) return [];
    return choices.some((choice) => this.#judge(value, choice, where, above).length === 0)
      ? []
      : [`${where}: fits none of ${choices.length} shapes`];
  }

  #object(value: unknown, schema: Json, where: string): string[] {
    if (!isObject(value)) return [`${where}: no object`];
    const properties = objectOf(schema.properties);
    return [
      ...listOf(schema.required).map(String)
        // Some descriptions require what they do not describe.
        .filter((name) => name in properties && !(name in value)).map((name) => `${where}.${name}: missing`),
      ...Object.entries(value).flatMap(([name, item]) =>
        name in properties ? this.#judge(item, objectOf(properties[name]), `${where}.${name}`, []) : []
      ),
    ];
  }
}

/** The description in a file, or undefined where the file is absent. */
export async function readDescription(path: URL | string): Promise<Description | undefined> {
  try {
    return new Description(JSON.parse(await Deno.readTextFile(path)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
