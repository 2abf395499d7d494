/** Mail, to a real SMTP server on loopback. */
import assert from "node:assert/strict";
import { DeliveryError } from "../../src/notify/channels/mod.ts";
import type { Message } from "../../src/notify/message.ts";
import { canMakeCertificates, makeCertificate } from "../support/certificates.ts";
import { MailServer } from "../support/mail_server.ts";
import { channel, item, message } from "./samples.ts";

async function send(settings: Record<string, unknown>, letter: Message = message()): Promise<void> {
  const ops = await channel({
    kind: "mail",
    host: "127.0.0.1",
    recipients: ["ops@example.org"],
    sender: "Holdfast <holdfast@example.org>",
    timeout_seconds: 5,
    ...settings,
  });
  await ops.send(letter, AbortSignal.timeout(60_000));
}

async function failing(settings: Record<string, unknown>, letter?: Message): Promise<DeliveryError> {
  const error = await send(settings, letter).then(() => null, (error: unknown) => error);
  assert.ok(error instanceof DeliveryError, Deno.inspect(error));
  return error;
}

Deno.test("a mail says what happened, as text and as HTML, in English", async () => {
  await using server = await MailServer.start();
  await send({ port: server.port });
  const [mail] = server.mails;
  assert.equal(mail?.subject, "[Holdfast] MISSING: shop");
  assert.deepEqual(mail.to, ["ops@example.org"]);
  assert.equal(mail.from, "holdfast@example.org");
  assert.equal(
    mail.text.trim(),
    `MISSING: shop
No report and no file came until 13:30
  Severity: critical
  At: 2026-01-05 14:30 Europe/Paris
  Database: shop
  Size: 2 KiB

Reported by backup-1`,
  );
  assert.match(mail.html, /<h1[^>]*>MISSING: shop<\/h1>/);
  assert.match(mail.html, /Database<\/td><td[^>]*>shop<\/td>/);
  assert.equal(mail.headers.get("auto-submitted"), "auto-generated");
});

Deno.test("a mail in French is French, accents included", async () => {
  await using server = await MailServer.start();
  const still = item({ kind: "reminder", code: "failed", since: "2026-01-04T13:30:00.000Z", failures: 2 });
  await send({ port: server.port }, message([still], { language: "fr" }));
  const [mail] = server.mails;
  assert.equal(mail?.subject, "[Holdfast] TOUJOURS EN ÉCHEC: shop");
  assert.match(mail.text, /Gravité: critique/);
  assert.match(mail.text, /Depuis: 2026-01-04 14:30 Europe\/Paris/);
  assert.match(mail.text, /Base de données: shop/);
  assert.match(mail.html, /lang="fr"/);
});

Deno.test("every attempt has the same Message-ID and key, and the mails of an alert are one thread", async () => {
  await using server = await MailServer.start();
  await send({ port: server.port });
  await send({ port: server.port });
  await send({ port: server.port }, message([item({ kind: "recovered" })], { key: "entry:2:recovered/ops" }));
  const [first, again, recovered] = server.mails.map(({ headers }) => headers);
  assert.equal(first?.get("message-id"), again?.get("message-id"));
  assert.equal(first?.get("x-holdfast-key"), "entry:1:missing/ops");
  assert.notEqual(first?.get("message-id"), recovered?.get("message-id"));
  assert.match(first?.get("references") ?? "", /^<[0-9a-f]{32}@example.org>$/);
  assert.equal(first?.get("references"), recovered?.get("references"));
});

Deno.test("recipients of the subject's own get it too, each address once", async () => {
  await using server = await MailServer.start();
  const recipients = ["dba@example.org", "OPS@example.org"];
  await send({ port: server.port }, message([item()], { recipients }));
  assert.deepEqual(server.mails[0]?.to, ["OPS@example.org", "dba@example.org"]);
  await send({ port: server.port, recipients: [] }, message([item()], { recipients: ["dba@example.org"] }));
  assert.deepEqual(server.mails[1]?.to, ["dba@example.org"]);
});

Deno.test("a channel without recipients says so", async () => {
  const error = await failing({ port: 1, recipients: [] });
  assert.match(error.message, /it has no recipients/);
  assert.ok(error.refused);
});

Deno.test("when some recipients are refused, only these are left, and the others got it", async () => {
  await using server = await MailServer.start({ unknown: ["gone@example.org"] });
  const error = await failing({ port: server.port, recipients: ["ops@example.org", "gone@example.org"] });
  assert.deepEqual(error.remaining, ["gone@example.org"]);
  assert.match(error.message, /to gone@example.org: .*550 No such user/);
  assert.ok(error.refused);
  assert.deepEqual(server.mails[0]?.to, ["ops@example.org"]);
  await failing({ port: server.port }, message([item()], { remaining: error.remaining ?? [] }));
  assert.equal(server.mails.length, 1);
});

Deno.test("what comes from files and other hosts becomes no header and no HTML", async () => {
  await using server = await MailServer.start();
  const name = "shop\r\nBcc: eve@example.org\r\n\r\n<script>alert(1)</script>";
  await send(
    { port: server.port },
    message([item({ subject: { kind: "job", id: "1", name }, detail: name })]),
  );
  const [mail] = server.mails;
  assert.equal(mail?.headers.has("bcc"), false);
  assert.deepEqual(mail?.to, ["ops@example.org"]);
  assert.ok(!mail?.html.includes("<script>"));
  assert.match(mail?.subject ?? "", /^\[Holdfast\] MISSING: shop Bcc: eve@example.org/);
});

Deno.test("a wrong password is refused, the right one accepted", async () => {
  const login = { username: "ada", password: "correct horse" };
  await using server = await MailServer.start({ login });
  const error = await failing({ port: server.port, username: "ada", password: "battery" });
  assert.match(error.message, /535/);
  assert.ok(error.refused);
  await send({ port: server.port, ...login });
  assert.equal(server.mails[0]?.user, "ada");
});

Deno.test("messages refused after the last byte are refused, deferred ones failed", async () => {
  await using server = await MailServer.start();
  server.behaviour = "refuse message";
  assert.ok((await failing({ port: server.port })).refused);
  server.behaviour = "defer message";
  assert.ok(!(await failing({ port: server.port })).refused);
});

Deno.test("TLS and STARTTLS are used as asked for, and certificates are verified", async (t) => {
  if (!await canMakeCertificates("mail over TLS")) return;
  const dir = await Deno.makeTempDir({ prefix: "holdfast-mail-" });
  try {
    const certificate = await makeCertificate(dir, "mail");
    await using other = await MailServer.start();
    await using plain = await MailServer.start(certificate);
    await using tls = await MailServer.start({ secure: true, ...certificate });
    const ca_file = `${dir}/mail.pem`;
    await t.step("STARTTLS that is required", async () => {
      await send({ port: plain.port, security: "starttls", ca_file });
      assert.equal(plain.mails.at(-1)?.secure, true);
    });
    await t.step("TLS from the first byte", async () => {
      await send({ port: tls.port, security: "tls", ca_file });
      assert.equal(tls.mails.at(-1)?.secure, true);
    });
    await t.step("none", async () => {
      await send({ port: plain.port, security: "none" });
      assert.equal(plain.mails.at(-1)?.secure, false);
    });
    await t.step("a certificate nobody vouches for", async () => {
      const before = plain.mails.length;
      const error = await failing({ port: plain.port, security: "starttls" });
      assert.match(error.message, /certificate/);
      assert.ok(!error.refused);
      assert.equal(plain.mails.length, before);
    });
    await t.step("a server that does not offer what is required", async () => {
      const error = await failing({ port: other.port, security: "starttls" });
      assert.match(error.message, /STARTTLS|TLS/);
      assert.equal(other.mails.length, 0);
    });
    await t.step("a file of authorities that is not there", async () => {
      const error = await failing({ port: tls.port, security: "tls", ca_file: `${dir}/none.pem` });
      assert.match(error.message, /ca_file ".*none.pem"/);
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
