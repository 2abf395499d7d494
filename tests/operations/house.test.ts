import assert from "node:assert/strict";
import { allOperations, SLICES } from "../../src/catalogue.ts";
import { standaloneOf } from "../../src/cli/standalone.ts";
import { isWrite, parseRoute } from "../../src/lib/operation.ts";
import { pathFields, type Rows } from "./row.ts";
import { accessRows } from "./rows/access.ts";
import { backupRows } from "./rows/backups.ts";
import { monitorRows } from "./rows/monitor.ts";
import { networkRows } from "./rows/network.ts";
import { notifyRows } from "./rows/notify.ts";
import { programRows } from "./rows/program.ts";
import { scheduleRows } from "./rows/schedules.ts";
import { serverRows } from "./rows/servers.ts";
import { veeamOneRows } from "./rows/veeam_one.ts";
import { vpnRows } from "./rows/vpn.ts";
import { veeamRows } from "./rows/veeam.ts";

const ROWS: Rows = {
  ...accessRows,
  ...backupRows,
  ...monitorRows,
  ...networkRows,
  ...notifyRows,
  ...programRows,
  ...scheduleRows,
  ...serverRows,
  ...veeamOneRows,
  ...vpnRows,
  ...veeamRows,
};

const OPERATIONS = await allOperations();

/** Names with what is wrong; one failure shows all of them. */
function assertNone(names: readonly string[], what: string): void {
  assert.deepEqual([...names], [], what);
}

Deno.test("every operation has a row that says who may ask it, and every row an operation", () => {
  assertNone(OPERATIONS.map((op) => op.name).filter((name) => !(name in ROWS)), "without a row in rows/");
  const names = new Set(OPERATIONS.map((op) => op.name));
  assertNone(Object.keys(ROWS).filter((name) => !names.has(name)), "rows of no operation");
});

Deno.test("every operation demands the role its row says", () => {
  const different = OPERATIONS.filter((op) => ROWS[op.name]?.role !== op.role);
  assertNone(different.map((op) => `${op.name}: ${op.role}, the row says ${ROWS[op.name]?.role}`), "roles");
});

Deno.test("the public operations are these and no others", () => {
  const open = OPERATIONS.filter((op) => op.role === "public").map((op) => op.name).sort();
  assert.deepEqual(open, [
    "auth.refresh",
    "auth.setup",
    "auth.token",
    "health",
    "monitor.ping",
    "monitor.signal",
  ]);
});

Deno.test("the writes without an audit line of the kernel are these and no others", () => {
  const quiet = OPERATIONS.filter((op) => op.unaudited === true).map((op) => op.name).sort();
  assert.deepEqual(quiet, [
    "auth.refresh",
    "auth.setup",
    "auth.token",
    "backups.contents",
    "ledger.verify",
    "monitor.entries.report",
    "monitor.ping",
    "monitor.signal",
    "servers.check",
  ]);
});

Deno.test("every operation of role user says how assignment to servers applies", () => {
  assertNone(
    OPERATIONS.filter((op) => op.role === "user" && op.scope === undefined).map((op) => op.name),
    "without scope",
  );
});

Deno.test("an operation that needs its upstream only says how, and so does what follows it", () => {
  const alone = OPERATIONS.filter((op) => op.standalone === true);
  const names = new Set(alone.map((op) => op.name));
  assertNone(alone.filter((op) => standaloneOf(op) === undefined).map((op) => op.name), "without a way");
  const next = alone.flatMap(({ cli }) => [cli?.follow?.operation, cli?.watch?.operation]);
  assertNone(next.filter((name) => name !== undefined && !names.has(name)).map(String), "not standalone");
});

Deno.test("names, routes and aliases are unique", () => {
  for (
    const words of [
      OPERATIONS.map((op) => op.name),
      OPERATIONS.flatMap((op) => [op.route, ...op.aliases ?? []]).map((route) =>
        route.replaceAll(/\{\w+\}/g, "{}")
      ),
    ]
  ) assertNone(words.filter((word, index) => words.indexOf(word) !== index), "twice");
});

Deno.test("every operation is named after a word of its slice, in lower case", async () => {
  for (const slice of SLICES) {
    const words = [...Object.keys(slice.words), slice.name];
    const others = (await slice.operations()).map((op) => op.name).filter((name) =>
      !/^[a-z]+(-[a-z]+)*(\.[a-z]+(-[a-z]+)*)*$/.test(name) || !words.includes(name.split(".")[0]!)
    );
    assertNone(others, slice.name);
  }
});

Deno.test("every route is a known method and a path below /api/v1, its parameters are fields of the input", () => {
  const wrong = OPERATIONS.filter((op) => {
    const routes = [op.route, ...op.aliases ?? []].map(parseRoute);
    return !routes.every(({ method, path }, index) =>
      ["GET", "POST", "PUT", "PATCH", "DELETE"].includes(method) &&
      /^(\/[a-z0-9_-]+|\/\{\w+\})+\/?$/.test(path) &&
      (index > 0 || path.startsWith(op.name.startsWith("network.earlier.") ? "/v1/" : "/api/v1/"))
    ) || !pathFields(op).every((field) => field in op.input.shape);
  });
  assertNone(wrong.map((op) => `${op.name}: ${op.route}`), "routes");
});

Deno.test("what creates answers 201, what deletes 204, and what only reads is a GET", () => {
  const wrong = OPERATIONS.filter((op) =>
    op.name.endsWith(".create")
      ? op.status !== 201
      : op.name.endsWith(".delete")
      ? op.status !== 204
      : /\.(list|get|status|me|next|logs?|intervals|effective|follow)$/.test(op.name) && isWrite(op)
  );
  assertNone(wrong.map((op) => op.name), "statuses and methods");
});

Deno.test("every operation says in a sentence what it does", () => {
  const wrong = OPERATIONS.filter((op) => !/^[A-Z].{4,}[^.]$/.test(op.summary));
  assertNone(wrong.map((op) => `${op.name}: ${op.summary}`), "summaries");
});
