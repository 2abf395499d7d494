/** What the channels that speak HTTP send, and where they may send it. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { DeliveryError } from "../../src/notify/channels/mod.ts";
import type { Message } from "../../src/notify/message.ts";
import { type Answer, type ReceivedRequest, Receiver } from "../support/receiver.ts";
import { channel, item, message } from "./samples.ts";

const signal = () => AbortSignal.timeout(60_000);

/** Sends messages through a channel to a server that answers like the service; returns what came. */
async function sent(
  settings: (url: string) => Record<string, unknown>,
  answer: Answer,
  ...messages: Message[]
): Promise<{ request: ReceivedRequest; body: ReturnType<typeof JSON.parse> }[]> {
  await using receiver = new Receiver(answer);
  const ops = await channel({ allow_private_addresses: true, ...settings(receiver.url) });
  for (const one of messages) await ops.send(one, signal());
  return receiver.requests.map((request) => ({ request, body: JSON.parse(request.body) }));
}

Deno.test("a web hook gets the message as JSON, signed, with the key of every attempt", async () => {
  const secret = "a long secret";
  const [hook] = await sent(
    (url) => ({ kind: "webhook", url: `${url}/hooks/in?x=1`, secret, token: "t0ken" }),
    () => new Response(null, { status: 204 }),
    message([item({ subject: { kind: "job", id: "1", name: "é" } })], { key: "é 1/ops" }),
  );
  const { request, body } = hook!;
  assert.equal(request.path, "/hooks/in?x=1");
  assert.equal(request.headers.get("idempotency-key"), "%C3%A9%201/ops");
  assert.equal(request.headers.get("authorization"), "Bearer t0ken");
  const [, seconds, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(
    request.headers.get("x-holdfast-signature") ?? "",
  ) ?? [];
  assert.ok(Math.abs(Number(seconds) - Date.now() / 1000) < 60);
  assert.equal(hex, createHmac("sha256", secret).update(`${seconds}.${request.body}`).digest("hex"));
  assert.equal(body.title, "MISSING: é");
  assert.equal(body.severity, "critical");
  assert.equal(body.events[0].alert, "job:1");
  assert.deepEqual(body.events[0].facts, { database: "shop", size_bytes: 2048 });
});

Deno.test("a template decides what a web hook gets; texts cannot break out of it", async () => {
  const template = JSON.stringify({
    text: "{title} ({severity})",
    list: ["{database}", "{nothing}"],
    deep: { key: "{key}" },
    n: 1,
  });
  const [hook] = await sent(
    (url) => ({ kind: "webhook", url, template }),
    () => new Response(),
    message([item({ facts: { database: '"},{"a":"{title}' } })]),
  );
  assert.deepEqual(hook?.body, {
    text: "MISSING: shop (critical)",
    list: ['"},{"a":"{title}', ""],
    deep: { key: "entry:1:missing/ops" },
    n: 1,
  });
  await assert.rejects(
    channel({ kind: "webhook", url: "https://example.org", template: "{title}" }),
    /its template is not JSON/,
  );
});

const REFUSED_ADDRESSES: [url: string, allowPrivate: boolean][] = [
  ["http://127.0.0.1:8099/", false],
  ["http://localhost:8099/", false],
  ["http://[::1]:8099/", false],
  ["http://[::ffff:127.0.0.1]:8099/", false],
  ["http://2130706433:8099/", false],
  ["http://10.0.0.1/", false],
  ["http://192.168.1.1/", false],
  ["http://[fd00:ec2::254]/", true],
  ["http://[::169.254.169.254]/", true],
  ["http://[64:ff9b::169.254.169.254]/", true],
  ["http://[2002:a9fe:a9fe::1]/", true],
  ["http://[::10.0.0.1]/", false],
  ["http://[2002:a00:1::1]/", false],
];

Deno.test("a web hook reaches into private networks only when that is allowed, link-local addresses never", async () => {
  for (const [url, allow_private_addresses] of REFUSED_ADDRESSES) {
    const ops = await channel({ kind: "webhook", url, allow_private_addresses });
    const error = await ops.send(message(), signal()).then(() => null, (error: unknown) => error);
    assert.ok(error instanceof DeliveryError, `${url}: ${Deno.inspect(error)}`);
    assert.match(error.message, /is not a public address/, url);
    assert.ok(error.refused);
  }
  for (const url of ["http://169.254.169.254/latest/meta-data", "http://[fe80::1]/"]) {
    await assert.rejects(
      channel({ kind: "webhook", url, allow_private_addresses: true }),
      /link-local address, where clouds keep credentials/,
    );
  }
});

Deno.test("a redirect is not followed", async () => {
  await using receiver = new Receiver(() =>
    new Response(null, { status: 302, headers: { location: "http://169.254.169.254/" } })
  );
  const ops = await channel({ kind: "webhook", url: receiver.url, allow_private_addresses: true });
  await assert.rejects(ops.send(message(), signal()), /answered 302: a redirect, which is not followed/);
  assert.equal(receiver.requests.length, 1);
});

Deno.test("an endless answer is cut off", async () => {
  await using receiver = new Receiver(() => new Response("x".repeat(200_000)));
  const ops = await channel({ kind: "slack", url: receiver.url, allow_private_addresses: true });
  await assert.rejects(ops.send(message(), signal()), /larger than 65536 bytes/);
});

Deno.test("Slack gets blocks of plain text, and a text in which nobody is mentioned", async () => {
  const name = "<!channel> & <https://example.org|x>";
  const [hook] = await sent(
    (url) => ({ kind: "slack", url: `${url}/services/T/B/x` }),
    () => new Response("ok"),
    message([item({ subject: { kind: "job", id: "1", name } })]),
  );
  assert.equal(hook?.request.path, "/services/T/B/x");
  assert.equal(hook?.body.text, "MISSING: &lt;!channel&gt; &amp; &lt;https://example.org|x&gt;");
  assert.deepEqual([...new Set(JSON.stringify(hook?.body).match(/"type":"[a-z_]+"/g))], [
    '"type":"header"',
    '"type":"plain_text"',
    '"type":"section"',
    '"type":"context"',
  ]);
});

Deno.test("Teams gets an adaptive card without Markdown", async () => {
  const [hook] = await sent(
    (url) => ({ kind: "teams", url }),
    () => new Response(null, { status: 202 }),
    message(),
  );
  const { type, attachments: [card] } = hook?.body ?? {};
  assert.equal(type, "message");
  assert.equal(card.contentType, "application/vnd.microsoft.card.adaptive");
  assert.equal(card.content.type, "AdaptiveCard");
  assert.ok(card.content.body.every((block: { type: string }) => block.type === "RichTextBlock"));
  assert.match(JSON.stringify(card), /"MISSING: shop"/);
});

Deno.test("Discord gets an embed that mentions nobody and is waited for", async () => {
  const [hook] = await sent(
    (url) => ({ kind: "discord", url: `${url}/api/webhooks/1/x` }),
    () => Response.json({ id: "1" }),
    message([item({ subject: { kind: "job", id: "1", name: "**@everyone**" } })]),
  );
  assert.equal(hook?.request.path, "/api/webhooks/1/x?wait=true");
  assert.deepEqual(hook?.body.allowed_mentions, { parse: [] });
  assert.equal(hook?.body.embeds[0].title, "MISSING: \\*\\*\\@everyone\\*\\*");
});

Deno.test("Telegram gets plain text for the chat", async () => {
  const [hook] = await sent(
    (url) => ({ kind: "telegram", url, token: "12:ab", chat_id: "-100" }),
    () => Response.json({ ok: true }),
    message(),
  );
  assert.equal(hook?.request.path, "/bot12:ab/sendMessage");
  assert.equal(hook?.body.chat_id, "-100");
  assert.equal("parse_mode" in (hook?.body ?? {}), false);
  assert.match(hook?.body.text, /^MISSING: shop\n\n/);
});

Deno.test("Telegram's own way of asking for patience is heard", async () => {
  await using receiver = new Receiver(() =>
    Response.json({
      ok: false,
      description: "Too Many Requests: retry after 7",
      parameters: { retry_after: 7 },
    }, {
      status: 429,
    })
  );
  const settings = { kind: "telegram", url: receiver.url, token: "12:ab", chat_id: "1" };
  const ops = await channel({ ...settings, allow_private_addresses: true });
  const error = await ops.send(message(), signal()).then(() => null, (error: unknown) => error);
  assert.ok(error instanceof DeliveryError);
  assert.equal(error.retryAfterSeconds, 7);
  assert.match(error.message, /answered 429: Too Many Requests/);
});

Deno.test("ntfy and Gotify get a priority that fits", async () => {
  const answer = () => Response.json({ id: 1 });
  const letters = [message(), message([item({ kind: "recovered" })])];
  const ntfy = await sent((url) => ({ kind: "ntfy", url, topic: "t", token: "tk" }), answer, ...letters);
  assert.deepEqual(ntfy.map(({ body }) => [body.topic, body.priority, body.tags[0]]), [
    ["t", 5, "rotating_light"],
    ["t", 3, "white_check_mark"],
  ]);
  assert.equal(ntfy[0]?.request.headers.get("authorization"), "Bearer tk");
  const gotify = await sent((url) => ({ kind: "gotify", url: `${url}/`, token: "Abc" }), answer, ...letters);
  assert.deepEqual(gotify.map(({ request, body }) => [request.path, body.priority]), [
    ["/message", 8],
    ["/message", 2],
  ]);
  assert.equal(gotify[0]?.request.headers.get("x-gotify-key"), "Abc");
});

Deno.test("PagerDuty's incident is the alert: triggered, triggered again, resolved", async () => {
  const calls = await sent(
    (url) => ({ kind: "pagerduty", url: `${url}/v2/enqueue`, token: "R0" }),
    () => Response.json({ status: "success" }, { status: 202 }),
    message(),
    message([item({ kind: "reminder" })]),
    message([item({ kind: "recovered" })]),
    message([item({ kind: "test", alert: "notify:test:ops" })]),
  );
  assert.deepEqual(calls.map(({ body }) => [body.event_action, body.dedup_key]), [
    ["trigger", "job:1"],
    ["trigger", "job:1"],
    ["resolve", "job:1"],
    ["trigger", "notify:test:ops"],
    ["resolve", "notify:test:ops"],
  ]);
  assert.equal(calls[0]?.body.routing_key, "R0");
  assert.equal(calls[0]?.body.payload.severity, "critical");
  assert.equal(calls[0]?.body.payload.summary, "MISSING: shop");
});

Deno.test("a message of many alerts fits into what each service takes", async () => {
  const many = Array.from(
    { length: 200 },
    (_, i) => item({ key: `k${i}`, alert: `job:${i}`, detail: "long ".repeat(200) }),
  );
  const letter = message([many[0]!, ...many.slice(1)]);
  const [slack] = await sent((url) => ({ kind: "slack", url }), () => new Response("ok"), letter);
  assert.ok(slack!.body.blocks.length <= 50);
  const [teams] = await sent((url) => ({ kind: "teams", url }), () => new Response("1"), letter);
  assert.ok(teams!.request.body.length < 28_000, String(teams!.request.body.length));
  const [discord] = await sent((url) => ({ kind: "discord", url }), () => Response.json({ id: "1" }), letter);
  assert.ok(discord!.body.embeds[0].description.length <= 4096);
  const settings = (url: string) => ({ kind: "telegram", url, token: "1:a", chat_id: "1" });
  const [telegram] = await sent(settings, () => Response.json({ ok: true }), letter);
  assert.ok(telegram!.body.text.length <= 4096);
});
