/** With whose rights something runs later: those of whoever set it. */
import { z } from "zod";
import { ROLES } from "./operation.ts";

/** A role, and whether the person was on this host (`Caller.on_host`). */
export const Authority = z.object({ role: z.enum(ROLES), on_host: z.boolean() });
export type Authority = z.output<typeof Authority>;
