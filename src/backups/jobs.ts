/** What time asks of the catalogue. What takes long is only begun: a stop must not wait for it. */
import type { BackupsApp } from "./operations.ts";

export const jobs = [{
  name: "backups-trash",
  cron: "23 * * * *",
  run: async (app: BackupsApp) => void await app.backups.expireTrash(),
}, {
  name: "backups-reconcile",
  cron: "*/15 * * * *",
  run: (app: BackupsApp) => Promise.resolve(void app.backups.begin("reconcile")),
}, {
  name: "backups-reverify",
  cron: "37 * * * *",
  run: (app: BackupsApp) => Promise.resolve(void app.backups.begin("reverify")),
}, {
  name: "backups-prove",
  cron: "7 * * * *",
  run: (app: BackupsApp) => Promise.resolve(void app.backups.begin("prove")),
}];
