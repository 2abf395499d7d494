/** Rows about expected backups, what became of them, and what is wrong. */
import { join } from "node:path";
import { systemCaller } from "../../../src/lib/caller.ts";
import type { World } from "../../support/world.ts";
import type { Rows } from "../row.ts";

const AGENT = "ACME_PARIS_NORTH";

const nothing = () => ({});

/** An expected backup of its own. */
async function job(world: World, fields: object = {}): Promise<{ id: number; ping_id: string }> {
  return await world.local("POST", "/api/v1/jobs/", {
    database_name: world.fresh("shop"),
    way: "ping",
    expected_hour_utc: 13,
    backup_frequency: "daily",
    ...fields,
  });
}

/** An entry and a finding: a ping of failure just at the due instant. */
async function failed(world: World): Promise<{ job: number; entry: number; finding: number }> {
  const { id, ping_id } = await job(world, { cron_expression: "* * * * *" });
  const answer = await world.request("POST", `/api/v1/ping/${ping_id}/fail`);
  await answer.body?.cancel();
  await world.app.services.monitor.pings.idle();
  const [entry] = await world.local("GET", `/api/v1/entries/by_job/${id}`);
  const [finding] = await world.local("GET", `/api/v1/monitor/findings?job_id=${id}`);
  return { job: id, entry: entry.id, finding: finding.id };
}

/** A finding that people can get used to: a plain file that is empty. */
async function tooSmall(world: World): Promise<number> {
  const fields = { way: "file", agent_deposit_path_template: "crm.dump", cron_expression: "* * * * *" };
  const { id } = await job(world, fields);
  const { judgement } = world.app.services.monitor;
  const expected = (await judgement.expectedFiles()).find((one) => one.job_id === id)!;
  const found = {
    path: "/srv/crm.dump",
    size_bytes: 0,
    modified_at: expected.due_at,
    sha256: "0".repeat(64),
  };
  await judgement.judgeFile(expected, [{ state: "present", ...found, side_file_sha256: null }]);
  const [finding] = await world.local("GET", `/api/v1/monitor/findings?job_id=${id}`);
  return finding.id;
}

/** A version in the trash: of two that are kept, the job wants one. */
async function trashed(world: World): Promise<{ entry: number }> {
  const fields = {
    way: "file",
    agent_deposit_path_template: "crm.dump",
    cron_expression: "* * * * *",
    keep_versions: 1,
  };
  const { id } = await job(world, fields);
  const { judgement, versions } = world.app.services.monitor;
  const open = (await judgement.expectedFiles()).filter((one) => one.job_id === id).slice(0, 2);
  for (const [at, expected] of open.entries()) {
    const path = join(world.files, "kept", `${id}-${at}`);
    await Deno.writeTextFile(path, String(at));
    const known = { path, size_bytes: 1, modified_at: expected.due_at, sha256: String(at).repeat(64) };
    const verdict = await judgement.judgeFile(expected, [{
      state: "present",
      ...known,
      side_file_sha256: null,
    }]);
    await judgement.promoted(verdict!.entry_id!, path, expected.due_at);
  }
  const done = await versions.prune({ job_id: id, apply: true }, systemCaller("test"));
  return { entry: done.trashed[0]! };
}

const oneJob = async (world: World) => ({ job: (await job(world)).id });
const oneFinding = async (world: World) => ({ finding: (await failed(world)).finding });

export const monitorRows: Rows = {
  "monitor.jobs.list": { role: "operator", limited: "free", input: nothing },
  "monitor.jobs.create": {
    role: "operator",
    limited: "free",
    input: (world) => ({
      database_name: world.fresh("shop"),
      agent_id_responsible: AGENT,
      company_name: "ACME",
      city: "PARIS",
      expected_hour_utc: 13,
      expected_minute_utc: 0,
      backup_frequency: "daily",
      final_storage_path_template: "{company_name}/{city}/{year}/{database_name}",
    }),
  },
  "monitor.jobs.get": { role: "operator", limited: "free", input: oneJob },
  "monitor.jobs.update": {
    role: "operator",
    limited: "free",
    input: async (world) => ({ ...await oneJob(world), expected_hour_utc: 20 }),
  },
  "monitor.jobs.delete": { role: "operator", limited: "free", input: oneJob },
  "monitor.entries.list": { role: "operator", limited: "free", input: nothing },
  "monitor.entries.get": {
    role: "operator",
    limited: "free",
    input: async (world) => ({ entry: (await failed(world)).entry }),
  },
  "monitor.entries.job": { role: "operator", limited: "free", input: oneJob },
  "monitor.entries.report": {
    role: "user",
    limited: "free",
    // A key speaks for the agent it is named after.
    async as(world) {
      const { key } = await world.local("POST", "/api/v1/api-keys", { name: AGENT, role: "user" });
      return String(key);
    },
    input: () => ({
      agent_id: AGENT,
      operation_start_time: "2026-01-05T12:58:00Z",
      operation_end_time: "2026-01-05T13:00:00Z",
      overall_status: "completed",
      databases: {},
    }),
  },
  "monitor.ping": {
    role: "public",
    limited: "free",
    input: async (world) => ({ ping_id: (await job(world)).ping_id }),
  },
  "monitor.signal": {
    role: "public",
    limited: "free",
    missing: false,
    input: async (world) => ({ ping_id: (await job(world)).ping_id, signal: "start" }),
  },
  "monitor.pings.list": { role: "operator", limited: "free", input: oneJob },
  "monitor.findings.list": { role: "operator", limited: "free", input: nothing },
  "monitor.findings.get": { role: "operator", limited: "free", input: oneFinding },
  "monitor.findings.ack": { role: "operator", limited: "free", input: oneFinding },
  "monitor.findings.mute": {
    role: "operator",
    limited: "free",
    input: async (world) => ({ ...await oneFinding(world), until: "2100-01-01T00:00:00Z" }),
  },
  "monitor.findings.resolve": { role: "operator", limited: "free", input: oneFinding },
  "monitor.findings.expect": {
    role: "operator",
    limited: "free",
    input: async (world) => ({ finding: await tooSmall(world) }),
  },
  "metrics.rules": { role: "user", limited: "free", input: nothing },
  "metrics.dashboard": { role: "user", limited: "free", input: nothing },
  "monitor.scan": { role: "operator", limited: "free", input: nothing },
  "monitor.versions.list": { role: "operator", limited: "free", input: nothing },
  "monitor.versions.prune": { role: "operator", limited: "free", input: nothing },
  "monitor.versions.undelete": { role: "operator", limited: "free", input: trashed },
  "monitor.check": { role: "operator", limited: "free", input: nothing },
  "monitor.board": { role: "operator", limited: "free", input: nothing },
  "monitor.calendar": { role: "operator", limited: "free", input: nothing },
};
