/** What time asks of schedules. */
import type { SchedulesApp } from "./operations.ts";

export const jobs = [{
  name: "schedules-dispatch",
  cron: "* * * * *",
  run: async (app: SchedulesApp) => void await app.schedules.tick(),
}];
