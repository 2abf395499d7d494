/** `notify` as people type it, with nothing but an environment: no daemon, no data directory. */
import assert from "node:assert/strict";
import { z } from "zod";
import { sandbox } from "../support/daemon.ts";
import { isThere } from "../support/files.ts";
import { MailServer } from "../support/mail_server.ts";
import { freePort } from "../support/ports.ts";

function smtp(port: number): Record<string, string> {
  return {
    SMTP_HOST: "127.0.0.1",
    SMTP_PORT: String(port),
    SMTP_FROM: "holdfast@example.org",
    SMTP_TO: "ops@example.org",
  };
}

Deno.test("a test message needs an environment and nothing else; the exit code tells whether it arrived", async () => {
  await using box = await sandbox();
  await using server = await MailServer.start();
  const dataDir = { HOLDFAST_DATA_DIR: box.path("never-made") };
  const test = (channel: string, port?: number) =>
    box.run(["notify", "test", channel], { env: { ...dataDir, ...(port === undefined ? {} : smtp(port)) } });
  const good = await test("mail", server.port);
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, /^Channel mail \(mail\) took the message after \d+ ms\n$/);
  assert.deepEqual(server.subjects, ["[Holdfast] Test message"]);
  assert.deepEqual(server.mails[0]?.to, ["ops@example.org"]);

  const down = await test("mail", freePort());
  assert.equal(down.code, 8);
  assert.match(down.stderr, /^error: Cannot deliver through channel "mail": connect ECONNREFUSED/);
  server.behaviour = "refuse";
  const refused = await test("mail", server.port);
  assert.equal(refused.code, 8);
  assert.match(refused.stderr, /550 No such user/);

  const unknown = await test("mial", server.port);
  assert.equal(unknown.code, 5);
  assert.match(unknown.stderr, /Cannot find channel "mial"\nhint: did you mean "mail"\?/);
  const none = await test("mail");
  assert.equal(none.code, 5);
  assert.match(none.stderr, /hint: no channel is configured: set SMTP_HOST/);

  const listed = await box.run(["notify", "channels", "list", "--output", "json"], {
    env: { ...dataDir, ...smtp(server.port) },
  });
  assert.equal(listed.code, 0, listed.stderr);
  const [channel] = z.array(z.object({ name: z.string(), kind: z.string(), status: z.string() }))
    .parse(JSON.parse(listed.stdout));
  assert.deepEqual(channel, { name: "mail", kind: "mail", status: "unused" });
  assert.equal(await isThere(box.path("never-made")), false);
});
