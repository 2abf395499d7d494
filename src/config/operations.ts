/** What the ways in can ask about the configuration in force. */
import { z } from "zod";
import { operation } from "../lib/operation.ts";

/** What the operations need. */
export interface ConfigApp {
  /** Every setting in force by key; secrets as `***`. */
  settings: Record<string, string>;
}

const effective = operation({
  name: "config.effective",
  route: "GET /api/v1/config",
  role: "admin",
  summary: "Show the settings the daemon runs with",
  description: "Secrets are shown as ***.",
  input: z.strictObject({}),
  output: z.record(z.string(), z.string()),
  cli: { command: null },
  run: (app: ConfigApp) => app.settings,
});

export const operations = [effective];
