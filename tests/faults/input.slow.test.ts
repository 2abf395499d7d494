/** Bad input: an error that says what is wrong, and nothing has changed, with a running daemon and without one. */
import assert from "node:assert/strict";
import { z } from "zod";
import { addSchedule, holeIn, namesIn } from "../support/backed_up.ts";
import { contentOf } from "../support/content.ts";
import { type Sandbox, sandbox } from "../support/daemon.ts";

/** A line that has to fail: its exit code, what it says, its words. */
type Case = [code: number, says: RegExp, words: string[]];

function create(box: Sandbox, changes: Record<string, string>): string[] {
  // deno-fmt-ignore
  const flags = { server: "web-1", name: "another", cron: "0 2 * * *", engine: "archive",
    source: box.path("data"), destination: box.path("backups"), ...changes };
  return ["schedules", "create", ...Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])];
}

for (const withDaemon of [true, false]) {
  const where = withDaemon ? "with a running daemon" : "without a daemon";

  Deno.test(`bad input gets a clear error and changes nothing ${where}`, async () => {
    await using box = await sandbox();
    await holeIn(box, "data", 1000);
    await addSchedule(box);
    if (withDaemon) await box.serve();
    const cases: Case[] = [
      [2, /"0 25 \* \* \*": hour must be 0 to 23, not 25/, create(box, { cron: "0 25 * * *" })],
      [2, /"tomorrow"/, create(box, { cron: "tomorrow" })],
      [
        2,
        /"Europe\/Pariss".*\nhint: did you mean "Europe\/Paris"/,
        create(box, { timezone: "Europe/Pariss" }),
      ],
      [5, /server "web-9"\nhint: did you mean "web-1"/, create(box, { server: "web-9" })],
      [2, /Source "\/no\/such" does not exist/, create(box, { source: "/no/such" })],
      [2, /lies inside source/, create(box, { destination: box.path("data", "inside") })],
      [2, /engine "archiv".*\nhint: did you mean "archive"/, create(box, { engine: "archiv" })],
      [2, /--engine-options/, create(box, { "engine-options": "{oops" })],
      [2, /max.backups/, create(box, { "max-backups": "0" })],
      [6, /nightly/, create(box, { name: "nightly" })],
      [2, /Did you mean --max-backups/, create(box, { "max-backup": "7" })],
      [2, /role.*user, operator, admin/s, [
        "users",
        "create",
        "--name",
        "eve",
        "--role",
        "root",
        "--password-stdin",
      ]],
      [5, /"hourly"/, ["schedules", "delete", "hourly", "--yes"]],
      [5, /0123456789abcdef/, ["backups", "restore", "0123456789abcdef", "--to", box.path("restored")]],
      [2, /--api-lisen/, ["--api-lisen", "127.0.0.1:1", "schedules", "list"]],
    ];
    const database = box.path("state", "holdfast.db");
    const before = contentOf(database);
    for (const [code, says, words] of cases) {
      const ended = await box.cli(...words);
      assert.equal(ended.code, code, `${words.join(" ")}: ${ended.stdout}${ended.stderr}`);
      assert.match(ended.stderr, says);
      assert.equal(contentOf(database), before, words.join(" "));
    }
    assert.deepEqual(await namesIn(box, "data"), ["hole.bin"]);
    assert.deepEqual(await namesIn(box, "backups"), []);
    assert.deepEqual(await namesIn(box, "restored"), []);
  });
}

const Problem = z.object({ detail: z.string(), status: z.int(), code: z.string(), request_id: z.string() });

Deno.test("bad requests get a problem document and change nothing", async () => {
  await using box = await sandbox();
  await holeIn(box, "data", 1000);
  await addSchedule(box);
  const { url } = await box.serve(
    "--api-max-body-bytes",
    "4096",
    "--backups-allowed-roots",
    box.path("data"),
  );
  await box.run([
    "--data-dir",
    box.dataDir,
    "users",
    "create",
    "--name",
    "ada",
    "--role",
    "admin",
    "--password-stdin",
  ], {
    stdin: "long secret",
  });
  const login = await fetch(`${url}/api/v1/auth/token`, {
    method: "POST",
    body: new URLSearchParams({ username: "ada", password: "long secret" }),
  });
  const { access_token } = z.object({ access_token: z.string() }).parse(await login.json());
  const schedules = "/api/v1/backup-scheduler/schedules";
  const ask = (method: string, path: string, body?: BodyInit) =>
    fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${access_token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body }),
    });
  const post = (changes: object) => {
    const usual = { server_id: 1, name: "another", cron_expression: "0 2 * * *", engine: "archive" };
    return ask("POST", schedules, JSON.stringify({ ...usual, ...changes }));
  };
  const options = (source: string) => ({
    engine_options: { sources: [source], destination: box.path("backups") },
  });
  const cases: [number, RegExp, () => Promise<Response>][] = [
    [400, /not JSON/, () => ask("POST", schedules, '{"name": ')],
    [400, /must be a JSON object/, () => ask("POST", schedules, "[]")],
    [400, /larger than 4096 bytes/, () => post({ description: "x".repeat(5000) })],
    [400, /larger than 4096 bytes/, () => ask("POST", schedules, ReadableStream.from(pieces(41)))],
    [400, /colour/, () => post({ colour: "red" })],
    [400, /minute must be 0 to 59/, () => post({ cron_expression: "61 * * * *" })],
    [400, /"Mars\/Olympus"/, () => post({ timezone: "Mars/Olympus" })],
    [404, /server "9"/, () => post({ server_id: 9 })],
    [400, /expected an absolute path/, () => post(options("data"))],
    [403, /not inside backups\.allowed_roots/, () => post(options("/etc"))],
    [403, /not inside backups\.allowed_roots/, () => post(options(`${box.path("data")}/../../etc`))],
    [404, /no such path/, () => ask("GET", "/api/v2/schedules")],
    [405, /allowed are GET, HEAD, POST/, () => ask("PATCH", schedules, "{}")],
  ];
  const database = box.path("state", "holdfast.db");
  // A refusal for rights of a known caller leaves its audit line, on purpose.
  const unchanged = () => contentOf(database, ["audit_lines", "chain", "sqlite_sequence"]);
  const before = unchanged();
  for (const [status, says, request] of cases) {
    const answer = await request();
    const text = await answer.text();
    assert.equal(answer.status, status, text);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
    assert.match(Problem.parse(JSON.parse(text)).detail, says);
    assert.equal(unchanged(), before, text);
  }
});

/** A body that does not say how long it is; one that goes on after the answer would find a closed connection. */
function pieces(count: number): Uint8Array[] {
  return Array.from({ length: count }, () => new TextEncoder().encode(" ".repeat(100)));
}
