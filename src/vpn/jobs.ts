/** What time asks of tenants. */
import type { VpnApp } from "./operations/common.ts";

export const jobs = [{
  name: "vpn-sync",
  cron: "*/10 * * * *",
  run: (app: VpnApp) => app.vpn.tick(),
}];
