/** What the program says about itself: log lines, metrics, health. Knows no slice. */
export * from "./health.ts";
export * from "./log.ts";
export * from "./metrics.ts";
