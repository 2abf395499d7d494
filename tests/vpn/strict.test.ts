/** A large tenant under the strictest limits that are known, in fake time: nothing fails, nothing waits longer than it must. */
import assert from "node:assert/strict";
import { STRICT } from "../support/cloudconnexa_limits.ts";
import { filesOf } from "../../src/vpn/files.ts";
import { readTenant } from "../../src/vpn/reader.ts";
import { clientOf, LeapingClock } from "./fixture.ts";
import { DEVICES, GROUPS, large, USERS } from "./large.ts";

Deno.test("1,000 groups, 5,000 users and 2,000 devices are exported with no failed call, in the time the limit demands", async () => {
  const clock = new LeapingClock("2026-01-05T10:00:00Z");
  const tenant = large(clock, STRICT);
  const client = clientOf(tenant, { clock });
  const start = clock.now();
  const files = filesOf(await readTenant(client, {}), false);
  assert.equal(files.get("users.yaml")!.match(/^- /gm)?.length, USERS + 1);
  assert.equal(files.get("users.yaml")!.match(/^ +devices:/gm)?.length, DEVICES);
  assert.ok(tenant.exchanges.every(({ status }) => status === 200));
  // One page of 1,000 where there is anything or nothing, a call per setting.
  const pages = (count: number) => Math.max(1, Math.ceil(count / 1000));
  const kinds = pages(USERS + 1) + pages(GROUPS + 1) + pages(DEVICES) + 2 + 4 + 4;
  const least = kinds + tenant.settings.size;
  assert.ok(tenant.calls <= least * 1.05, `${tenant.calls} calls, ${least} are the least there can be`);
  const demanded = (tenant.calls - STRICT.capacity) * STRICT.period_seconds * 1000;
  const took = clock.now() - start;
  assert.ok(took <= demanded * 1.01, `took ${took} ms, the limit demands ${demanded} ms`);
  console.log(`${tenant.calls} calls (least ${least}), ${Math.round(took / 1000)} s of fake time`);
});
