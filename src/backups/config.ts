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
  scratch_dir: z.string().min(1).meta({
    description:
      "Directory where backups are restored for a test, and wait on their way to or from elsewhere; needs room for the largest",
    path: true,
    example: "/var/lib/holdfast/scratch",
    computed: "<data_dir>/scratch",
  }),
  reverify_days: z.int().min(0).max(3650).default(30).meta({
    description: "Days after which each artifact is read again and compared; 0 never does",
  }),
  reverify_bytes_per_second: z.int().min(0).default(20 * 1024 * 1024).meta({
    description: "Most that reading them again takes from a disk; 0 sets no limit",
  }),
  reverify_remote: z.boolean().default(false).meta({
    description: "Also read those again that are not on this host, which may cost traffic",
  }),
  trash_days: z.int().min(0).max(3650).default(0).meta({
    description:
      "Days that removed backups stay in the trash, where undelete finds them; 0 removes them at once",
  }),
});

export type BackupsConfig = z.output<typeof BackupsConfig>;
