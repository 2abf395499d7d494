/** Secrets go in and never come out: not in answers, not in the audit log, the log, the settings or the document. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { allOperations } from "../../src/catalogue.ts";
import { isWrite } from "../../src/lib/operation.ts";
import { startLogging } from "../../src/telemetry/mod.ts";
import { SOCKET, testApp } from "../support/app.ts";
import { world } from "../support/world.ts";
import { problemOf } from "./problem.ts";

const VALUE = "correct-horse-battery-staple-9431";
const FILE = `-----BEGIN PRIVATE KEY-----\n${"c3RhcGxl".repeat(8)}\n-----END PRIVATE KEY-----`;

Deno.test("a secret that was set and used is in no answer, no audit line, no log line and no setting", async () => {
  const keyFile = await Deno.makeTempFile({ prefix: "holdfast-key-" });
  await Deno.writeTextFile(keyFile, VALUE);
  await using w = await world({ "api.key": keyFile });
  await Deno.remove(keyFile);
  const log = join(w.dir, "log");
  const stopLogging = await startLogging({ level: "debug", format: "json", file: log });
  const token = await w.keyFor("admin");
  const seen: string[] = [];
  const ask = async (method: string, path: string, options: Parameters<typeof w.request>[2] = { token }) => {
    const answer = await w.request(method, path, options);
    seen.push(await answer.clone().text(), [...answer.headers].join());
    return answer;
  };

  for (const [name, value] of [["db", VALUE], ["deploy-key", FILE]]) {
    const put = { token, json: { value } };
    assert.equal((await ask("PUT", `/api/v1/secrets/${name}`, put)).status, 200);
    assert.equal((await ask("PUT", `/api/v1/secrets/${name}`, put)).status, 200);
    assert.equal(await w.app.services.auth.secrets.read(String(name)), value);
  }
  // Wrong requests that carry it, among them ones whose fields are refused by name.
  await problemOf(await ask("PUT", "/api/v1/secrets/db", { token, json: { value: VALUE, colour: 1 } }), 400);
  await problemOf(await ask("PUT", "/api/v1/secrets/not a name", { token, json: { value: VALUE } }), 400);
  await problemOf(await ask("PUT", "/api/v1/secrets/db", { json: { value: VALUE } }), 401);
  await problemOf(
    await ask("PUT", "/api/v1/secrets/db", { token: await w.keyFor("operator"), json: { value: VALUE } }),
    403,
  );
  // A reference is a name, and stays one.
  const engine_options = { password: { secret: "db" }, sources: ["/a"], destination: "/b" };
  await problemOf(
    await ask("POST", "/api/v1/backup-scheduler/schedules", {
      token,
      json: { server_id: 1, name: "n", interval_hours: 1, engine: "archive", engine_options },
    }),
    400,
  );
  await w.run(w.own.schedule);

  // Everything that can be read without naming a thing, and everything about the things there are.
  const things = {
    schedule: w.own.schedule,
    log: w.own.log,
    backup: w.own.backup,
    server: "web-1",
    key: "admin-1",
  };
  for (const op of await allOperations()) {
    // The live view never ends; following a run shows the same events.
    if (isWrite(op) || op.websocket !== undefined) continue;
    const path = op.route.slice(4).replaceAll(
      /\{(\w+)\}/g,
      (_, name: string) => Reflect.get(things, name) ?? "1",
    );
    await ask("GET", path);
    await ask("GET", path, { peer: SOCKET });
  }
  const audit = await ask("GET", "/api/v1/audit?limit=1000");
  const { lines } = await audit.json();
  const writes = lines.filter((line: { target: string }) => /secrets\/(db|deploy-key)/.test(line.target));
  assert.ok(writes.length >= 4, "each write of a secret leaves a line");
  for (const path of ["/openapi.json", "/metrics", "/docs"]) await ask("GET", path);
  await stopLogging();
  seen.push(await Deno.readTextFile(log));

  for (const text of seen) {
    for (const secret of [VALUE, FILE, "c3RhcGxl"]) assert.ok(!text.includes(secret), text.slice(0, 300));
  }
  const settings = await w.local("GET", "/api/v1/config");
  assert.equal(settings["api.key"], "***");
});

Deno.test("a secret is nowhere in the data directory in plain text, nor is a key that was shown", async () => {
  await using w = await testApp();
  const key = await w.keyFor("user");
  await w.local("PUT", "/api/v1/secrets/db", { value: VALUE });
  await w.local("POST", "/api/v1/db/backup");
  const needles = [VALUE, key.split("_").at(-1)!].map((text) => new TextEncoder().encode(text));
  const state = join(w.dir, "state");
  let files = 0;
  for await (const path of filesBelow(state)) {
    files++;
    const bytes = await Deno.readFile(path);
    for (const needle of needles) assert.equal(indexOf(bytes, needle), -1, path);
  }
  assert.ok(files >= 3);
});

async function* filesBelow(dir: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(dir)) {
    const path = join(dir, entry.name);
    if (entry.isDirectory) yield* filesBelow(path);
    else if (entry.isFile) yield path;
  }
}

/** Where a sequence of bytes begins, or -1. */
function indexOf(bytes: Uint8Array, needle: Uint8Array): number {
  for (let at = bytes.indexOf(needle[0]!); at !== -1; at = bytes.indexOf(needle[0]!, at + 1)) {
    if (needle.every((byte, offset) => bytes[at + offset] === byte)) return at;
  }
  return -1;
}

Deno.test("an API key is shown once: where it was made, and never again", async () => {
  await using w = await testApp();
  const token = await w.keyFor("admin");
  const made = await w.request("POST", "/api/v1/api-keys", { token, json: { name: "agent", role: "user" } });
  const { key, prefix, id } = await made.json();
  assert.match(key, new RegExp(`^hf_${prefix}_`));
  const secret = String(key).split("_").at(-1)!;
  for (const path of ["/api/v1/api-keys", `/api/v1/api-keys/${id}`, "/api/v1/audit?limit=100"]) {
    const text = await (await w.request("GET", path, { token })).text();
    assert.ok(text.includes("agent") && !text.includes(secret), path);
    assert.ok(!/key_hash|password_hash/.test(text), path);
  }
});
