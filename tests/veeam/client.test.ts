/** The client against a server that behaves as real ones were seen to: tokens, paging, revisions, refusals, junk. */
import assert from "node:assert/strict";
import { HoldfastError } from "../../src/lib/errors.ts";
import { processMemory } from "../support/veeam/memory.ts";
import { pages } from "../../src/veeam/paging.ts";
import type { VeeamSession } from "../../src/veeam/model.ts";
import { FakeClock } from "../support/clock.ts";
import { type Revision, SPOKEN } from "../support/veeam/model.ts";
import { clientOf, never } from "../support/veeam/client.ts";
import { FakeVeeam, type FakeVeeamOptions } from "../support/veeam/fake.ts";

const START = "2026-03-02T06:00:00Z";
const DAY_MS = 86_400_000;

function fakeOf(options: Partial<FakeVeeamOptions> = {}): FakeVeeam {
  return new FakeVeeam({ clock: new FakeClock(START), ...options });
}

/** The error something ends with. */
async function refusal(work: Promise<unknown>): Promise<HoldfastError> {
  const error = await work.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof HoldfastError, `expected a refusal, got ${error}`);
  return error;
}

async function sessionsOf(fake: FakeVeeam, pageSize = 500): Promise<VeeamSession[]> {
  await using client = clientOf(fake, { pageSize });
  const found: VeeamSession[] = [];
  const created_after = new Date(fake.clock.now() - 3650 * DAY_MS).toISOString();
  for await (const page of client.sessions({ created_after }, never())) found.push(...page);
  return found;
}

Deno.test("all of 307 jobs are read, whatever the server says there are", async () => {
  for (const lie of [undefined, 0, 20, 100_000]) {
    const fake = fakeOf({ jobs: 307 });
    fake.lyingTotal = lie;
    await using client = clientOf(fake, { pageSize: 100 });
    const jobs = await client.jobs(never());
    assert.equal(jobs.length, 307, `total ${lie}`);
    assert.deepEqual(jobs.map(({ number }) => number), Array.from({ length: 307 }, (_, i) => i + 1));
  }
});

Deno.test("a server that caps its pages or ignores where to begin is read to its end", async () => {
  const capped = fakeOf({ jobs: 307 });
  capped.maxPage = 50;
  await using client = clientOf(capped, { pageSize: 500 });
  assert.equal((await client.jobs(never())).length, 307);

  const deaf = fakeOf({ jobs: 5 });
  const rows = [1, 2, 3].map((n) => ({ id: `0000000${n}-0000-4000-8000-000000000000`, name: `J${n}` }));
  deaf.override = ({ path }) =>
    path.endsWith("/jobs/states")
      ? Response.json({ data: rows, pagination: { total: 307, count: 3 } })
      : undefined;
  await using other = clientOf(deaf);
  assert.equal((await other.jobs(never())).length, 3);
});

Deno.test("sessions that are added while pages are read are read too, each once", async () => {
  const fake = fakeOf({ sessions: 1000 });
  let added = 0;
  fake.onPage = (path) => {
    if (path.endsWith("/sessions") && added < 30) {
      fake.addSession({ job: 1, created: fake.clock.now() + ++added });
    }
  };
  const found = await sessionsOf(fake, 100);
  assert.equal(new Set(found.map(({ id }) => id)).size, found.length);
  assert.ok(found.length >= 1000 + 10, `${found.length}`);
});

Deno.test("a list that brings new rows for ever is given up", async () => {
  let n = 0;
  const call = () => Promise.resolve({ data: [{ id: `a${n++}` }, { id: `a${n++}` }] });
  const read = async () => {
    for await (const _ of pages(call, 2, never(), 100));
  };
  await assert.rejects(read(), /does not end after 100 rows/);
  assert.ok(n < 110);
});

Deno.test("a list of nothing ends after one call", async () => {
  const fake = fakeOf({ jobs: 0, sessions: 0 });
  await using client = clientOf(fake);
  assert.deepEqual(await client.jobs(never()), []);
  assert.equal(fake.requests.filter(({ path }) => path.endsWith("/jobs/states")).length, 1);
});

Deno.test("a token of 15 minutes lasts for hours of calls: no call fails, and each refresh token is used once", async () => {
  const clock = new FakeClock(START);
  const fake = fakeOf({ clock });
  await using client = clientOf(fake);
  for (let minute = 0; minute < 180; minute++) {
    await client.jobs(never());
    clock.advance(60_000);
  }
  assert.equal(fake.logins, 1);
  assert.ok(fake.refreshes >= 12, `${fake.refreshes}`);
  assert.ok(fake.requests.every(({ status }) => status < 400));
});

Deno.test("twenty callers at once share one log-in and one refresh", async () => {
  const clock = new FakeClock(START);
  const fake = fakeOf({ clock });
  await using client = clientOf(fake);
  const all = () => Promise.all(Array.from({ length: 20 }, () => client.jobs(never())));
  await all();
  clock.advance(890_000);
  await all();
  assert.deepEqual([fake.logins, fake.refreshes], [1, 1]);
});

Deno.test("two processes on one server do not break each other's refresh", async () => {
  const clock = new FakeClock(START);
  const fake = fakeOf({ clock });
  await using one = clientOf(fake);
  await using other = clientOf(fake);
  for (let i = 0; i < 20; i++) {
    await Promise.all([one.jobs(never()), other.jobs(never())]);
    clock.advance(600_000);
  }
  assert.equal(fake.logins, 2);
  assert.ok(fake.requests.every(({ status }) => status < 400));
});

Deno.test("a refresh token that is too old, or that a restart made useless, is followed by a log-in", async () => {
  const clock = new FakeClock(START);
  const fake = fakeOf({ clock });
  fake.refreshSeconds = 6 * 86_400;
  await using client = clientOf(fake);
  await client.jobs(never());
  clock.advance(7 * DAY_MS);
  await client.jobs(never());
  assert.equal(fake.logins, 2);
  fake.forgetLogins();
  await client.jobs(never());
  assert.equal(fake.logins, 3);
});

Deno.test("the login is ended when the client is closed", async () => {
  const fake = fakeOf();
  await using client = clientOf(fake);
  await client.jobs(never());
  await client[Symbol.asyncDispose]();
  assert.equal(fake.requests.at(-1)?.path, "/api/oauth2/logout");
});

for (const revision of SPOKEN) {
  Deno.test(`${revision} is found out once, remembered, and read into the same records as any other`, async () => {
    const fake = fakeOf({ speaks: revision, jobs: 1, sessions: 1 });
    const memory = processMemory();
    const read = async () => {
      await using client = clientOf(fake, { memory });
      const [job] = await client.jobs(never());
      const [session] = await sessionsOf(fake);
      assert.equal(client.connection.revision, revision);
      return { job, session };
    };
    const { job, session } = await read();
    const asked = () => fake.requests.filter(({ status }) => status === 400).length;
    const refused = asked();
    await using again = clientOf(fake, { memory });
    await again.jobs(never());
    assert.equal(asked(), refused);
    assert.deepEqual(
      [job?.type, job?.status, job?.last_result, job?.workload],
      ["VSphereBackup", "Inactive", "Success", "Vm"],
    );
    assert.equal(job?.last_run_at, "2026-03-02T05:50:00.000Z");
    assert.deepEqual(
      [session?.type, session?.state, session?.result, session?.job_id, session?.duration_seconds],
      ["BackupJob", "Stopped", "Success", job?.id, 300],
    );
  });
}

Deno.test("a remembered revision that is refused, as by an older server in the same place, is found out anew", async () => {
  const memory = processMemory();
  const fake = fakeOf();
  await using client = clientOf(fake, { memory });
  await client.jobs(never());
  fake.speaks = "1.2-rev1";
  await using other = clientOf(fake, { memory });
  await other.jobs(never());
  assert.equal(other.connection.revision, "1.2-rev1");
});

Deno.test("calls that are refused at once for their revision find another one together, and all are answered", async () => {
  const memory = processMemory();
  const fake = fakeOf();
  await using client = clientOf(fake, { memory });
  await client.jobs(never());
  fake.speaks = "1.2-rev1";
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Error("the calls wait for each other")), 120_000);
  const asked = fake.requests.length;
  const lists = await Promise.all(Array.from({ length: 9 }, () => client.repositories(limit.signal)));
  clearTimeout(timer);
  assert.ok(lists.every(({ length }) => length === lists[0]!.length && length > 0));
  const looks = fake.requests.slice(asked).filter(({ path }) => path === "/api/v1/serverTime");
  assert.ok(looks.length < 6, `the revision was looked for ${looks.length} times`);
});

Deno.test("who goes away while a server is opened, or while it waits for its turn, takes nobody along", async () => {
  const fake = fakeOf();
  const gate = Promise.withResolvers<void>();
  const original = fake.fetch;
  const slow = Object.assign(fake, {
    fetch: async (url: string, init: RequestInit) => {
      await gate.promise;
      return await original(url, init);
    },
  });
  await using client = clientOf(slow);
  const [first, waiting] = [new AbortController(), new AbortController()];
  const gone = refusedBy(client.jobs(first.signal));
  const others = Array.from({ length: 4 }, () => client.repositories(never()));
  const left = refusedBy(client.jobs(waiting.signal));
  first.abort(new Error("went away"));
  waiting.abort(new Error("left"));
  assert.deepEqual([await gone, await left], ["went away", "left"], "at once, not when the server answers");
  gate.resolve();
  assert.equal((await Promise.all(others)).length, 4);
});

async function refusedBy(work: Promise<unknown>): Promise<string> {
  return await work.then(() => "it worked", (error: unknown) => error instanceof Error ? error.message : "");
}

Deno.test("where nothing can be remembered a server is read all the same, and that is said", async () => {
  const notes: string[] = [];
  const memory = {
    ...processMemory(),
    set: () =>
      Promise.reject(new HoldfastError("unavailable", "Cannot remember: there is no home directory")),
  };
  await using client = clientOf(fakeOf(), { memory, notes });
  assert.ok((await client.jobs(never())).length > 0);
  assert.match(notes.join(), /no home directory; the certificate .* believed anew/);
});

Deno.test("a server that speaks nothing known, and a configured revision it does not speak, are told by name", async () => {
  const fake = fakeOf();
  fake.override = () =>
    Response.json({
      errorCode: "NotImplemented",
      message: "Unsupported RESTAPI version. The following versions are supported: v2.0-rev0.",
    }, { status: 400 });
  await using client = clientOf(fake);
  const error = await refusal(client.jobs(never()));
  assert.match(error.message, /accepts no revision .* it speaks 2\.0-rev0/);
  assert.ok(fake.requests.length < 20);

  const strict = fakeOf({ speaks: "1.1-rev0" });
  await using asked = clientOf(strict, { settings: { revision: "1.9-rev9" } });
  assert.match((await refusal(asked.jobs(never()))).message, /1\.9-rev9/);
});

Deno.test("a wrong password and an account with a second factor are told with what to do", async () => {
  const fake = fakeOf();
  await using wrong = clientOf(fake, { settings: { password: "guess-nothing" } });
  const error = await refusal(wrong.jobs(never()));
  assert.match(
    error.message,
    /Cannot log in to Veeam server "vbr-1" as "svc-holdfast": Authentication failed/,
  );
  assert.match(error.hint ?? "", /service account/);
  assert.ok(!JSON.stringify([error.message, error.hint, String(error.cause)]).includes("guess-nothing"));
  fake.mfa = true;
  await using mfa = clientOf(fake);
  assert.match((await refusal(mfa.jobs(never()))).hint ?? "", /multi-factor.*service account/);
});

Deno.test("a password is not told, in whatever form a server repeats it", async () => {
  const fake = fakeOf();
  fake.password = 'p"ss\\zebra & more';
  fake.override = ({ path, body }) =>
    path.endsWith("/token")
      ? Response.json({
        errorCode: "Odd",
        message: `what is ${JSON.stringify(body)} and ${new URLSearchParams(Object(body))}?`,
      }, {
        status: 401,
      })
      : undefined;
  await using client = clientOf(fake);
  const error = await refusal(client.jobs(never()));
  assert.match(error.message, /what is \{/);
  assert.ok(!Deno.inspect(error, { depth: 20 }).includes("zebra"), error.message);
});

Deno.test("what a role may not see is told with the role that may, and the rest goes on", async () => {
  const fake = fakeOf({ role: "Viewer" });
  await using client = clientOf(fake);
  const error = await refusal(client.license(never()));
  assert.deepEqual([error.code, error.kind], ["veeam_forbidden", "upstream"]);
  assert.match(error.hint ?? "", /needs role "Veeam Backup Administrator"/);
  assert.equal((await client.jobs(never())).length, 5);
  const [job] = await client.jobs(never());
  assert.match((await refusal(client.startJob(job!.id, false, never()))).hint ?? "", /Veeam Backup Operator/);
});

Deno.test("an HTML page, truncated JSON, what is no list and a missing thing are errors in a sentence, and never no jobs", async () => {
  const answer = async (response: () => Response) => {
    const fake = fakeOf();
    fake.override = ({ path }) => path.endsWith("/jobs/states") ? response() : undefined;
    await using client = clientOf(fake);
    return await client.jobs(never()).then((jobs) => jobs.length, (error: unknown) => error);
  };
  const text = (body: string, status = 200) => () => new Response(body, { status });
  assert.match(String(await answer(text("<!doctype html><p>Log in"))), /HTML page/);
  assert.match(String(await answer(text('{"data":[{"id":'))), /not JSON/);
  for (const body of ["", "null", "[]", "{}", '{"data":"x"}', '{"message":"Back soon."}']) {
    assert.match(
      String(await answer(text(body))),
      /list the jobs of Veeam server "vbr-1": the answer holds no list/,
    );
  }
  assert.equal(await answer(text('{"data":null}')), 0);
  assert.equal(await answer(text('{"data":[null,3,{}]}')), 1);
  const fake = fakeOf();
  await using client = clientOf(fake);
  const error = await refusal(client.session("no-such-thing", never()));
  assert.deepEqual([error.kind, error.exitCode], ["not_found", 5]);
  const calls = fake.requests.length;
  for (const id of ["", ".", ".."]) {
    assert.equal((await refusal(client.session(id, never()))).kind, "not_found");
  }
  assert.equal(fake.requests.length, calls, "what would be another path is not asked for");
});

Deno.test("an answer without end is given up, and told with who sent it", async () => {
  const fake = fakeOf();
  const chunk = new TextEncoder().encode(" ".repeat(1024 * 1024));
  const endless = () => new ReadableStream({ pull: (controller) => controller.enqueue(chunk) });
  fake.override = ({ path }) => path.endsWith("/jobs/states") ? new Response(endless()) : undefined;
  await using client = clientOf(fake);
  const error = await refusal(client.jobs(never()));
  assert.match(
    error.message,
    /^Cannot read the answer of Veeam server "vbr-1" to GET \/api\/v1\/jobs\/states: it is larger than 67108864 bytes$/,
  );
});

Deno.test("a server error is tried again, and told when it goes on", async () => {
  const clock = new FakeClock(START);
  const fake = fakeOf({ clock });
  let broken = 2;
  fake.override = ({ path }) =>
    path.endsWith("/jobs/states") && broken-- > 0
      ? Response.json({ errorCode: "ServiceUnavailable", message: "Busy." }, { status: 500 })
      : undefined;
  await using client = clientOf(fake);
  const done = client.jobs(never());
  const ticking = setInterval(() => clock.advance(1000), 1);
  try {
    assert.equal((await done).length, 5);
    broken = Infinity;
    const error = await refusal(client.jobs(never()));
    assert.match(error.message, /Cannot list the jobs of Veeam server "vbr-1": it failed with 500: Busy\./);
  } finally {
    clearInterval(ticking);
  }
});

Deno.test("at most three calls are under way at once", async () => {
  const fake = fakeOf();
  let [now, most] = [0, 0];
  const original = fake.fetch;
  const counting = Object.assign(fake, {
    fetch: async (url: string, init: RequestInit) => {
      most = Math.max(most, ++now);
      try {
        await new Promise((resolve) => setTimeout(resolve, 2));
        return await original(url, init);
      } finally {
        now--;
      }
    },
  });
  await using client = clientOf(counting);
  await client.jobs(never());
  await Promise.all(Array.from({ length: 12 }, () => client.repositories(never())));
  assert.ok(most <= 3, `${most} at once`);
});

Deno.test("the oldest revision is asked in its own words", async () => {
  const fake = fakeOf({ speaks: "1.1-rev0" satisfies Revision });
  await using client = clientOf(fake);
  const [job] = await client.jobs(never());
  await client.stopJob(job!.id, true, never());
  assert.deepEqual(fake.requests.at(-1)?.body, { gracefullStop: true });
  assert.equal((await client.restorePoints({}, never())).length, 12);
  assert.match(
    (await refusal(client.license(never()))).message,
    /revision 1\.1-rev0 of its API has no such call/,
  );
});
