/** What time asks of the network: each minute, whether a router is due for its check. */
import type { NetworkApp } from "./shared.ts";

export const jobs = [{
  name: "network-drift",
  cron: "* * * * *",
  run: (app: NetworkApp) => app.network.tick(),
}];
