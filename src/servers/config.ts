/** Settings of asking whether a server runs: section `servers`. */
import { z } from "zod";

/** How running checks are asked. */
export const ServersConfig = z.strictObject({
  check_timeout_seconds: z.int().min(1).max(300).default(5).meta({
    description: "How long a running check may take before the server counts as not running",
  }),
});

export type ServersConfig = z.output<typeof ServersConfig>;
