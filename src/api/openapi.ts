/** The OpenAPI 3.1 document: the operations once more, for machines and for the pages at `/docs` and `/redoc`. */
import { OpenAPIHono, type RouteConfig } from "@hono/zod-openapi";
import { z } from "zod";
import { ERROR_KINDS, type ErrorKind } from "../lib/errors.ts";
import { isWrite, type Operation, parseRoute } from "../lib/operation.ts";
import { VERSION } from "../lib/version.ts";

const ProblemSchema = z.object({
  detail: z.string(),
  status: z.number().int(),
  title: z.string(),
  code: z.string(),
  request_id: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })),
  hint: z.string().optional(),
}).meta({ id: "Problem", description: "An error (RFC 9457), as application/problem+json" });

const ProgressSchema = z.object({
  type: z.literal("progress"),
  phase: z.string(),
  done_bytes: z.int(),
  total_bytes: z.int().optional(),
  done_items: z.int(),
  total_items: z.int().optional(),
}).meta({ id: "WorkProgress", description: "How far the work is; totals are absent while they are unknown" });

/** The methods of routes, as OpenAPI writes them. */
const METHODS = ["get", "post", "put", "patch", "delete"] as const satisfies RouteConfig["method"][];

/** Builds the document. */
export function openApiDocument(operations: readonly Operation[]): object {
  const app = new OpenAPIHono();
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  app.openAPIRegistry.registerComponent("securitySchemes", "api_key", {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
  });
  for (const op of operations) {
    for (const [index, route] of [op.route, ...(op.aliases ?? [])].entries()) {
      app.openAPIRegistry.registerPath(routeOf(op, route, index));
    }
  }
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Holdfast",
      version: VERSION,
      description: "Backups that are scheduled, verified, restored and proven; and the network around them.",
    },
    servers: [{ url: "/" }],
  });
  return JSON.parse(JSON.stringify(document, withoutFlags));
}

/** The generator leaves flags at the end of a pattern (`$/u`); JSON Schema has none, its patterns are Unicode always. */
function withoutFlags(key: string, value: unknown): unknown {
  return key === "pattern" && typeof value === "string" ? value.replace(/(?<=\$)\/[a-z]+$/, "") : value;
}

function routeOf(op: Operation, route: string, index: number): RouteConfig {
  const { method, path } = parseRoute(route);
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
  const shape = op.input.shape;
  const inPath = z.object(Object.fromEntries(names.map((name) => [name, shape[name] ?? z.string()])));
  // Whole where it can be, so that a published shape keeps its name.
  const rest = names.length === 0
    ? op.input
    : z.object(Object.fromEntries(Object.entries(shape).filter(([name]) => !names.includes(name))));
  // A raw text takes the place of the body, and the other fields come in the query.
  const { body: _, ...besideText } = rest.shape;
  const query = op.body === "text" || op.body === "cut"
    ? z.object(besideText)
    : method === "GET" || method === "DELETE"
    ? rest
    : null;
  const request: RouteConfig["request"] = {
    ...(names.length > 0 ? { params: inPath } : {}),
    ...(query !== null && hasFields(query) ? { query } : {}),
    ...(method === "GET" || method === "DELETE" ? {} : bodyOf(op, rest)),
  };
  const status = typeof op.status === "number" ? op.status : 200;
  return {
    method: METHODS.find((one) => one === method.toLowerCase()) ?? "get",
    path,
    operationId: index === 0 ? op.name : `${op.name}.alias${index}`,
    tags: [op.name.split(".")[0]!],
    summary: op.summary,
    description: [op.description, op.progress ? WATCHED : undefined, `Role: ${op.role}.`]
      .filter((part) => part !== undefined).join("\n\n"),
    ...(op.role === "public" ? { security: [] } : { security: [{ bearer: [] }, { api_key: [] }] }),
    request,
    responses: {
      [status]: status === 204 ? { description: "Done" } : { description: "Success", content: answersOf(op) },
      ...errors(["invalid"]),
      ...(op.role === "public" ? {} : errors(["unauthenticated", "forbidden"])),
      ...(names.length > 0 ? errors(["not_found"]) : {}),
      ...(isWrite({ route }) ? errors(["conflict"]) : {}),
      ...(op.exempt ? {} : errors(["rate_limited"])),
    },
  };
}

const WATCHED =
  "With `Accept: text/event-stream` the answer is its progress as events, of which the last, `result`, holds it.";

function answersOf(op: Operation): Record<string, { schema: z.ZodType }> {
  if (op.stream) return { "text/event-stream": { schema: op.output } };
  const json = { "application/json": { schema: op.output } };
  if (!op.progress) return json;
  const result = z.object({ type: z.literal("result"), result: op.output });
  return {
    ...json,
    "text/event-stream": { schema: z.discriminatedUnion("type", [ProgressSchema, result]) },
  };
}

function bodyOf(op: Operation, fields: z.ZodObject): Pick<NonNullable<RouteConfig["request"]>, "body"> {
  if (op.body === "text" || op.body === "cut") {
    return { body: { content: { "text/plain": { schema: z.string() } } } };
  }
  if (!hasFields(fields)) return {};
  const form = op.body === "form" ? { "application/x-www-form-urlencoded": { schema: fields } } : {};
  return { body: { content: { ...form, "application/json": { schema: fields } } } };
}

function hasFields(schema: z.ZodObject): boolean {
  return Object.keys(schema.shape).length > 0;
}

function errors(kinds: readonly ErrorKind[]): RouteConfig["responses"] {
  return Object.fromEntries(kinds.map((kind) => [
    ERROR_KINDS[kind].status,
    {
      description: ERROR_KINDS[kind].title,
      content: { "application/problem+json": { schema: ProblemSchema } },
    },
  ]));
}
