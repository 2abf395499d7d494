/** What Prometheus and Grafana can be given. */
import { z } from "zod";
import { type Operation, operation } from "../lib/operation.ts";
import { dashboardText, rulesText } from "./prometheus.ts";

const Text = z.object({ text: z.string().describe("The file, ready to be used") });

export const metricsRules = operation({
  name: "metrics.rules",
  route: "GET /api/v1/metrics/rules",
  role: "user",
  scope: "own",
  summary: "Print example alert rules for Prometheus",
  description: "The scrape job is taken to be called holdfast.",
  input: z.strictObject({}),
  output: Text,
  detached: true,
  cli: {
    text: ({ text }) => text,
    examples: ["holdfast metrics rules > /etc/prometheus/holdfast.rules.yml"],
  },
  run: () => ({ text: rulesText() }),
});

export const metricsDashboard = operation({
  name: "metrics.dashboard",
  route: "GET /api/v1/metrics/dashboard",
  role: "user",
  scope: "own",
  summary: "Print a dashboard for Grafana",
  input: z.strictObject({}),
  output: Text,
  detached: true,
  cli: { text: ({ text }) => text, examples: ["holdfast metrics dashboard > holdfast.json"] },
  run: () => ({ text: dashboardText() }),
});

export const prometheusOperations: readonly Operation[] = [metricsRules, metricsDashboard];
