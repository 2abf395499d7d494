/** The rate of requests: per caller, with a burst, and nothing a caller says about itself changes it. */
import assert from "node:assert/strict";
import { SOCKET, type TestApp, testApp } from "../support/app.ts";
import { FakeClock } from "../support/clock.ts";
import { problemOf } from "./problem.ts";

const START = "2030-01-06T10:30:00.000Z";
const LIMITED = { "api.rate_per_minute": "60", "api.rate_burst": "5" };
const SERVERS = "/api/v1/servers";

type Options = Parameters<TestApp["request"]>[2];

/** Statuses of as many requests, one after the other. */
async function statuses(t: TestApp, count: number, options: Options, path = SERVERS): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < count; i++) {
    const answer = await t.request("GET", path, options);
    await answer.body?.cancel();
    found.push(answer.status);
  }
  return found;
}

function from(address: string): Options {
  return { peer: { via: "tcp", address } };
}

Deno.test("a caller has a burst and then the rate, with the seconds to wait", async () => {
  const clock = new FakeClock(START);
  await using t = await testApp(LIMITED, clock);
  const token = await t.keyFor("user");
  assert.deepEqual(await statuses(t, 6, { token }), [200, 200, 200, 200, 200, 429]);
  const answer = await t.request("GET", SERVERS, { token });
  assert.equal(answer.headers.get("retry-after"), "1");
  const problem = await problemOf(answer, 429);
  assert.equal(problem.code, "rate_limited");
  assert.match(problem.detail, /60 requests a minute/);
  clock.advance(2000);
  assert.deepEqual(await statuses(t, 3, { token }), [200, 200, 429]);
  clock.advance(3_600_000);
  assert.deepEqual(await statuses(t, 6, { token }), [200, 200, 200, 200, 200, 429]);
});

Deno.test("callers are limited one by one, wherever they come from", async () => {
  await using t = await testApp(LIMITED, new FakeClock(START));
  const [one, two] = [await t.keyFor("user"), await t.keyFor("user")];
  await statuses(t, 5, { token: one });
  assert.deepEqual(await statuses(t, 1, { ...from("198.51.100.1"), token: one }), [429]);
  assert.deepEqual(await statuses(t, 1, { token: two }), [200]);
  assert.deepEqual(await statuses(t, 1, { headers: { "x-api-key": one } }), [429]);
});

Deno.test("nobody is limited by address", async () => {
  await using t = await testApp(LIMITED, new FakeClock(START));
  assert.deepEqual(await statuses(t, 6, from("192.0.2.1")), [401, 401, 401, 401, 401, 429]);
  assert.deepEqual(await statuses(t, 1, from("192.0.2.2")), [401]);
});

Deno.test("wrong keys and tokens are limited by address, and good ones beside them are not", async () => {
  await using t = await testApp(LIMITED, new FakeClock(START));
  const token = await t.keyFor("user");
  const guesses = ["hf_00000000_" + "a".repeat(43), "eyJhbGciOiJub25lIn0.e30.", "x", "Basic"];
  const found: number[] = [];
  for (let i = 0; i < 6; i++) found.push(...await statuses(t, 1, { token: guesses[i % guesses.length] }));
  assert.deepEqual(found, [401, 401, 401, 401, 401, 429]);
  assert.deepEqual(await statuses(t, 1, { headers: { "x-api-key": "guess" } }), [429]);
  assert.deepEqual(await statuses(t, 1, { token }), [200]);
});

Deno.test("what a client says of its address counts only from a trusted proxy", async () => {
  const spoof = (i: number) => ({ "x-forwarded-for": `198.51.100.${i}`, "x-real-ip": `198.51.100.${i}` });
  for (const settings of [LIMITED, { ...LIMITED, "api.trusted_proxies": "10.0.0.0/8" }]) {
    await using t = await testApp(settings, new FakeClock(START));
    for (let i = 1; i <= 5; i++) await statuses(t, 1, { ...from("192.0.2.1"), headers: spoof(i) });
    assert.deepEqual(await statuses(t, 1, { ...from("192.0.2.1"), headers: spoof(6) }), [429]);
  }
  await using t = await testApp(
    { ...LIMITED, "api.trusted_proxies": "10.0.0.0/8,::1" },
    new FakeClock(START),
  );
  const through = (forwarded: string, proxy = "10.0.0.1") => ({
    ...from(proxy),
    headers: { "x-forwarded-for": forwarded },
  });
  await statuses(t, 5, through("198.51.100.1"));
  // What stands left of the nearest untrusted hop is what the client itself sent.
  assert.deepEqual(await statuses(t, 1, through("203.0.113.9, 198.51.100.1")), [429]);
  assert.deepEqual(await statuses(t, 1, through("198.51.100.1, 10.0.0.2", "::1")), [429]);
  assert.deepEqual(await statuses(t, 1, through("198.51.100.2")), [401]);
  assert.deepEqual(await statuses(t, 1, through("198.51.100.1", "::ffff:10.0.0.3")), [429]);
});

Deno.test("health, metrics and callers on the socket are never limited", async () => {
  await using t = await testApp(LIMITED, new FakeClock(START));
  const token = await t.keyFor("user");
  await statuses(t, 6, { token });
  for (const path of ["/api/v1/health", "/v1/health"]) {
    assert.deepEqual(new Set(await statuses(t, 20, from("192.0.2.1"), path)), new Set([200]));
    assert.deepEqual(new Set(await statuses(t, 20, { token: "wrong" }, path)), new Set([200]));
  }
  assert.deepEqual(new Set(await statuses(t, 20, { token }, "/metrics")), new Set([200]));
  assert.deepEqual(new Set(await statuses(t, 20, { peer: SOCKET })), new Set([200]));
});

Deno.test("the limit on an address is the one of its whole IPv6 network", async () => {
  await using t = await testApp(LIMITED, new FakeClock(START));
  for (let i = 1; i <= 5; i++) await statuses(t, 1, from(`2001:db8::${i}`));
  assert.deepEqual(await statuses(t, 1, from("2001:db8::ffff")), [429]);
  assert.deepEqual(await statuses(t, 1, from("2001:db8:0:1::1")), [401]);
});
