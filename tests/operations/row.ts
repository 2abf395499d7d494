/** What a row of the matrix says about one operation, and how an operation is asked over HTTP. */
import { type Operation, parseRoute, type Role } from "../../src/lib/operation.ts";
import type { ServerThings, World } from "../support/world.ts";

export type Input = Record<string, unknown>;

/** How assignment to web-1 limits a caller who has the role. */
export type Limited =
  /** Things of web-1 are allowed, those of web-2 refused. */
  | "scoped"
  /** The answer tells of web-1 only; `servers` reads the ids from it. */
  | { servers(answer: unknown): number[] }
  /** It is about no server. */
  | "free"
  /** It reaches beyond any server. */
  | "refused"
  /** Only administrators may, and they are never limited. */
  | "never";

/** One operation: who may ask it, and a question that works. */
export interface Row {
  role: Role;
  limited: Limited;
  /** A good input, about things of this server where it is about any. Called anew for each call that must work. */
  input(world: World, server: ServerThings): Input | Promise<Input>;
  /** What a limited caller asks instead, where a question about its server cannot succeed; it must only be let in. */
  about?(server: ServerThings): Input;
  /** A token of somebody with exactly this role, where no API key will do. */
  as?(world: World): Promise<string>;
  /** False where the last path parameter names what is to be made, so that nothing can be missing. */
  missing?: false;
}

/** Rows of one slice, by operation. */
export type Rows = Record<string, Row>;

/** Asks over HTTP, from another host: path parameters from the input, the rest as query or JSON body. */
export function ask(
  world: World,
  op: Operation,
  input: Input,
  token?: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const { method, path } = parseRoute(op.route);
  const rest = { ...input };
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(rest[name]);
    delete rest[name];
    return encodeURIComponent(value);
  });
  if (method !== "GET" && method !== "DELETE") {
    return world.request(method, filled, { token, headers, json: rest });
  }
  const query = new URLSearchParams(
    Object.entries(rest).map(([name, value]): [string, string] => [name, String(value)]),
  );
  return world.request(method, query.size === 0 ? filled : `${filled}?${query}`, { token, headers });
}

/** The status an operation answers with when it works. */
export function successOf(op: Operation): number {
  return typeof op.status === "number" ? op.status : 200;
}

/** Names of path parameters, in order. */
export function pathFields(op: Operation): string[] {
  return [...parseRoute(op.route).path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
}
