/** Every request of the client and every answer of the fake, held against the vendor's descriptions. */
import assert from "node:assert/strict";
import { FakeClock } from "../support/clock.ts";
import { readDescription } from "../support/openapi.ts";
import { SPOKEN } from "../support/veeam/model.ts";
import { clientOf, never } from "../support/veeam/client.ts";
import { FakeVeeam } from "../support/veeam/fake.ts";

/** The folder of the descriptions lies beside the repository, where there is one. */
const SPECS = new URL("../../../shared/specs/", import.meta.url);

/** Everything a client can ask, reading and acting. */
async function askEverything(fake: FakeVeeam): Promise<void> {
  await using client = clientOf(fake, { pageSize: 7 });
  const signal = never();
  const skipUnsupported = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      assert.equal(Reflect.get(Object(error), "code"), "veeam_unsupported", String(error));
    }
  };
  const [job] = await client.jobs(signal);
  await client.serverInfo(signal);
  const since = new Date(fake.clock.now() - 86_400_000).toISOString();
  for await (
    const rows of client.sessions({ created_after: since, results: ["Success", "Failed"] }, signal)
  ) {
    await client.session(rows[0]!.id, signal);
    await client.sessionLog(rows[0]!.id, signal);
  }
  for await (
    const _ of client.sessions({ created_after: since, job_id: job!.id, types: ["BackupJob"] }, signal)
  );
  await skipUnsupported(() => client.tasks({ created_after: since, results: ["Failed", "Warning"] }, signal));
  const [backup] = await client.backups(job!.id, signal);
  const files = await client.backupFiles(backup!.id, signal);
  await client.restorePoints({ backup_id: backup!.id, created_after: since, files }, signal);
  const [object] = await client.objects(signal);
  await client.lastRestorePoint(object!.id, signal);
  await client.repositories(signal);
  await client.scaleOuts(signal);
  await client.proxies(signal);
  await client.managedServers(signal);
  await skipUnsupported(() => client.license(signal));
  await skipUnsupported(() => client.malwareEvents(since, signal));
  await skipUnsupported(() => client.bestPractices(signal));
  await client.configBackup(signal);
  await client.enableJob(job!.id, false, signal);
  await client.enableJob(job!.id, true, signal);
  await client.startJob(job!.id, false, signal);
  await client.stopJob(job!.id, true, signal);
  if (await client.canRetry(signal)) await client.retryJob(job!.id, signal);
}

for (const revision of SPOKEN) {
  Deno.test(`every request and every answer fits the vendor's description of ${revision}`, async () => {
    const description = await readDescription(new URL(`veeam-vbr-${revision}.json`, SPECS));
    if (description === undefined) {
      console.log(`skipped: no description of ${revision} in ${SPECS.pathname}`);
      return;
    }
    const fake = new FakeVeeam({ clock: new FakeClock("2026-03-02T06:00:00Z"), speaks: revision, jobs: 20 });
    await askEverything(fake);
    // Tokens are renewed in the same words.
    fake.accessSeconds = 0;
    const mine = fake.requests.filter((request) => request.revision === revision);
    assert.ok(mine.length > 30, `${mine.length} requests`);
    const problems = mine.flatMap((request) => {
      const { method, path, status, answer } = request;
      if (status === 404 && !description.has(method, path)) return [];
      // Lower-case grant types are what servers take, whatever the newest descriptions write.
      const grant = path === "/api/oauth2/token";
      return [
        ...grant ? [] : description.request(request),
        ...description.answer(method, path, status, answer),
      ];
    });
    assert.deepEqual([...new Set(problems)], []);
  });
}
