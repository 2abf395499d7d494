/** What the doctor finds: key, way, permissions, limits, release. */
import assert from "node:assert/strict";
import { StateDirectory } from "../../src/lib/state.ts";
import { VpnConfig } from "../../src/vpn/config.ts";
import { Remembered } from "../../src/vpn/tenants.ts";
import { Vpn } from "../../src/vpn/vpn.ts";
import { FakeCloudConnexa, type FakeOptions } from "../support/cloudconnexa.ts";
import { STRICT } from "../support/cloudconnexa_limits.ts";
import { furnish, LeapingClock } from "./fixture.ts";

const NOW = "2026-01-05T10:00:00Z";
const DAY = 86_400_000;

async function examine(
  spoil: (tenant: FakeCloudConnexa, clock: LeapingClock) => void = () => {},
  given: Record<string, string> = {},
  options: FakeOptions = {},
): Promise<Record<string, [status: string, detail: string]>> {
  const clock = new LeapingClock(NOW);
  const tenant = new FakeCloudConnexa({ clock, ...options });
  furnish(tenant);
  const dir = await Deno.makeTempDir({ prefix: "holdfast-vpn-" });
  const { clientId, clientSecret } = tenant.door;
  const settings = VpnConfig.parse({
    cloud_id: "acme",
    client_id: clientId,
    client_secret: clientSecret,
    ...given,
  });
  try {
    const open = () =>
      new Vpn({
        settings,
        clock,
        fetch: tenant.fetch,
        memory: new StateDirectory(dir).file("vpn", Remembered),
      });
    await open().tenants.get(undefined);
    spoil(tenant, clock);
    const findings = await open().doctor.examine(undefined, new AbortController().signal);
    assert.ok(
      tenant.exchanges.every(({ method, path }) => method === "GET" || path.endsWith("/oauth/token")),
    );
    assert.ok(!JSON.stringify(findings).includes(clientSecret));
    return Object.fromEntries(findings.map(({ check, status, detail }) => [check, [status, detail]]));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a good tenant is found good: it answers, the release is probed, the limits are told", async () => {
  const found = await examine(undefined, {}, { limits: STRICT, version: "1.1.6" });
  assert.deepEqual(Object.entries(found).map(([check, [status]]) => [check, status]), [
    ["reachable", "ok"],
    ["key", "ok"],
    ["release", "ok"],
    ["permissions", "ok"],
    ["limits", "ok"],
  ]);
  assert.match(found.release?.[1] ?? "", /^1\.1\.6, found out/);
  assert.match(found.limits?.[1] ?? "", /of 20 left, 1 back every 15s/);
});

Deno.test("a refused key, missing permissions and an end that is near are said", async () => {
  const wrong = await examine((tenant) => tenant.door.clientSecret = "changed");
  assert.match(wrong.reachable?.join() ?? "", /^bad,.*API key was refused/);
  const off = await examine((tenant) => tenant.door.apiOff = true);
  assert.equal(off.reachable?.[0], "bad");
  const some = await examine((tenant) => tenant.door.mayNotRead.add("users"));
  assert.match(some.permissions?.join() ?? "", /^bad,the key may not read users$/);
  const soon = await examine(undefined, { key_expires_at: "2026-01-12" });
  assert.match(soon.key?.join() ?? "", /^warning,the API key ends in 6 days/);
  const ended = await examine(undefined, { key_expires_at: "2026-01-01" });
  assert.match(ended.key?.join() ?? "", /^bad,the API key ended on 2026-01-01/);
  const old = await examine((_, clock) => clock.advance(360 * DAY));
  assert.match(old.key?.join() ?? "", /^warning,first used here 360 days ago/);
});
