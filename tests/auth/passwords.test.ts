import assert from "node:assert/strict";
import { DEFAULT_COST, Passwords } from "../../src/auth/passwords.ts";

const CHEAP = { ln: 4, r: 1, p: 1 };

Deno.test("a hash keeps its parameters and fits its password only", async () => {
  const passwords = new Passwords(CHEAP);
  const hash = await passwords.hash("long secret");
  assert.match(hash, /^\$scrypt\$ln=4,r=1,p=1\$/);
  assert.ok(!hash.includes("long"));
  assert.equal(await passwords.verify("long secret", hash), true);
  assert.equal(await passwords.verify("long secreT", hash), false);
  assert.notEqual(await passwords.hash("long secret"), hash);
});

Deno.test("a hash made with older parameters still fits, and is known to be outdated", async () => {
  const old = await new Passwords(CHEAP).hash("long secret");
  const passwords = new Passwords({ ln: 5, r: 1, p: 1 });
  assert.equal(await passwords.verify("long secret", old), true);
  assert.equal(passwords.isOutdated(old), true);
  assert.equal(passwords.isOutdated(await passwords.hash("long secret")), false);
});

Deno.test("the same password composed differently by a keyboard fits", async () => {
  const passwords = new Passwords(CHEAP);
  assert.equal(await passwords.verify("cafe\u0301 secret", await passwords.hash("caf\u00e9 secret")), true);
});

Deno.test("checking a name nobody has takes about as long as a wrong password", async () => {
  const passwords = new Passwords({ ln: 13, r: 8, p: 1 });
  const hash = await passwords.hash("long secret");
  const time = async (given: string | undefined) => {
    const started = performance.now();
    for (let i = 0; i < 3; i++) assert.equal(await passwords.verify("wrong one", given), false);
    return performance.now() - started;
  };
  await time(hash);
  const [known, unknown] = [await time(hash), await time(undefined)];
  // Far apart is what matters: without a decoy the quotient is beyond a thousand.
  assert.ok(known / unknown < 20 && unknown / known < 20, `${known} ms and ${unknown} ms`);
});

Deno.test("more checks at once than can wait are turned away, and the others are served", async () => {
  const passwords = new Passwords(CHEAP);
  const results = await Promise.allSettled(Array.from({ length: 80 }, () => passwords.hash("long secret")));
  const refused = results.filter((result) => result.status === "rejected");
  assert.equal(refused.length, 80 - 52);
  assert.equal(refused[0]?.reason.kind, "rate_limited");
  assert.match(await passwords.hash("long secret"), /^\$scrypt/);
});

Deno.test("the default cost is what OWASP recommends at 32 MiB", async () => {
  assert.deepEqual(DEFAULT_COST, { ln: 15, r: 8, p: 3 });
  assert.match(await new Passwords().hash("long secret"), /^\$scrypt\$ln=15,r=8,p=3\$/);
});
