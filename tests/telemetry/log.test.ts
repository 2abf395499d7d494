import assert from "node:assert/strict";
import { join } from "node:path";
import { getLogger, type LogLevel, type LogRecord } from "@logtape/logtape";
import { formatRecord, startLogging } from "../../src/telemetry/mod.ts";

function record(
  message: readonly unknown[],
  properties: Record<string, unknown> = {},
  level: LogLevel = "info",
): LogRecord {
  return {
    category: ["holdfast", "store"],
    level,
    message,
    rawMessage: "",
    timestamp: Date.parse("2026-01-02T03:04:05.678Z"),
    properties,
  };
}

const asJson = (message: readonly unknown[], properties: Record<string, unknown> = {}) =>
  JSON.parse(formatRecord(record(message, properties), "json"));

Deno.test("a JSON line has time, level, logger, message and the properties, in this order, on one line", () => {
  const line = formatRecord(record(["Copied ", "a\nb"], { request_id: "r1", n: 5, list: [1, "x"] }), "json");
  assert.equal(
    line,
    '{"time":"2026-01-02T03:04:05.678Z","level":"info","logger":"holdfast.store","message":"Copied a\\nb",' +
      '"request_id":"r1","n":5,"list":[1,"x"]}',
  );
});

Deno.test("a property cannot pass for the line's own time, level, logger or message", () => {
  assert.deepEqual(asJson(["true"], { message: "false", level: "x", time: "x", logger: "x", n: 1 }), {
    time: "2026-01-02T03:04:05.678Z",
    level: "info",
    logger: "holdfast.store",
    message: "true",
    n: 1,
  });
});

Deno.test("no secret passes: in messages, in values of messages, in properties at any depth", () => {
  const line = formatRecord(
    record(["password=hunter2 ", "token: hunter2 ", { password: "hunter2" }, ["secret=hunter2"]], {
      api_key: "hunter2",
      options: { deep: [{ password: "hunter2" }, "Bearer hunter2hunter2"] },
      url: new URL("https://ada:hunter2@example.org/"),
      reference: { password: { secret: "db-password" } },
    }),
    "json",
  );
  assert.doesNotMatch(line, /hunter2/);
  assert.deepEqual(JSON.parse(line).reference, { password: { secret: "db-password" } });
});

Deno.test("an error is told with its stack and its causes, without their secrets, in lists too", () => {
  const error = new Error("Cannot connect", {
    cause: new Error("to postgres://ada:hunter2@db", { cause: "DNS" }),
  });
  for (const line of [asJson(["x"], { error }).error, asJson(["x"], { errors: [error] }).errors[0]]) {
    assert.match(line, /^Error: Cannot connect\n +at .*\nCaused by: Error: to postgres:\/\/ada:\*\*\*@db/s);
    assert.match(line, /Caused by: DNS$/);
  }
});

Deno.test("whatever is logged can be written: circles, big numbers, dates, nothing", () => {
  const circle: Record<string, unknown> = { name: "a" };
  circle.self = circle;
  const own = new Error("own cause");
  own.cause = own;
  const line = asJson(["x ", 5n, undefined, null], {
    circle,
    big: 5n,
    date: new Date(0),
    nothing: undefined,
    none: null,
    own,
    same: [circle, circle],
  });
  assert.equal(line.message, 'x "5"undefinednull');
  assert.deepEqual(line.circle, { name: "a", self: "[circular]" });
  assert.deepEqual([line.big, line.date, line.none], ["5", "1970-01-01T00:00:00.000Z", null]);
  assert.match(line.own, /Caused by: \[circular\]$/);
  assert.deepEqual(line.same[1], line.circle);
});

Deno.test("as text, a line begins with its time, and nobody can forge one or drive the terminal", () => {
  const line = formatRecord(
    record(
      ["Server ", "x\n2026-01-02T03:04:05.678Z INFO    forged", "\x1b[2J\r"],
      { n: 1, who: "a b" },
      "warning",
    ),
    "text",
  );
  assert.equal(
    line,
    "2026-01-02T03:04:05.678Z WARNING holdfast.store: Server x\n    2026-01-02T03:04:05.678Z INFO    forged" +
      "\\x1b[2J\\x0d n=1 who=a b",
  );
});

Deno.test("lines from the level on are appended to the file, which is not for everybody", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  const file = join(dir, "log");
  try {
    await Deno.writeTextFile(file, "before\n", { mode: 0o640 });
    const stop = await startLogging({ level: "warning", format: "json", file });
    const log = getLogger(["holdfast", "test"]);
    log.info("too quiet");
    log.warning("Disk at {percent} %", { percent: 91 });
    getLogger(["other"]).error("not ours");
    await stop();
    log.error("after the end");
    const [before, line, ...rest] = (await Deno.readTextFile(file)).split("\n");
    assert.equal(before, "before");
    const { level, logger, message, percent } = JSON.parse(line!);
    assert.deepEqual([level, logger, message, percent], ["warning", "holdfast.test", "Disk at 91 %", 91]);
    assert.deepEqual(rest, [""]);
    assert.equal((await Deno.stat(file)).mode! & 0o007, 0);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
