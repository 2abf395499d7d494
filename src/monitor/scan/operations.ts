/** What people can ask of the scanner and of kept versions. */
import { z } from "zod";
import { EXIT_BAD_ANSWER } from "../../lib/errors.ts";
import { operation } from "../../lib/operation.ts";
import type { MonitorApp } from "../job_operations.ts";
import { Ref } from "../refs.ts";
import { KeptVersion, PrunedVersions, PruneVersions, VersionFilter } from "../versions/model.ts";
import { ScanResult } from "./result.ts";
import { scanText } from "./text.ts";

export const scanDeposit = operation({
  name: "monitor.scan",
  route: "POST /api/v1/monitor/scan",
  role: "operator",
  summary: "Look at the deposit now, and judge all that is there",
  description:
    "Waits up to a minute for files that are being written. A report that cannot be read is tried again by later scans for ten minutes, then refused. What a scan finds wrong is told by monitor check and monitor findings; the command itself ends with 0.",
  input: z.strictObject({}),
  output: ScanResult,
  cli: { text: scanText, examples: ["holdfast monitor scan", "holdfast monitor scan --output json"] },
  run: (app: MonitorApp, _, caller) => app.monitor.scan(caller.signal),
});

export const listVersions = operation({
  name: "monitor.versions.list",
  route: "GET /api/v1/monitor/versions",
  role: "operator",
  summary: "List the kept versions of good files, the newest first",
  input: VersionFilter,
  output: z.array(KeptVersion),
  cli: {
    columns: [
      { key: "entry_id", title: "entry" },
      { key: "job_name", title: "job" },
      { key: "due_at", title: "due", format: "instant" },
      { key: "size_bytes", title: "size", format: "bytes", align: "right" },
      { key: "path" },
    ],
    examples: ["holdfast monitor versions list --job-id 3", "holdfast monitor versions list --trashed"],
  },
  run: (app: MonitorApp, input) => app.monitor.versions.list(input),
});

export const pruneVersions = operation({
  name: "monitor.versions.prune",
  route: "POST /api/v1/monitor/versions/prune",
  role: "operator",
  summary: "Say which kept versions jobs no longer want, and move them to the trash with --apply",
  description:
    "What a job keeps is set by its keep_versions and keep_days; without them everything. The newest version always stays. The daemon does the same once a day. The command ends with 20 when something could not be moved.",
  input: PruneVersions,
  output: PrunedVersions,
  cli: {
    rows: (done) => done.decisions,
    columns: [
      { key: "entry_id", title: "entry" },
      { key: "job_name", title: "job" },
      { key: "due_at", title: "due", format: "instant" },
      { key: "size_bytes", title: "size", format: "bytes", align: "right" },
      { key: "keep", format: "boolean" },
      { key: "reason" },
    ],
    exit: (done) => done.problems.length === 0 ? 0 : EXIT_BAD_ANSWER,
    examples: ["holdfast monitor versions prune", "holdfast monitor versions prune --job-id 3 --apply"],
  },
  run: (app: MonitorApp, input, caller) => app.monitor.versions.prune(input, caller),
});

export const undeleteVersion = operation({
  name: "monitor.versions.undelete",
  route: "POST /api/v1/monitor/versions/{entry}/undelete",
  role: "operator",
  summary: "Take a kept version out of the trash",
  input: z.strictObject({ entry: Ref.describe("Id of the entry it is the backup of") }),
  output: KeptVersion,
  cli: {
    args: ["entry"],
    text: (version) => `${version.path} is out of the trash`,
    examples: ["holdfast monitor versions undelete 17"],
  },
  run: (app: MonitorApp, { entry }, caller) => app.monitor.versions.undelete(entry, caller),
});

/** Of the scanner and the versions. */
export const scanOperations = [scanDeposit, listVersions, pruneVersions, undeleteVersion];
