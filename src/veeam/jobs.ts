/** What time asks of Veeam servers. */
import type { SyncApp } from "./operations/sync.ts";

export const jobs = [{
  name: "veeam-sync",
  cron: "* * * * *",
  run: (app: SyncApp) => app.veeamSync.tick(),
}];
