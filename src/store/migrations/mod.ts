/** Every migration, in order. Append only: a released one is never edited. */
import type { Migration } from "kysely/migration";
import * as frame from "./0001_frame.ts";
import * as backupOptions from "./0002_backup_options.ts";
import * as notify from "./0003_notify.ts";
import * as policies from "./0004_policies.ts";
import * as backupCare from "./0005_backup_care.ts";
import * as openInstants from "./0011_open_instants.ts";
import * as monitor from "./0012_monitor.ts";
import * as veeam from "./0013_veeam.ts";
import * as network from "./0014_network.ts";
import * as vpn from "./0015_vpn.ts";
import * as expectedVeeam from "./0016_expected_veeam.ts";
import * as runDays from "./0017_run_days.ts";
import * as countedPings from "./0018_counted_pings.ts";

export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001_frame": frame,
  "0002_backup_options": backupOptions,
  "0003_notify": notify,
  "0004_policies": policies,
  "0005_backup_care": backupCare,
  "0011_open_instants": openInstants,
  "0012_monitor": monitor,
  "0013_veeam": veeam,
  "0014_network": network,
  "0015_vpn": vpn,
  "0016_expected_veeam": expectedVeeam,
  "0017_run_days": runDays,
  "0018_counted_pings": countedPings,
};
