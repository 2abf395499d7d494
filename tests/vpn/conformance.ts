/** Holds requests and answers to an API description. */
import { Ajv } from "ajv";
import { parse } from "yaml";
import type { Exchange } from "../support/cloudconnexa.ts";

interface Operation {
  parameters?: { name: string; in: string; required?: boolean }[];
  requestBody?: { required?: boolean; content: Record<string, { schema: object }> };
  responses: Record<string, { content?: Record<string, { schema?: object }> }>;
}

/** A description that can be asked about calls. */
export class Description {
  readonly #paths: Record<string, Record<string, Operation>>;
  readonly #ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  readonly #patterns: { template: string; pattern: RegExp }[];

  constructor(text: string) {
    const document = parse(text);
    this.#paths = document.paths;
    this.#ajv.addSchema({ $id: "api", components: document.components });
    this.#patterns = Object.keys(this.#paths).map((template) => ({
      template,
      pattern: new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
    }))
      // A fixed path before one with an id in its place.
      .sort((a, b) => a.template.split("{").length - b.template.split("{").length);
  }

  /** Every operation: `GET /networks/{id}`. */
  get operations(): string[] {
    return Object.entries(this.#paths).flatMap(([path, methods]) =>
      Object.keys(methods).filter((method) => /^(get|post|put|delete)$/.test(method))
        .map((method) => `${method.toUpperCase()} ${path.replace("/api/v1", "")}`)
    );
  }

  /** True when an operation says that it may answer with a status. */
  describes(operation: string, status: number): boolean {
    const [method = "", path = ""] = operation.split(" ");
    const found = this.#paths[`/api/v1${path}`] ?? this.#paths[path];
    return found?.[method.toLowerCase()]?.responses[status] !== undefined;
  }

  /** What of a call does not fit. */
  problemsOf(exchange: Exchange): string[] {
    const { method, path, query, body, status, answer } = exchange;
    const template = this.#patterns.find(({ pattern }) => pattern.test(path))?.template;
    const operation = template === undefined ? undefined : this.#paths[template]?.[method.toLowerCase()];
    const name = `${method} ${path}`;
    if (operation === undefined) return [`${name}: no such operation`];
    const declared = (operation.parameters ?? []).filter((one) => one.in === "query");
    const problems = Object.keys(query).filter((key) => !declared.some((one) => one.name === key))
      .map((key) => `${name}: query ${key} is not known`);
    for (const one of declared) {
      // The token call's secret is in a header, which the vendor's own client does too.
      if (one.required && query[one.name] === undefined && !path.endsWith("/oauth/token")) {
        problems.push(`${name}: query ${one.name} is missing`);
      }
    }
    const request = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
    if (request !== undefined && !path.endsWith("/oauth/token")) {
      problems.push(...this.#misfits(`${name} request`, request, valueOf(body)));
    }
    const response = operation.responses[status];
    if (response === undefined) return [...problems, `${name}: status ${status} is not described`];
    const schema = Object.values(response.content ?? {})[0]?.schema;
    if (schema !== undefined && answer !== "" && status < 400) {
      problems.push(...this.#misfits(`${name} answer`, schema, valueOf(answer)));
    }
    return problems;
  }

  #misfits(what: string, schema: object, value: unknown): string[] {
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components'));
    const validate = this.#ajv.compile(absolute);
    if (validate(value)) return [];
    return (validate.errors ?? []).map((error) => `${what}: ${error.instancePath} ${error.message}`);
  }
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
