/** What people and programs can ask of the monitor. */
import type { Operation } from "../lib/operation.ts";
import { findingOperations } from "./finding_operations.ts";
import { jobOperations } from "./job_operations.ts";
import { pingOperations } from "./ping_operations.ts";
import { prometheusOperations } from "./prometheus_operations.ts";
import { scanOperations } from "./scan/operations.ts";

export type { MonitorApp } from "./job_operations.ts";

export const operations: readonly Operation[] = [
  ...jobOperations,
  ...pingOperations,
  ...findingOperations,
  ...prometheusOperations,
  ...scanOperations,
];
