/** Streams and who may go on reading them; connections of which nobody knows whose they are. */
import assert from "node:assert/strict";
import { Strangers } from "../../src/api/websocket.ts";
import { HoldfastError } from "../../src/lib/errors.ts";
import { testApp } from "../support/app.ts";
import { FakeTime } from "./fake_time.ts";
import { problemOf } from "./problem.ts";

const EVENTS = "/api/v1/backup-scheduler/events";
const BEATS_UNTIL_RECHECK = 4;

/** What a stream still says; ends with it. */
async function restOf(answer: Response, time: FakeTime): Promise<string> {
  assert.equal(answer.status, 200);
  const text = answer.text();
  for (let i = 0; i < BEATS_UNTIL_RECHECK; i++) time.tick();
  return await text;
}

Deno.test("a stream of events ends for a user who was disabled, and for one whose rights changed", async () => {
  using time = new FakeTime();
  await using t = await testApp();
  const { id: one } = await t.local("POST", "/api/v1/servers", { name: "web-1", host: "127.0.0.1" });
  const { id: other } = await t.local("POST", "/api/v1/servers", { name: "web-2", host: "127.0.0.1" });
  for (const [what, code] of [["servers", "rights_changed"], ["disable", "token_invalid"]] as const) {
    const token = await t.tokenFor("user", [one]);
    const me = await (await t.request("GET", "/api/v1/auth/me", { token })).json();
    const answer = await t.request("GET", EVENTS, { token });
    if (what === "disable") await t.local("POST", `/api/v1/users/${me.id}/disable`);
    else await t.local("PUT", `/api/v1/users/${me.id}/servers`, { servers: [other] });
    const [hello, error] = [...(await restOf(answer, time)).matchAll(/^event: (\w+)\ndata: (.*)$/gm)];
    assert.equal(hello?.[1], "hello");
    assert.equal(error?.[1], "error");
    assert.match(error?.[2] ?? "", new RegExp(`"status":401.*"code":"${code}"`));
  }
});

Deno.test("a handshake without its headers is refused with the reason", async () => {
  await using t = await testApp();
  const headers = { upgrade: "websocket", connection: "upgrade" };
  const token = await t.keyFor("user");
  const answer = await t.request("GET", "/api/v1/backup-scheduler/ws", { token, headers });
  assert.match((await problemOf(answer, 400)).detail, /^Cannot open the WebSocket: /);
});

Deno.test("few connections wait for their token, and fewer of one address", () => {
  const strangers = new Strangers();
  const tooMany = (error: unknown) => error instanceof HoldfastError && error.kind === "rate_limited";
  const leave = Array.from({ length: 4 }, () => strangers.enter("192.0.2.1"));
  assert.throws(() => strangers.enter("192.0.2.1"), tooMany);
  for (let i = 0; i < 12; i++) strangers.enter(`198.51.100.${i}`);
  assert.throws(() => strangers.enter("203.0.113.1"), tooMany);
  leave[0]?.();
  leave[0]?.();
  strangers.enter("192.0.2.1");
  assert.throws(() => strangers.enter("192.0.2.1"), tooMany);
});
