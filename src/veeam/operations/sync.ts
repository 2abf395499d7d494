/** What the daemon keeps of Veeam servers. */
import { z } from "zod";
import { operation } from "../../lib/operation.ts";
import { SyncResult, SyncState } from "../model.ts";
import type { Sync } from "../sync.ts";
import { BASE, flags, some } from "./common.ts";

/** What these operations need of the app. */
export interface SyncApp {
  veeamSync: Sync;
}

export const syncStatus = operation({
  name: "veeam.status",
  route: `GET ${BASE}/status`,
  role: "operator",
  summary: "Show when each Veeam server was last read into the store, and why not",
  input: z.strictObject({}),
  output: z.array(SyncState),
  cli: {
    columns: [
      { key: "server" },
      { key: "revision" },
      { key: "build" },
      { key: "synced_at", title: "read", format: "instant" },
      { key: "age_seconds", title: "age", format: "duration" },
      { key: "sessions", align: "right" },
      { key: "points", align: "right" },
      { key: "error" },
    ],
    examples: ["holdfast veeam status"],
  },
  run: (app: SyncApp) => app.veeamSync.state(),
});

export const syncNow = operation({
  name: "veeam.sync",
  route: `POST ${BASE}/sync`,
  role: "operator",
  summary: "Read Veeam servers into the store now",
  description: "The daemon does so by itself: see veeam.sync_every_seconds.",
  input: z.strictObject(some),
  output: z.array(SyncResult),
  cli: {
    flags,
    columns: [
      { key: "server" },
      { key: "jobs", align: "right" },
      { key: "sessions", align: "right" },
      { key: "points", align: "right" },
      { key: "changes", align: "right" },
      { key: "took_ms", title: "took ms", align: "right" },
    ],
    examples: ["holdfast veeam sync"],
  },
  run: (app: SyncApp, input) => app.veeamSync.run(input),
});
