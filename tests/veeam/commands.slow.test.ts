/** The program itself against a server that is played: the words people know, with nothing but the environment. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import { sourceProgram } from "../support/daemon.ts";
import { MailServer } from "../support/mail_server.ts";
import { FakeVeeam, type FakeVeeamOptions } from "../support/veeam/fake.ts";

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** A played server and a person at a terminal who has nothing but its address. */
async function scene(
  work: (
    person: { fake: FakeVeeam; run: (...args: string[]) => Promise<Ended>; home: string },
  ) => Promise<void>,
  options: Partial<FakeVeeamOptions> & { env?: Record<string, string> } = {},
): Promise<void> {
  const fake = new FakeVeeam({ clock: systemClock, ...options });
  await using served = fake.serve();
  const home = await Deno.makeTempDir({ prefix: "holdfast-veeam-" });
  const { command, args } = sourceProgram();
  const run = async (...words: string[]): Promise<Ended> => {
    const { code, stdout, stderr } = await new Deno.Command(command, {
      args: [...args, ...words],
      clearEnv: true,
      cwd: home,
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        DENO_DIR: Deno.env.get("DENO_DIR") ?? join(Deno.env.get("HOME") ?? "", ".cache/deno"),
        HOME: home,
        NO_COLOR: "1",
        VEEAM_HOST: served.url,
        VEEAM_USER: fake.user,
        VEEAM_PASSWORD: fake.password,
        ...options.env,
      },
      stdin: "null",
      signal: AbortSignal.timeout(180_000),
    }).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  };
  try {
    await work({ fake, run, home });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("the words people know work with nothing but the environment, and leave nothing but a pin and a revision", () =>
  scene(async ({ fake, run, home }) => {
    fake.addSession({ job: 5, result: "Failed", message: '=cmd|"/c calc"!A1' });
    const jobs = await run("veeam", "jobs", "list", "--output", "json");
    assert.equal(jobs.code, 0, jobs.stderr);
    const rows = JSON.parse(jobs.stdout);
    assert.equal(rows.length, 5);
    assert.ok(["id", "name", "type", "last_result"].every((field) => field in rows[0]));

    const failed = await run("veeam", "jobs", "list", "--status", "failed", "--sort-by", "name");
    assert.match(failed.stdout, /Job 0005.*Failed/);
    assert.ok(!failed.stdout.includes("Daily VMs"));

    assert.match((await run("veeam", "jobs", "get", "Daily VMs")).stdout, /START +END +STATUS +RESULT/);
    const points = await run("veeam", "jobs", "restore-points", "Daily VMs", "--output", "csv");
    assert.match(points.stdout, /^created_at,name,type,backup_file,/);
    assert.equal(points.stdout.trim().split("\n").length, 13);

    const sessions = ["veeam", "sessions", "list", "--since", "30d", "--output"];
    const listed = JSON.parse((await run(...sessions, "json")).stdout);
    const [head, ...lines] = (await run(...sessions, "csv")).stdout.trim().split("\n");
    assert.equal(head, "created_at,name,result,message,id");
    assert.deepEqual(
      lines.map((line) => line.split(",").at(-1)),
      listed.map(({ id }: { id: string }) => id),
    );
    assert.equal(listed.length, 21);

    const repos = await run("veeam", "repos", "list", "--sort-by", "freeSpace", "--output", "json");
    const free = JSON.parse(repos.stdout).flatMap(({ free_bytes }: { free_bytes: number | null }) =>
      free_bytes ?? []
    );
    assert.deepEqual(free, free.toSorted((a: number, b: number) => a - b));

    const tapes = await run("veeam", "tapes", "list");
    assert.equal(tapes.code, 2);
    assert.match(tapes.stderr, /no revision of Veeam's REST API tells of tape.*\n.*Veeam ONE/s);

    const page = await run("veeam", "report", "--output", "html");
    assert.equal(page.code, 20);
    assert.match(page.stdout, /^<!doctype html>/);
    assert.ok(!/<script|src=|href=/.test(page.stdout));
    const sheet = await run("veeam", "report", "--output", "csv");
    assert.match(sheet.stdout, /^server,section,name,status,detail,at\n/);
    assert.ok(sheet.stdout.includes("'=cmd|"), "a formula is quoted away");
    const doctor = await run("veeam", "doctor");
    assert.equal(doctor.code, 0, doctor.stdout);
    const state: string[] = [];
    for await (const entry of Deno.readDir(join(home, ".local/state/holdfast"))) state.push(entry.name);
    assert.deepEqual(state.filter((name) => !name.endsWith(".lock")), ["veeam.state.json"]);
    const kept = join(home, ".local/state/holdfast/veeam.state.json");
    assert.ok(!/access|refresh|password|horse/.test(await Deno.readTextFile(kept)));
    assert.equal((await Deno.stat(kept)).mode! & 0o777, 0o600);
  }));

Deno.test("empty lists print a header as CSV, an empty list as JSON and a sentence as a table", () =>
  scene(async ({ run }) => {
    assert.match(
      (await run("veeam", "jobs", "list", "--output", "csv")).stdout,
      /^number,id,name,type,last_result/,
    );
    assert.deepEqual(JSON.parse((await run("veeam", "jobs", "list", "--output", "json")).stdout), []);
    assert.match((await run("veeam", "jobs", "list")).stderr, /Nothing to show/);
    assert.equal((await run("veeam", "report")).code, 0);
  }, { jobs: 0, sessions: 0 }));

Deno.test("a watch mails what fails, and a report is mailed whole", async () => {
  await using mail = await MailServer.start();
  const env = { SMTP_HOST: "127.0.0.1", SMTP_PORT: String(mail.port) };
  await scene(async ({ fake, run }) => {
    fake.addSession({ job: 5, result: "Failed", message: "no space left" });
    const watched = await run(
      ..."veeam jobs watch --every 1s --rounds 1 --mail ops@example.org".split(" "),
    );
    assert.equal(watched.code, 0, watched.stderr);
    assert.match(watched.stderr, /job "Job 0005" ended with Failed/);
    const report = await run("veeam", "report", "--mail", "ops@example.org");
    assert.equal(report.code, 20);
    assert.equal(mail.mails.length, 2);
    assert.match(mail.mails[0]!.subject, /Job 0005.* failed/);
    assert.match(mail.mails[1]!.html, /<!doctype html>/);
  }, { env });
});

Deno.test("a wrong password ends with a line, a hint and a code", () =>
  scene(async ({ run }) => {
    const refused = await run("veeam", "jobs", "list");
    assert.equal(refused.code, 8);
    assert.match(refused.stderr, /^error: Cannot log in .*\nhint: .*service account/m);
    assert.ok(!refused.stderr.includes("guess-nothing") && !/\n\s+at /.test(refused.stderr), refused.stderr);
  }, { env: { VEEAM_PASSWORD: "guess-nothing" } }));

Deno.test("plain http to another host is refused before anything is sent", () =>
  scene(async ({ run, fake }) => {
    const refused = await run("veeam", "jobs", "list");
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /must not be plain http/);
    assert.deepEqual(fake.requests, []);
  }, { env: { VEEAM_HOST: "http://vbr.example.org" } }));
