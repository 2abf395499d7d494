/** What people can ask of Veeam servers. */
import type { Operation } from "../lib/operation.ts";
import type { VeeamApp } from "./operations/common.ts";
import * as jobs from "./operations/jobs.ts";
import * as others from "./operations/others.ts";
import { doctor, report, trust } from "./operations/report.ts";
import { type SyncApp, syncNow, syncStatus } from "./operations/sync.ts";

export type { VeeamApp };

export const operations: readonly Operation<VeeamApp & SyncApp>[] = [
  jobs.listJobs,
  jobs.getJob,
  jobs.jobSessions,
  jobs.jobRestorePoints,
  jobs.startJobOperation,
  jobs.stopJobOperation,
  jobs.retryJobOperation,
  jobs.enableJobOperation,
  jobs.disableJobOperation,
  jobs.watchJobsOperation,
  others.listSessions,
  others.getSession,
  others.followSessionOperation,
  others.failedTasks,
  others.listRepositories,
  others.listBackups,
  others.unprotectedObjects,
  others.listProxies,
  others.listManagedServers,
  others.showLicense,
  others.listMalware,
  others.bestPractices,
  others.configBackup,
  others.listTapes,
  others.tapeScript,
  report,
  doctor,
  others.coverage,
  trust,
  syncStatus,
  syncNow,
];
