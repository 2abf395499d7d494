/** Rows about Veeam servers; the fake one has a job "Daily VMs". */
import { fakeId, KIND } from "../../support/veeam/model.ts";
import type { Input, Row, Rows } from "../row.ts";

const reading = (input: Input = {}): Row => ({ role: "operator", limited: "free", input: () => input });
const acting = (role: "operator" | "admin", input: Input): Row => ({
  role,
  limited: role === "admin" ? "never" : "free",
  input: () => input,
});
const session = { session: fakeId(KIND.session, 1) };

export const veeamRows: Rows = {
  "veeam.jobs.list": reading(),
  "veeam.jobs.get": reading({ job: "Daily VMs" }),
  "veeam.jobs.sessions": reading({ job: "Daily VMs" }),
  "veeam.jobs.restore-points": reading({ job: "Daily VMs" }),
  "veeam.jobs.start": acting("operator", { job: "Job 0004", full: false }),
  "veeam.jobs.stop": acting("operator", { job: "Job 0004" }),
  "veeam.jobs.retry": acting("operator", { job: "Job 0005" }),
  "veeam.jobs.enable": acting("admin", { job: "Daily VMs" }),
  "veeam.jobs.disable": acting("admin", { job: "Daily VMs" }),
  "veeam.jobs.watch": reading({ rounds: 1 }),
  "veeam.sessions.list": reading(),
  "veeam.sessions.get": reading(session),
  "veeam.sessions.follow": reading(session),
  "veeam.tasks.failed": reading(),
  "veeam.repos.list": reading(),
  "veeam.backups.list": reading(),
  "veeam.objects.unprotected": reading({ days: 2 }),
  "veeam.proxies.list": reading(),
  "veeam.servers.list": reading(),
  "veeam.license": reading(),
  "veeam.malware": reading(),
  "veeam.best-practices": reading(),
  "veeam.config-backup": reading(),
  "veeam.tapes.list": reading(),
  "veeam.tapes.script": reading(),
  "veeam.report": reading(),
  "veeam.doctor": reading(),
  "veeam.coverage": reading(),
  "veeam.status": reading(),
  "veeam.sync": acting("operator", {}),
  "veeam.trust": acting("admin", { forget_revision: true }),
};
