/** The routes of the Veeam server to test against, behind its log-in. */
import type { Context } from "hono";
import * as answers from "./answers.ts";
import type { FakeVeeam } from "./fake.ts";
import { fakeId, type FakeSession, KIND, listed, since } from "./model.ts";
import { only, page, problem, revisionOf } from "./replies.ts";

/** All of them. */
export function addRoutes(fake: FakeVeeam): void {
  jobRoutes(fake);
  sessionRoutes(fake);
  backupRoutes(fake);
  infrastructureRoutes(fake);
}

const OPERATORS = ["Administrator", "Operator"] as const;

function sessionOf(fake: FakeVeeam, c: Context): FakeSession | undefined {
  return fake.sessions.find(({ n }) => fakeId(KIND.session, n) === c.req.param("id"));
}

function jobRoutes(fake: FakeVeeam): void {
  const { app } = fake;
  app.get("/api/v1/jobs/states", (c) => {
    const revision = revisionOf(c);
    const rows = fake.jobs.filter((job) => listed(job.type, revision)).toSorted((a, b) =>
      a.name < b.name ? -1 : 1
    );
    return page(
      fake,
      c,
      rows,
      (job) => answers.jobState(job, fake.repositories[job.repository - 1]!, revision),
    );
  });
  app.post("/api/v1/jobs/:id/:verb", async (c) => {
    const revision = revisionOf(c);
    const { id, verb } = c.req.param();
    const job = fake.jobs.find(({ n }) => fakeId(KIND.job, n) === id);
    if (verb === "retry" && !since(revision, "1.3-rev0")) return c.notFound();
    if (job === undefined) return problem(c, 404, "NotFound", "The job does not exist.");
    const refused = only(fake, c, ...(verb.endsWith("able") ? ["Administrator"] as const : OPERATORS));
    if (refused !== undefined) return refused;
    if (verb === "enable" || verb === "disable") {
      job.disabled = verb === "disable";
      return since(revision, "1.3-rev1") ? c.body(null, 204) : c.json({});
    }
    const body = await c.req.json();
    if (verb === "start" && typeof body.performActiveFull !== "boolean") {
      return problem(c, 400, "UnexpectedContent", "performActiveFull is required.");
    }
    if (verb === "stop") {
      const session = fake.sessions.find(({ n }) => n === job.session);
      if (session !== undefined) Object.assign(session, { ended: fake.clock.now(), result: "Failed" });
      job.running = false;
      return c.json(answers.sessionModel(session ?? fake.sessions[0]!, revision), 201);
    }
    const running = fake.startsRun ? { ended: null, result: "None" } : {};
    const session = fake.addSession({ job: job.n, ...running });
    return c.json(answers.sessionModel(session, revision), 201);
  });
}

function sessionRoutes(fake: FakeVeeam): void {
  const { app } = fake;
  app.get("/api/v1/sessions", (c) => {
    const revision = revisionOf(c);
    const after = Date.parse(c.req.query("createdAfterFilter") ?? "1970-01-01");
    const job = c.req.query("jobIdFilter");
    const [types, results] = [c.req.queries("typeFilter"), c.req.queries("resultFilter")];
    const rows = fake.sessions.filter((session) =>
      session.created >= after && (job === undefined || fakeId(KIND.job, session.job) === job) &&
      (types === undefined || types.includes(session.type)) &&
      (results === undefined || results.includes(session.result))
    );
    if (c.req.query("orderAsc") === "false") rows.reverse();
    return page(fake, c, rows, (session) => answers.sessionModel(session, revision));
  });
  app.get("/api/v1/sessions/:id", (c) => {
    const session = sessionOf(fake, c);
    return session === undefined
      ? problem(c, 404, "NotFound", "The session does not exist.")
      : c.json(answers.sessionModel(session, revisionOf(c)));
  });
  app.get("/api/v1/sessions/:id/logs", (c) => {
    const session = sessionOf(fake, c);
    if (session === undefined) return problem(c, 404, "NotFound", "The session does not exist.");
    const records = answers.logRecords(session, fake.logLines);
    return c.json({ totalRecords: records.length, records });
  });
  app.get("/api/v1/taskSessions", (c) => {
    const revision = revisionOf(c);
    if (!since(revision, "1.2-rev1")) return c.notFound();
    const after = Date.parse(c.req.query("createdAfterFilter") ?? "1970-01-01");
    const result = c.req.query("resultFilter");
    const rows = fake.sessions.filter((session) =>
      session.created >= after && (result === undefined || result === session.result)
    );
    return page(fake, c, rows, (session) => answers.taskModel(session, `machine-${session.job}`, revision));
  });
}

function backupRoutes(fake: FakeVeeam): void {
  const { app } = fake;
  app.get("/api/v1/backups", (c) => {
    const revision = revisionOf(c);
    const job = c.req.query("jobIdFilter");
    const rows = fake.jobs.filter(({ n }) => job === undefined || fakeId(KIND.job, n) === job);
    return page(
      fake,
      c,
      rows,
      (one) =>
        answers.backupModel(
          one,
          fake.repositories[one.repository - 1]!,
          fake.clock.now() - 86_400_000,
          revision,
        ),
    );
  });
  app.get("/api/v1/backups/:id/backupFiles", (c) => {
    const revision = revisionOf(c);
    if (!since(revision, "1.2-rev1")) return c.notFound();
    const rows = fake.points.filter((point) => fakeId(KIND.backup, point.job) === c.req.param("id"));
    return page(fake, c, rows, (point) => answers.backupFile(point, revision));
  });
  for (const path of ["/api/v1/restorePoints", "/api/v1/objectRestorePoints"]) {
    app.get(path, (c) => {
      const revision = revisionOf(c);
      if (since(revision, "1.2-rev1") !== path.endsWith("/restorePoints")) return c.notFound();
      const backup = c.req.query("backupIdFilter");
      const after = Date.parse(c.req.query("createdAfterFilter") ?? "1970-01-01");
      const rows = fake.points.filter((point) =>
        point.created >= after && (backup === undefined || fakeId(KIND.backup, point.job) === backup)
      );
      return page(fake, c, rows, (point) => answers.restorePoint(point, revision));
    });
  }
  app.get("/api/v1/backupObjects", (c) =>
    page(fake, c, fake.machines, (machine) => {
      const points = fake.points.filter((point) => point.machine === machine.name).length;
      return answers.backupObject(
        fake.machines.indexOf(machine) + 1,
        machine.name,
        points,
        revisionOf(c),
      );
    }));
  app.get("/api/v1/backupObjects/:id/restorePoints", (c) => {
    const machine = fake.machines.find((_, i) => fakeId(KIND.object, i + 1) === c.req.param("id"));
    const rows = fake.points.filter((point) => point.machine === machine?.name);
    return page(fake, c, rows, (point) => answers.restorePoint(point, revisionOf(c)));
  });
}

function infrastructureRoutes(fake: FakeVeeam): void {
  const { app } = fake;
  const base = "/api/v1/backupInfrastructure";
  app.get(
    `${base}/repositories/states`,
    (c) => page(fake, c, fake.repositories, (one) => answers.repositoryState(one, revisionOf(c))),
  );
  app.get(`${base}/scaleOutRepositories`, (c) => {
    const numbers = [...new Set(fake.repositories.flatMap(({ scaleOut }) => scaleOut ?? []))];
    return page(
      fake,
      c,
      numbers,
      (n) => answers.scaleOut(n, fake.repositories.filter(({ scaleOut }) => scaleOut === n)),
    );
  });
  app.get(
    `${base}/proxies`,
    (c) => page(fake, c, [1, 2], (n) => answers.proxy(n, revisionOf(c), false)),
  );
  app.get(
    `${base}/proxies/states`,
    (c) =>
      since(revisionOf(c), "1.3-rev0")
        ? page(fake, c, [1, 2], (n) => answers.proxy(n, revisionOf(c), true))
        : c.notFound(),
  );
  app.get(
    `${base}/managedServers`,
    (c) => page(fake, c, [1, 2, 3], (n) => answers.managedServer(n, revisionOf(c))),
  );
  app.get("/api/v1/license", (c) => {
    if (!since(revisionOf(c), "1.2-rev1")) return c.notFound();
    const expires = fake.clock.now() + fake.licenseDays * 86_400_000 + 3_600_000;
    return only(fake, c, "Administrator") ?? c.json(answers.license(expires, revisionOf(c)));
  });
  app.get("/api/v1/malwareDetection/events", (c) => {
    const revision = revisionOf(c);
    if (!since(revision, "1.2-rev1")) return c.notFound();
    const after = Date.parse(c.req.query("detectedAfterTimeUtcFilter") ?? "1970-01-01");
    const refused = since(revision, "1.3-rev1") ? undefined : only(fake, c, "Administrator");
    return refused ??
      page(
        fake,
        c,
        fake.malware.filter(({ at }) => at >= after),
        (event) => answers.malwareEvent(fake.malware.indexOf(event) + 1, event.at, event.machine, revision),
      );
  });
  app.get("/api/v1/securityAnalyzer/bestPractices", (c) => {
    const revision = revisionOf(c);
    if (!since(revision, "1.2-rev1")) return c.notFound();
    const items = fake.practices.map((status, i) => answers.bestPractice(i + 1, status));
    return only(fake, c, "Administrator") ?? c.json({ items });
  });
  app.get("/api/v1/configBackup", (c) => {
    const days = fake.configBackupAgeDays;
    const at = days === null ? null : fake.clock.now() - days * 86_400_000;
    return only(fake, c, "Administrator") ?? c.json(answers.configBackup(at));
  });
}
