/** Settings of what backups may touch: section `backups`. */
import { z } from "zod";

export const BackupsConfig = z.strictObject({
  allow_commands: z.boolean().default(false).meta({
    description: "Let administrators set engines, hooks and checks that run commands on this host",
  }),
  allowed_roots: z.array(z.string().min(1)).default([]).meta({
    description:
      "Directories that sources, destinations and restore targets given over the network must lie in; empty allows none",
    path: true,
  }),
  trash_days: z.int().min(0).max(3650).default(0).meta({
    description:
      "Days that removed backups stay in the trash, where undelete finds them; 0 removes them at once",
  }),
});

export type BackupsConfig = z.output<typeof BackupsConfig>;
