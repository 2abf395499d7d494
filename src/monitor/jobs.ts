/** What time asks of the monitor. */
import type { MonitorApp } from "./operations.ts";

export const jobs = [{
  name: "monitor-scan",
  cron: "* * * * *",
  run: (app: MonitorApp) => Promise.resolve(app.monitor.scanner.tick()),
}, {
  name: "monitor-judge",
  cron: "* * * * *",
  run: (app: MonitorApp) => app.monitor.tick(),
}];
