/** What every answer of the Veeam server to test against is made with. */
import type { Context } from "hono";
import type { FakeVeeam, Role } from "./fake.ts";
import { type Revision, SPOKEN } from "./model.ts";

export function problem(
  c: Context,
  status: 400 | 401 | 403 | 404,
  errorCode: string,
  message: string,
): Response {
  return c.json({ errorCode, message }, status);
}

/** A refusal for every other role; undefined for these. */
export function only(fake: FakeVeeam, c: Context, ...roles: readonly Role[]): Response | undefined {
  return roles.includes(fake.role) ? undefined : problem(c, 403, "AccessDenied", "Access denied.");
}

/** The page of a list that was asked for. */
export function page<T>(
  fake: FakeVeeam,
  c: Context,
  rows: readonly T[],
  model: (row: T) => unknown,
): Response {
  const skip = Number(c.req.query("skip") ?? 0);
  const limit = Math.min(Number(c.req.query("limit") ?? 200), fake.maxPage);
  const data = rows.slice(skip, skip + limit).map(model);
  const total = fake.lyingTotal ?? rows.length;
  return c.json({ data, pagination: { total, count: data.length, skip, limit } });
}

/** The revision a call is made in. */
export function revisionOf(c: Context): Revision {
  return SPOKEN.find((one) => one === c.req.header("x-api-version")) ?? "1.3-rev2";
}

export function bearerOf(c: Context): string {
  return (c.req.header("authorization") ?? "").replace(/^bearer /i, "");
}
