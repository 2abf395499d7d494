/** The words of the manual, typed as they stand there, with a running daemon and without one. */
import assert from "node:assert/strict";
import { z } from "zod";
import { Backup, BackupVerification, RestoreResult } from "../../src/backups/model.ts";
import { BackupSchedule, LedgerEntry, LogPage } from "../../src/schedules/model.ts";
import { Server } from "../../src/servers/model.ts";
import { type Sandbox, sandbox } from "../support/daemon.ts";
import { compareTrees, makeTree } from "../support/tree.ts";

const Schedules = z.array(BackupSchedule);
const Backups = z.array(Backup);

/** A sandbox with something to back up, and with a daemon or without. */
async function world(withDaemon: boolean): Promise<Sandbox> {
  const box = await sandbox();
  await makeTree(box.path("data"), { "a.txt": "alpha", "sub/b b.txt": "beta", "link": { symlink: "a.txt" } });
  if (withDaemon) await box.serve();
  return box;
}

/** The line that makes a schedule. */
function nightly(box: Sandbox, server: string, name = "nightly"): string[] {
  // deno-fmt-ignore
  return ["schedules", "create", "--server", server, "--name", name, "--cron", "0 2 * * *",
    "--timezone", "Europe/Paris", "--engine", "archive", "--source", box.path("data"),
    "--destination", box.path("backups"), "--max-backups", "7"];
}

async function addUser(box: Sandbox): Promise<void> {
  // deno-fmt-ignore
  const line = ["--data-dir", box.dataDir, "users", "create", "--name", "ada", "--role", "admin", "--password-stdin"];
  const { code, stderr } = await box.run(line, { stdin: "long secret" });
  assert.equal(code, 0, stderr);
}

for (const withDaemon of [true, false]) {
  const where = withDaemon ? "with a running daemon" : "without a daemon";

  Deno.test(`the words of the manual work as written ${where}`, async () => {
    await using box = await world(withDaemon);
    await addUser(box);
    const server = await box.json(Server, "servers", "create", "--name", "web-1", "--host", "127.0.0.1");
    assert.equal(server.name, "web-1");
    const created = await box.json(BackupSchedule, ...nightly(box, "web-1"));
    assert.deepEqual(created.engine_options, {
      sources: [box.path("data")],
      destination: box.path("backups"),
    });
    assert.ok(created.next_run_at !== null && created.next_run_at > created.created_at);

    assert.match(await box.ok("schedules", "trigger", "nightly", "--wait"), /success/);

    const schedules = await box.json(Schedules, "schedules", "list");
    assert.deepEqual(schedules.map((schedule) => [schedule.id, schedule.server_id]), [[
      created.id,
      server.id,
    ]]);
    const page = await box.json(LogPage, "schedules", "logs", "--schedule", "nightly");
    assert.deepEqual([page.total, page.page, page.logs[0]?.status], [1, 1, "success"]);
    assert.equal(page.logs[0]?.trigger, "manual");
    const [backup, ...more] = await box.json(Backups, "backups", "list");
    assert.ok(backup !== undefined && more.length === 0);
    assert.equal(backup.status, "completed");
    assert.equal(backup.file_path, backup.path);
    assert.equal(backup.id, page.logs[0]?.backup_id);
    assert.equal(backup.size_bytes, (await Deno.stat(backup.path)).size);
    assert.equal(backup.sha256, await sha256Of(backup.path));

    const verified = await box.json(BackupVerification, "backups", "verify", backup.id);
    assert.deepEqual([verified.ok, verified.problems], [true, []]);
    const restored = await box.json(
      RestoreResult,
      "backups",
      "restore",
      backup.id,
      "--to",
      box.path("restored"),
    );
    assert.equal(restored.item_count, backup.item_count);
    assert.deepEqual(await compareTrees(box.path("data"), box.path("restored") + box.path("data")), []);
    assert.deepEqual(await box.json(z.array(LedgerEntry), "ledger", "list"), []);
  });

  Deno.test(`names, ids and server/name mean the same thing ${where}`, async () => {
    await using box = await world(withDaemon);
    const { id: web } = await box.json(Server, "servers", "create", "--name", "web-1", "--host", "127.0.0.1");
    await box.ok("servers", "create", "--name", "web-2", "--host", "127.0.0.1");
    const { id } = await box.json(BackupSchedule, ...nightly(box, String(web)));
    for (const ref of [id, "nightly", "web-1/nightly"]) {
      assert.equal((await box.json(BackupSchedule, "schedules", "get", ref)).id, id);
      assert.match(await box.ok("schedules", "trigger", ref, "--wait"), /success/);
      assert.equal(
        (await box.json(LogPage, "schedules", "logs", "--schedule", ref)).logs[0]?.schedule_id,
        id,
      );
    }
    await box.ok(...nightly(box, "web-2"));
    const ambiguous = await box.cli("schedules", "get", "nightly");
    assert.equal(ambiguous.code, 6);
    assert.match(ambiguous.stderr, /web-1\/nightly.*web-2\/nightly/s);
    for (const ref of [String(web), "web-1"]) {
      assert.equal((await box.json(Server, "servers", "get", ref)).id, web);
      assert.deepEqual((await box.json(Schedules, "schedules", "list", "--server", ref)).map((s) => s.id), [
        id,
      ]);
    }
    const [newest] = await box.json(Backups, "backups", "list");
    assert.ok(newest !== undefined);
    for (const ref of [newest.id, newest.name, newest.id.slice(0, 8)]) {
      assert.equal((await box.json(Backup, "backups", "get", ref)).id, newest.id);
    }
  });

  Deno.test(`exit codes say what went wrong, and the reason is on standard error ${where}`, async () => {
    await using box = await world(withDaemon);
    await box.ok("servers", "create", "--name", "web-1", "--host", "127.0.0.1");
    await box.ok(...nightly(box, "web-1"));
    const cases: [number, RegExp, string[]][] = [
      [2, /Cannot .*cron/i, ["schedules", "update", "nightly", "--cron", "61 2 * * *"]],
      [2, /unknown option/i, ["schedules", "list", "--colour"]],
      [2, /schedule(s)?/, ["schedule", "list"]],
      [5, /web-9/, ["servers", "get", "web-9"]],
      [5, /hourly/, ["schedules", "trigger", "hourly", "--wait"]],
      [6, /web-1/, ["servers", "create", "--name", "web-1", "--host", "127.0.0.2"]],
      [6, /nightly/, nightly(box, "web-1")],
    ];
    for (const [code, words, args] of cases) {
      const ended = await box.cli(...args);
      assert.equal(ended.code, code, `${args.join(" ")}: ${ended.stdout}${ended.stderr}`);
      assert.match(ended.stderr, words);
      assert.equal(ended.stdout, "");
    }
    const asJson = await box.cli("servers", "get", "web-9", "--output", "json");
    const problem = z.object({ status: z.literal(404), code: z.literal("not_found"), detail: z.string() });
    problem.parse(JSON.parse(asJson.stderr));
    await Deno.remove(box.path("data"), { recursive: true });
    const failed = await box.cli("schedules", "trigger", "nightly", "--wait");
    assert.equal(failed.code, 20, failed.stderr);
    assert.match(failed.stdout + failed.stderr, /Source ".*data" does not exist/);
  });
}

const Tokens = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  token_type: z.literal("bearer"),
  expires_in: z.literal(1800),
});

Deno.test("a log-in with the password form gives a token that lists the schedules", async () => {
  await using box = await world(false);
  const { url } = await box.serve();
  await addUser(box);
  await box.ok("servers", "create", "--name", "web-1", "--host", "127.0.0.1");
  const { id } = await box.json(BackupSchedule, ...nightly(box, "web-1"));
  for (const path of ["/api/v1/auth/token", "/v1/auth/token"]) {
    // What curl -d sends: the words as they are, named as a form.
    const answer = await fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: "username=ada&password=long secret",
    });
    assert.equal(answer.status, 200);
    const { access_token } = Tokens.parse(await answer.json());
    const list = await fetch(`${url}/api/v1/backup-scheduler/schedules`, {
      headers: { authorization: `Bearer ${access_token}` },
    });
    assert.equal(list.status, 200);
    assert.deepEqual(Schedules.parse(await list.json()).map((schedule) => schedule.id), [id]);
  }
});

Deno.test("trigger without --wait returns at once when a daemon runs, and waits when none does", async () => {
  for (const withDaemon of [true, false]) {
    await using box = await world(withDaemon);
    await box.ok("servers", "create", "--name", "web-1", "--host", "127.0.0.1");
    await box.ok(...nightly(box, "web-1"));
    assert.match(await box.ok("schedules", "trigger", "nightly"), withDaemon ? /^Started run/ : /success/);
  }
});

async function sha256Of(path: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(path))).toHex();
}
