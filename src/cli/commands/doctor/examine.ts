/** All checks, in the order in which one would mend things. */
import type { Session } from "../../session.ts";
import { examineConfig } from "./config.ts";
import type { Line } from "./line.ts";

/** Looks at everything. Never throws for what is wrong with the host. */
export async function examine(session: Session): Promise<Line[]> {
  const { lines } = await examineConfig(session.options);
  return lines;
}
