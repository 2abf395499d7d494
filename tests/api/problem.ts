/** What every error looks like over HTTP. */
import assert from "node:assert/strict";

/** A problem document (RFC 9457) as clients read it. */
export interface Problem {
  detail: string;
  status: number;
  title: string;
  code: string;
  request_id: string;
  errors: { path: string; message: string }[];
  hint?: string;
}

/** Reads an error and checks that all parts that every error has are there and agree with the answer. */
export async function problemOf(response: Response, status: number): Promise<Problem> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const problem: Problem = JSON.parse(text);
  assert.equal(problem.status, status);
  assert.equal(problem.request_id, response.headers.get("x-request-id"));
  for (const word of [problem.detail, problem.title, problem.code]) assert.ok(word.length > 0);
  assert.ok(Array.isArray(problem.errors));
  return problem;
}
