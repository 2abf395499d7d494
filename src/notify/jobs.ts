/** What time asks of notify. */
import type { Health } from "../telemetry/mod.ts";
import type { NotifyApp } from "./operations.ts";

export const jobs = [{
  name: "notify-deliver",
  cron: "* * * * *",
  run: (app: NotifyApp) => app.notify.tick(),
}, {
  name: "notify-heartbeat",
  cron: "* * * * *",
  run: (app: NotifyApp & { health: Health }) =>
    app.notify.heartbeat.beat(async () => (await app.health.report()).status !== "failed"),
}];
