/** How the fake tenant answers: pages, batches with cursors, JSON. */
import type { Context } from "hono";
import type { FakeCloudConnexa } from "./cloudconnexa.ts";
import { type Body, shown } from "./cloudconnexa_rules.ts";
import { Refusal } from "./cloudconnexa_store.ts";

/** Before every path. */
export const PREFIX = "/api/v1";

/** One page of a collection. */
export function page<T>(
  c: Context,
  all: readonly T[],
  least: number,
  most: number,
  usual: number,
  show: (item: T) => unknown,
) {
  const page = Number(c.req.query("page") ?? 0);
  const size = Number(c.req.query("size") ?? usual);
  if (!(size >= least && size <= most)) throw new Refusal("size", `must be between ${least} and ${most}`);
  const content = all.slice(page * size, (page + 1) * size).map(show);
  return {
    content,
    totalElements: all.length,
    totalPages: Math.ceil(all.length / size),
    numberOfElements: content.length,
    page,
    size,
  };
}

/** One batch of a log. The cursor is the id of the last item that was seen: things that are added meanwhile shift nothing. */
export function batch(tenant: FakeCloudConnexa, c: Context, key: string, all: Body[]) {
  const size = Number(c.req.query("size"));
  if (!(size >= 1 && size <= 100)) throw new Refusal("size", "must be between 1 and 100");
  const cursor = c.req.query("cursor");
  const start = cursor === undefined ? 0 : all.findIndex(({ id }) => id === cursor) + 1;
  const items = all.slice(start, start + size);
  const last = items.at(-1);
  return {
    [key]: items.map((item) => shown(item, tenant.version, tenant.ipv4Only)),
    ...(last === undefined || start + size >= all.length ? {} : { nextCursor: last.id }),
  };
}

/** An answer in JSON, with the headers set so far. */
export function reply(c: Context, status: number, body: unknown): Response {
  const headers = new Headers(c.res.headers);
  headers.set("content-type", "application/json");
  return new Response(JSON.stringify(body), { status, headers });
}

/** The JSON object of a request. Throws `Refusal`. */
export async function bodyOf(c: Context): Promise<Body> {
  const value: unknown = await c.req.json().catch(() => undefined);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Refusal("body", "Malformed JSON");
  }
  return { ...value };
}
