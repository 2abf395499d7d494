/** What the application offers, as a type: `app.ts` constructs it, the rest of the frame uses it. */
import type { Auth } from "./auth/mod.ts";
import type { Backups } from "./backups/mod.ts";
import type { Monitor } from "./monitor/mod.ts";
import type { Network } from "./network/mod.ts";
import type { Notify } from "./notify/mod.ts";
import type { Schedules } from "./schedules/mod.ts";
import type { Servers } from "./servers/mod.ts";
import type { Maintenance } from "./store/mod.ts";
import type { Health } from "./telemetry/mod.ts";
import type { VeeamOne } from "./veeam-one/mod.ts";
import type { Vpn } from "./vpn/mod.ts";
import type { Veeam, VeeamSync } from "./veeam/mod.ts";

/** The services, by the names operations use. */
export interface Services {
  readonly auth: Auth;
  readonly servers: Servers;
  readonly backups: Backups;
  readonly schedules: Schedules;
  readonly notify: Notify;
  readonly veeamOne: VeeamOne;
  readonly monitor: Monitor;
  readonly network: Network;
  readonly vpn: Vpn;
  readonly veeam: Veeam;
  readonly veeamSync: VeeamSync;
  readonly maintenance: Maintenance;
  readonly health: Health;
  /** Every setting in force by key; secrets as `***`. */
  readonly settings: Record<string, string>;
}
