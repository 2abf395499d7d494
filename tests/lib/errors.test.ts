import assert from "node:assert/strict";
import {
  ERROR_KINDS,
  type ErrorKind,
  fromProblem,
  HoldfastError,
  messageOf,
  nearest,
  toProblem,
} from "../../src/lib/errors.ts";

const KINDS = Object.keys(ERROR_KINDS) as ErrorKind[];

Deno.test("each kind of error has its own status and its own exit code, as published", () => {
  const table = KINDS.map((kind) => [kind, ERROR_KINDS[kind].status, ERROR_KINDS[kind].exit]);
  assert.deepEqual(table, [
    ["internal", 500, 1],
    ["invalid", 400, 2],
    ["unauthenticated", 401, 3],
    ["forbidden", 403, 4],
    ["not_found", 404, 5],
    ["conflict", 409, 6],
    ["rate_limited", 429, 7],
    ["upstream", 502, 8],
    ["unavailable", 503, 9],
    ["exhausted", 507, 10],
  ]);
});

Deno.test("an error survives the way over the wire, whatever its kind", () => {
  for (const kind of KINDS.filter((kind) => kind !== "internal")) {
    const error = new HoldfastError(kind, `Cannot do it: ${kind}`, {
      code: "a_code",
      errors: [{ path: "a[0].b", message: "is wrong" }],
      hint: "try this",
      retry_after_seconds: 7,
    });
    assert.deepEqual([error.status, error.exitCode], [ERROR_KINDS[kind].status, ERROR_KINDS[kind].exit]);
    const problem = JSON.parse(JSON.stringify(toProblem(error, "r1")));
    assert.deepEqual(problem, {
      detail: `Cannot do it: ${kind}`,
      status: ERROR_KINDS[kind].status,
      title: ERROR_KINDS[kind].title,
      code: "a_code",
      request_id: "r1",
      errors: [{ path: "a[0].b", message: "is wrong" }],
      hint: "try this",
    });
    const back = fromProblem(problem.status, problem, 7);
    assert.deepEqual(
      [back.kind, back.message, back.code, back.errors, back.hint, back.retryAfterSeconds],
      [kind, error.message, error.code, error.errors, error.hint, 7],
    );
  }
});

Deno.test("the code is the kind when nothing else was said, and a missing hint is left out", () => {
  const problem = toProblem(new HoldfastError("not_found", "Cannot find it"), "r1");
  assert.equal(problem.code, "not_found");
  assert.equal("hint" in problem, false);
});

Deno.test("what is internal shows nothing of itself", () => {
  for (const error of [new HoldfastError("internal", "secret"), new Error("secret"), "secret", null]) {
    const problem = toProblem(error, "r1");
    assert.equal(problem.detail, "Internal error");
    assert.equal(problem.status, 500);
    assert.doesNotMatch(JSON.stringify(problem), /secret/);
  }
});

Deno.test("fromProblem() makes an error of any answer", () => {
  const rows: [number, unknown, ErrorKind, string][] = [
    [404, null, "not_found", "The server answered 404"],
    [405, { detail: "Cannot PUT" }, "invalid", "Cannot PUT"],
    [418, "tea", "invalid", "The server answered 418"],
    [504, [], "internal", "The server answered 504"],
    [422, { detail: [{ loc: [] }] }, "invalid", "The server answered 422"],
  ];
  for (const [status, body, kind, message] of rows) {
    const error = fromProblem(status, body);
    assert.deepEqual([error.kind, error.message], [kind, message]);
  }
});

Deno.test("fromProblem() takes only field errors that are some", () => {
  const good = { path: "name", message: "is required" };
  const error = fromProblem(400, {
    detail: "x",
    errors: [null, "text", { path: 1, message: 2 }, good],
    hint: 5,
  });
  assert.deepEqual(error.errors, [good]);
  assert.equal(error.hint, undefined);
});

Deno.test("a cause is kept, and absent when none was given", () => {
  const cause = new Error("below");
  assert.equal(new HoldfastError("internal", "x", { cause }).cause, cause);
  assert.equal("cause" in new HoldfastError("internal", "x"), false);
});

Deno.test("messageOf() reads errors and everything else", () => {
  assert.equal(messageOf(new Error("m")), "m");
  assert.equal(messageOf("text"), "text");
  const kept = 'Requires all access to "/proc/x", specify the required permissions during compilation';
  assert.equal(
    messageOf(new Deno.errors.NotCapable(kept)),
    "it belongs to the operating system, as all of /proc, /sys and /dev",
  );
  assert.equal(messageOf(undefined), "undefined");
});

Deno.test("nearest() finds a slip of the finger and nothing far away", () => {
  const words = ["schedules", "servers", "secrets", "users", "ls"];
  const rows: [string, string | undefined][] = [
    ["schedule", "schedules"],
    ["SERVERS", "servers"],
    ["secerts", "secrets"],
    ["usres", "users"],
    ["backup", undefined],
    ["zz", undefined],
    ["", undefined],
    ["schedulessssss", undefined],
  ];
  for (const [word, found] of rows) assert.equal(nearest(word, words), found, word);
  assert.equal(nearest("x", []), undefined);
});
