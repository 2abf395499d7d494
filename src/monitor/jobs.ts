/** What time asks of the monitor. */
import type { MonitorApp } from "./operations.ts";

export const jobs = [{
  name: "monitor-scan",
  cron: "* * * * *",
  run: (app: MonitorApp) => Promise.resolve(app.monitor.look()),
}, {
  name: "monitor-versions",
  cron: "41 3 * * *",
  run: (app: MonitorApp) => Promise.resolve(app.monitor.versions.begin()),
}, {
  name: "monitor-judge",
  cron: "* * * * *",
  run: (app: MonitorApp) => app.monitor.tick(),
}];
