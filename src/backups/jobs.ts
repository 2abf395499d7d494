/** What time asks of the catalogue. */
import type { BackupsApp } from "./operations.ts";

export const jobs = [{
  name: "backups-trash",
  cron: "23 * * * *",
  run: async (app: BackupsApp) => void await app.backups.expireTrash(),
}];
