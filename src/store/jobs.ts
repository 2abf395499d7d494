/** What time asks of the store. */
import type { StoreApp } from "./operations.ts";

export const jobs = [{
  name: "store-maintain",
  cron: "17 * * * *",
  run: async (app: StoreApp) => void await app.maintenance.run(),
}];
