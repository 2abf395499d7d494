/** An API whose one operation takes as long as a test wants: `backups.verify`, as it is stated, with other work. */
import { createApi } from "../../src/api/app.ts";
import type { ApiFetch } from "../../src/api/app.ts";
import type { BackupVerification } from "../../src/backups/model.ts";
import { verifyBackup } from "../../src/backups/operations.ts";
import type { BackupsApp } from "../../src/backups/operations.ts";
import { localIdentity } from "../../src/lib/caller.ts";
import type { Caller, Kernel, Operation } from "../../src/lib/operation.ts";
import { Metrics } from "../../src/telemetry/mod.ts";
import { FakeClock } from "./clock.ts";

/** What the work ends with. */
export const VERIFIED: BackupVerification = {
  backup_id: "3f9c01ab",
  name: "nightly",
  path: "/srv/backups/nightly.tar.zst",
  ok: true,
  problems: [],
  size_bytes: 1024,
  sha256: null,
  item_count: 3,
  verified_at: "2026-01-02T02:00:00.000Z",
};

export const PATH = "/api/v1/backups/3f9c01ab/verify";

/** Half of the work. */
export const HALF = { phase: "verify", done_bytes: 512, total_bytes: 1024, done_items: 1 };

/** The operation, the kernel it runs in, and both as an API. */
export function longWork(
  work: (caller: Caller) => Promise<BackupVerification>,
): { op: Operation; kernel: Kernel<unknown>; api: ApiFetch } {
  const op: Operation<BackupsApp> = { ...verifyBackup, run: (_app, _input, caller) => work(caller) };
  const kernel = { app: {}, audit: () => Promise.resolve() };
  const api = createApi({
    kernel,
    operations: [op],
    authenticate: () => Promise.resolve(localIdentity("ada")),
    metrics: new Metrics("test"),
    clock: new FakeClock(0),
    settings: {
      max_body_bytes: 1024,
      rate_per_minute: 1000,
      rate_burst: 1000,
      cors_origins: [],
      trusted_proxies: [],
      metrics_public: false,
    },
  });
  return { op, kernel, api };
}

/** Work that tells once how far it is and goes on until somebody ends it; `ended` tells that somebody did. */
export function endlessWork(): { work: (caller: Caller) => Promise<never>; ended: Promise<unknown> } {
  const end = Promise.withResolvers<unknown>();
  return {
    ended: end.promise,
    work: ({ signal, report }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          end.resolve(signal.reason);
          reject(signal.reason);
        });
        report?.(HALF);
      }),
  };
}
