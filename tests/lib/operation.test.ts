import assert from "node:assert/strict";
import { z } from "zod";
import { HoldfastError } from "../../src/lib/errors.ts";
import {
  type Caller,
  hasRole,
  invoke,
  isWrite,
  type Kernel,
  type Operation,
  operation,
  parseInput,
  parseRoute,
  ROLES,
} from "../../src/lib/operation.ts";
import { caller } from "../support/store.ts";

interface App {
  calls: { input: unknown; caller: Caller }[];
  /** Audit lines: who, what, outcome. */
  lines: string[];
  serverOf(thing: string): number | null;
}

const newApp = (): App => ({
  calls: [],
  lines: [],
  serverOf: (thing) => thing === "none" ? null : Number(thing),
});

const kernelOf = (app: App): Kernel<App> => ({
  app,
  audit: (from, outcome) => {
    app.lines.push(`${from.name} ${from.operation} ${outcome}`);
    return Promise.resolve();
  },
});

/** An operation that notes its call; by default a write for users. */
const sample = (overrides: Partial<Operation<App, typeof Input>> = {}): Operation<App, typeof Input> =>
  operation({
    name: "things.change",
    route: "POST /api/v1/things/{thing}",
    role: "user",
    summary: "Change a thing",
    input: Input,
    output: z.unknown(),
    run(app, input, from) {
      app.calls.push({ input, caller: from });
      return Promise.resolve("done");
    },
    ...overrides,
  });
const Input = z.strictObject({ thing: z.string(), n: z.int().default(1) });

const as = (role: Caller["role"], servers: number[] | null = null) =>
  caller({ kind: role === "public" ? "anonymous" : "user", name: role, role, servers, on_host: false });

const BY_SERVER = {
  scope: { server: (app: App, input: { thing: string }) => Promise.resolve(app.serverOf(input.thing)) },
};

async function outcomeOf(op: Operation<App, typeof Input>, from: Caller, input: unknown = { thing: "1" }) {
  const app = newApp();
  try {
    await invoke(kernelOf(app), op, input, from);
    return { outcome: "done", error: undefined, ...app };
  } catch (error) {
    assert.ok(error instanceof HoldfastError);
    return { outcome: error.kind, error, ...app };
  }
}

Deno.test("a role may do what it and the ones below it may, and nothing above", async () => {
  for (const needed of ROLES) {
    for (const role of ROLES) {
      const allowed = ROLES.indexOf(role) >= ROLES.indexOf(needed);
      assert.equal(hasRole(role, needed), allowed);
      const { outcome, calls } = await outcomeOf(sample({ role: needed }), as(role));
      const expected = allowed ? "done" : role === "public" ? "unauthenticated" : "forbidden";
      assert.equal(outcome, expected, `${role} asks what needs ${needed}`);
      assert.equal(calls.length, allowed ? 1 : 0);
    }
  }
});

Deno.test("a caller limited to servers reaches things of these servers only", async () => {
  const op = sample(BY_SERVER);
  const rows: [number[] | null, string, string][] = [
    [null, "1", "done"],
    [null, "none", "done"],
    [[1, 2], "2", "done"],
    [[1, 2], "3", "forbidden"],
    [[1, 2], "none", "forbidden"],
    [[], "1", "forbidden"],
  ];
  for (const [servers, thing, expected] of rows) {
    const { outcome, calls } = await outcomeOf(op, as("user", servers), { thing });
    assert.equal(outcome, expected, `${servers} asks for ${thing}`);
    assert.equal(calls.length, expected === "done" ? 1 : 0);
  }
});

Deno.test("a key with a high role that is limited to servers stays limited", async () => {
  for (const role of ["operator", "admin"] as const) {
    const op = sample({ role: "operator", ...BY_SERVER });
    assert.equal((await outcomeOf(op, as(role, [1]), { thing: "2" })).outcome, "forbidden");
    assert.equal((await outcomeOf(op, as(role, [2]), { thing: "2" })).outcome, "done");
  }
});

Deno.test("a limited user may ask what is filtered or its own, and needs operator for what has no server", async () => {
  const limited = as("user", [1]);
  assert.equal((await outcomeOf(sample({ scope: "filtered" }), limited)).outcome, "done");
  assert.equal((await outcomeOf(sample({ scope: "own" }), limited)).outcome, "done");
  assert.equal((await outcomeOf(sample({ role: "public" }), limited)).outcome, "done");
  assert.equal((await outcomeOf(sample(), as("user"))).outcome, "done");
  assert.equal((await outcomeOf(sample(), as("operator", [1]))).outcome, "done");
  const { outcome, error } = await outcomeOf(sample(), limited);
  assert.equal(outcome, "forbidden");
  assert.equal(error?.message, 'Cannot things.change: needs role operator, "user" is user');
});

Deno.test("the input is judged before the service sees it, and defaults are filled in", async () => {
  assert.deepEqual((await outcomeOf(sample(), as("user"))).calls[0]?.input, { thing: "1", n: 1 });
  const { outcome, calls, lines } = await outcomeOf(sample(), as("user"), { thing: 5 });
  assert.deepEqual([outcome, calls, lines], ["invalid", [], []]);
});

Deno.test("a stranger learns nothing about the input, only that a login is needed", async () => {
  const { outcome, error } = await outcomeOf(sample(), as("public"), { junk: true });
  assert.equal(outcome, "unauthenticated");
  assert.match(error?.hint ?? "", /Authorization: Bearer/);
});

Deno.test("the service is told which operation it answers", async () => {
  const { calls } = await outcomeOf(sample(), as("user"));
  assert.equal(calls[0]?.caller.operation, "things.change");
});

Deno.test("a write that left no audit line of its own gets one; reads and unaudited writes get none", async () => {
  const rows: [Partial<Operation<App, typeof Input>>, string[]][] = [
    [{}, ["user things.change ok"]],
    [{ route: "DELETE /api/v1/things/{thing}" }, ["user things.change ok"]],
    [{ route: "GET /api/v1/things/{thing}" }, []],
    [{ unaudited: true }, []],
    [{
      run(app, _input, from) {
        app.lines.push("a line of its own");
        from.trail.lines++;
        return Promise.resolve("done");
      },
    }, ["a line of its own"]],
  ];
  for (const [overrides, lines] of rows) {
    assert.deepEqual((await outcomeOf(sample(overrides), as("user"))).lines, lines);
  }
});

Deno.test("the line names what was written to, as its path does", async () => {
  const targets: string[] = [];
  const audit = (_: Caller, __: string, target: string) => Promise.resolve(void targets.push(target));
  const kernel = { ...kernelOf(newApp()), audit };
  await invoke(kernel, sample(), { thing: "a b" }, as("user"));
  await invoke(kernel, sample({ route: "POST /api/v1/things/change" }), { thing: "a" }, as("user"));
  await assert.rejects(invoke(kernel, sample({ role: "admin" }), { thing: "a" }, as("user")));
  assert.deepEqual(targets, ["things/a b", "things.change", "things.change"]);
});

Deno.test("two writes of one caller leave a line each", async () => {
  const app = newApp();
  const from = as("user");
  const own = sample({
    run(app, _input, from) {
      app.lines.push("own");
      from.trail.lines++;
      return Promise.resolve("done");
    },
  });
  await invoke(kernelOf(app), own, { thing: "1" }, from);
  await invoke(kernelOf(app), sample(), { thing: "1" }, from);
  assert.deepEqual(app.lines, ["own", "user things.change ok"]);
});

Deno.test("a refused write is on record when the caller is known, and an anonymous one is not", async () => {
  const forbidden = ["user things.change forbidden"];
  assert.deepEqual((await outcomeOf(sample({ role: "admin" }), as("user"))).lines, forbidden);
  assert.deepEqual((await outcomeOf(sample(BY_SERVER), as("user", [9]))).lines, forbidden);
  const refusing = sample({ run: () => Promise.reject(new HoldfastError("forbidden", "Cannot: outside")) });
  assert.deepEqual((await outcomeOf(refusing, as("user"))).lines, forbidden);
  assert.deepEqual((await outcomeOf(sample(), as("public"))).lines, []);
  assert.deepEqual((await outcomeOf({ ...refusing, role: "public" }, as("public"))).lines, []);
  assert.deepEqual((await outcomeOf(sample({ role: "admin", route: "GET /x" }), as("user"))).lines, []);
  assert.deepEqual((await outcomeOf(sample({ role: "admin", unaudited: true }), as("user"))).lines, []);
});

Deno.test("a write that may have been done elsewhere before it failed is on record, without its own line only", async () => {
  for (const kind of ["upstream", "unavailable", "internal", "rate_limited", "exhausted"] as const) {
    const failing = sample({ run: () => Promise.reject(new HoldfastError(kind, "Cannot: lost")) });
    const { outcome, lines } = await outcomeOf(failing, as("user"));
    assert.deepEqual([outcome, lines], [kind, ["user things.change failed"]]);
    assert.deepEqual((await outcomeOf({ ...failing, route: "GET /x" }, as("user"))).lines, []);
  }
  const told = sample({
    run(app, _input, from) {
      app.lines.push("failed, in words of its own");
      from.trail.lines++;
      return Promise.reject(new HoldfastError("upstream", "Cannot: lost"));
    },
  });
  assert.deepEqual((await outcomeOf(told, as("user"))).lines, ["failed, in words of its own"]);
  const audit = () => Promise.reject(new Error("disk full"));
  const lost = sample({ run: () => Promise.reject(new HoldfastError("upstream", "Cannot: lost")) });
  await assert.rejects(
    invoke({ ...kernelOf(newApp()), audit }, lost, { thing: "1" }, as("user")),
    /Cannot: lost/,
  );
});

Deno.test("a write that was refused for a reason of its own leaves no line", async () => {
  const failing = sample({ run: () => Promise.reject(new HoldfastError("conflict", "Cannot: exists")) });
  const { outcome, lines } = await outcomeOf(failing, as("user"));
  assert.deepEqual([outcome, lines], ["conflict", []]);
});

Deno.test("parseInput() names each wrong field by its path, and the first one in the sentence", () => {
  const schema = z.strictObject({
    name: z.string().min(1, "must not be empty"),
    list: z.array(z.strictObject({ n: z.int() })).optional(),
    role: z.enum(["a", "b"]).optional(),
  });
  const rows: [unknown, string, string[]][] = [
    [{}, "Cannot do: name: is required", ["name"]],
    [{ name: "" }, "Cannot do: name: must not be empty", ["name"]],
    [{ name: "x", nmae: 1 }, 'Cannot do: unknown field "nmae"', [""]],
    [{ name: "x", list: [{ n: 1 }, { n: "y" }] }, "Cannot do: list[1].n: ", ["list[1].n"]],
    [{ name: "x", list: [{ n: 1, m: 2 }] }, 'Cannot do: list[0]: unknown field "m"', ["list[0]"]],
    [{ role: "c" }, "Cannot do: name: is required (and 1 more)", ["name", "role"]],
    [null, "Cannot do: ", [""]],
  ];
  for (const [raw, start, paths] of rows) {
    assert.throws(() => parseInput(schema, raw, "do"), (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.equal(error.kind, "invalid");
      assert.ok(error.message.startsWith(start), error.message);
      assert.deepEqual(error.errors.map((field) => field.path), paths);
      return true;
    });
  }
  assert.deepEqual(parseInput(schema, { name: "x" }, "do"), { name: "x" });
});

Deno.test("parseInput() does not repeat what was given, which may be a secret", () => {
  const schema = z.strictObject({ password: z.string().min(50), n: z.int(), role: z.enum(["a"]) });
  assert.throws(
    () => parseInput(schema, { password: "hunter2", n: "hunter2", role: "hunter2" }, "do"),
    (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.doesNotMatch(JSON.stringify([error.message, error.errors]), /hunter2/);
      return true;
    },
  );
});

Deno.test("a route is its method and its path, and all but GET may change something", () => {
  assert.deepEqual(parseRoute("POST /api/v1/a/{b}"), { method: "POST", path: "/api/v1/a/{b}" });
  const writes = ["GET", "POST", "PUT", "PATCH", "DELETE"].map((method) =>
    isWrite({ route: `${method} /x` })
  );
  assert.deepEqual(writes, [false, true, true, true, true]);
});

Deno.test("parseInput() says no more about wrong input than a person reads, however much there is of it", () => {
  const schema = z.strictObject({ items: z.array(z.int()) });
  const refusal = (raw: unknown): HoldfastError => {
    try {
      parseInput(schema, raw, "do");
    } catch (error) {
      if (error instanceof HoldfastError) return error;
    }
    throw new Error("it was not refused");
  };
  const wrong = refusal({ items: Array<string>(5000).fill("x") });
  assert.equal(wrong.errors.length, 100);
  assert.match(wrong.message, /\(and 4999 more\)$/);
  const unknown = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`${i}${"n".repeat(5000)}`, 1]));
  const { message } = refusal({ items: [], ...unknown });
  assert.match(message, /unknown field "0n+", .* and 4990 more$/);
  assert.ok(message.length < 2000);
});

Deno.test("parseInput() says what is wrong as a person would", () => {
  const schema = z.object({
    name: z.string().min(1),
    count: z.int().min(1).max(100),
    kind: z.enum(["tar", "zip"]),
    on: z.boolean(),
    list: z.array(z.string()).min(2),
    who: z.union([z.int(), z.string()]),
  });
  const given = { name: "", count: 0, kind: "rar", on: "x", list: ["a"] };
  const said = (raw: object) => {
    try {
      parseInput(schema, raw, "things.create");
    } catch (error) {
      assert.ok(error instanceof HoldfastError);
      return Object.fromEntries(error.errors.map(({ path, message }) => [path, message]));
    }
  };
  assert.deepEqual(said(given), {
    name: "must not be empty",
    count: "must be at least 1",
    kind: "must be one of tar, zip",
    on: "must be true or false",
    list: "must have at least 2 items",
    who: "is required",
  });
  assert.deepEqual(said({ ...given, count: 1.5, who: [] })?.["count"], "must be a whole number");
  assert.deepEqual(said({ ...given, count: 101, who: [] })?.["who"], "must be a number, or must be text");
});
