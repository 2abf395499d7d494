/** What people and monitoring can ask about the daemon itself. */
import { z } from "zod";
import { EXIT_BAD_ANSWER } from "../lib/errors.ts";
import { operation } from "../lib/operation.ts";
import type { Health } from "./health.ts";

/** What the operations need. */
export interface TelemetryApp {
  health: Health;
}

const Status = z.enum(["ok", "degraded", "failed"]);

const HealthAnswer = z.object({
  status: Status.describe(
    "ok, degraded (works, but somebody should look), or failed (the database cannot be used)",
  ),
  version: z.string(),
  time: z.string(),
  checks: z.array(z.object({ name: z.string(), status: Status, detail: z.string() })),
}).meta({ id: "Health" });

const getHealth = operation({
  name: "health",
  route: "GET /api/v1/health",
  aliases: ["GET /v1/health"],
  role: "public",
  summary: "Show whether the daemon is well",
  description: "Needs no login and is never rate limited. Status 503 only when the database cannot be used.",
  input: z.strictObject({}),
  output: HealthAnswer,
  status: { of: (report) => report.status === "failed" ? 503 : 200 },
  exempt: true,
  cli: {
    rows: (report) => report.checks,
    columns: [{ key: "name", title: "CHECK" }, { key: "status" }, { key: "detail" }],
    exit: (report) => report.status === "ok" ? 0 : EXIT_BAD_ANSWER,
    examples: ["holdfast health", "curl -fsS 127.0.0.1:8420/api/v1/health"],
  },
  run: (app: TelemetryApp) => app.health.report(),
});

export const operations = [getHealth];
