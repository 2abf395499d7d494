/** A large tenant: as many groups, users and devices as the largest customers are known to have. */
import type { Clock } from "../../src/lib/clock.ts";
import { FakeCloudConnexa } from "../support/cloudconnexa.ts";
import type { BucketSettings } from "../support/cloudconnexa_limits.ts";

export const [GROUPS, USERS, DEVICES] = [1000, 5000, 2000];

/** Past the rules, which look through all of it at each step. */
export function large(clock: Clock, limits: BucketSettings): FakeCloudConnexa {
  const tenant = new FakeCloudConnexa({ clock, limits });
  const show = tenant.show.bind(tenant);
  // Devices inside users are looked for in all devices; nobody here reads them there.
  tenant.show = (kind, thing) => kind === "users" ? { ...thing } : show(kind, thing);
  const { store } = tenant;
  const groups = Array.from(
    { length: GROUPS },
    (_, i) =>
      store.add("user-groups", {
        name: `group ${i}`,
        allRegionsIncluded: true,
        vpnRegionIds: [],
        gatewaysIds: [],
      }),
  );
  const users = Array.from({ length: USERS }, (_, i) =>
    store.add("users", {
      username: `user${i}@example.org`,
      email: `user${i}@example.org`,
      groupId: groups[i % GROUPS]!.id,
      role: "MEMBER",
      status: "ACTIVE",
    }));
  for (let i = 0; i < DEVICES; i++) store.add("devices", { name: `device ${i}`, userId: users[i]!.id });
  for (let i = 0; i < 50; i++) {
    tenant.create("networks", { name: `network ${i}`, routes: [{ value: `10.${i}.0.0/16` }] });
  }
  return tenant;
}
