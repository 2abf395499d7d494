/** What time asks of the store. */
import type { StoreApp } from "./operations.ts";

/** Off the full hour, when backups start. */
export const jobs = [{
  name: "store-maintain",
  cron: "17 * * * *",
  run: async (app: StoreApp) => void await app.maintenance.run(),
}];
