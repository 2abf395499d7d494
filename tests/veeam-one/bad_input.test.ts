/** What goes wrong with a Veeam ONE server is said in words a person can act on. */
import assert from "node:assert/strict";
import { HoldfastError } from "../../src/lib/errors.ts";
import { StateDirectory } from "../../src/lib/state.ts";
import { VeeamOneConfig } from "../../src/veeam-one/config.ts";
import { VeeamOne } from "../../src/veeam-one/mod.ts";
import { canMakeCertificates, makeCertificate } from "../support/certificates.ts";
import { FakeClock } from "../support/clock.ts";
import { FakeOne, PASSWORD, USER } from "../support/veeam_one.ts";
import { CALLER, oneWorld, type Otherwise, type World } from "./fixture.ts";

/** What an attempt says, hint included. */
async function saying(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof HoldfastError, String(error));
    return `${error.message}\n${error.hint ?? ""}`;
  }
  throw new Error("expected an error");
}

/** Answers one list otherwise. */
const instead = (answer: () => Response) => ({ server }: World) =>
  void (server.instead = (path) => path.endsWith("/backupServers") ? answer() : undefined);

const ROWS: { says: string; otherwise?: Otherwise; prepare?: (world: World) => void; expected: RegExp[] }[] =
  [
    {
      says: "a bare user name, before anything is sent",
      otherwise: { username: "holdfast" },
      expected: [
        /as "holdfast": the user needs its domain/,
        /DOMAIN\\user or user@domain.*VEEAM_ONE_USER='DOMAIN/,
      ],
    },
    {
      says: "a user name whose backslash the shell took",
      otherwise: { username: "ACMEholdfast" },
      expected: [/the user needs its domain/, /in quotes/],
    },
    {
      says: "a user that is not set",
      otherwise: { username: null },
      expected: [/"default": its username is not set/, /set VEEAM_ONE_USER/],
    },
    {
      says: "a wrong password, which is not shown",
      otherwise: { password: "wrong-horse" },
      expected: [
        /^(?![\s\S]*wrong-horse)/,
        /as "ACME\\holdfast": The user name or password is incorrect/,
        /MACHINE\\user/,
      ],
    },
    {
      says: "sessions that somebody else ends all the time",
      prepare: ({ server }) => void (server.tokenSeconds = 0),
      expected: [/it ended the login of "ACME\\holdfast"/, /an account of its own/],
    },
    {
      says: "a role that lacks the right",
      prepare: ({ server }) => void server.forbidden.add("/vbr/backupServers"),
      expected: [/Cannot list backup servers of Veeam ONE server "default": "ACME\\holdfast" may not/],
    },
    {
      says: "a server that is no Veeam ONE",
      prepare: ({ server }) => void (server.versions = []),
      expected: [/knows none of the versions v2\.3, v2\.2, v2\.1/, /really a Veeam ONE server/],
    },
    {
      says: "an answer in HTML",
      prepare: instead(() =>
        new Response("<html>Sign in</html>", { headers: { "content-type": "text/html" } })
      ),
      expected: [/Cannot read the answer of Veeam ONE server "default"/],
    },
    {
      says: "JSON that ends in the middle",
      prepare: instead(() => new Response('{"items":[{')),
      expected: [/Cannot read the answer/],
    },
    {
      says: "an answer without a list",
      prepare: instead(() => Response.json({ rows: [] })),
      expected: [/the answer holds no list/, /no proxy in front/],
    },
    {
      says: "a token answer without a token",
      prepare: ({ server }) =>
        void (server.instead = (path) => path === "/api/token" ? Response.json({}) : undefined),
      expected: [/it answered no token/],
    },
  ];

for (const { says, otherwise, prepare, expected } of ROWS) {
  Deno.test(`${says}: said in words`, async () => {
    await using world = await oneWorld(otherwise);
    prepare?.(world);
    const said = await saying(world.one.backupServers({}, CALLER));
    for (const pattern of expected) assert.match(said, pattern);
  });
}

Deno.test("a server that is not there, not known or not configured is named", async () => {
  await using closed = await oneWorld({ network: true, host: "127.0.0.1:1" });
  assert.match(await saying(closed.one.about({}, CALLER)), /at 127\.0\.0\.1:1: nothing listens on that port/);
  await using world = await oneWorld();
  assert.match(
    await saying(world.one.about({ server: "defualt" }, CALLER)),
    /"defualt"\ndid you mean "default"/,
  );
  const make = (servers: Record<string, { host: string }>) =>
    new VeeamOne({
      settings: VeeamOneConfig.parse({ servers }),
      clock: world.clock,
      state: new StateDirectory(undefined),
      note: () => {},
    });
  assert.match(await saying(make({}).about({}, CALLER)), /no server is configured\nset VEEAM_ONE_HOST/);
  const two = make({ a: { host: "x" }, b: { host: "y" } });
  assert.match(await saying(two.about({}, CALLER)), /there are several\nadd --server with one of a, b/);
});

Deno.test("settings that cannot be meant are refused", () => {
  const refused = (server: Record<string, unknown>) =>
    VeeamOneConfig.safeParse({ servers: { a: { host: "one", ...server } } }).error?.issues[0]?.message ?? "";
  assert.match(refused({ host: null }), /must be set/);
  assert.match(refused({ host: "http://one.example.org" }), /must not be plain http/);
  assert.match(refused({ host: "https://ada@one" }), /must be a host/);
  assert.match(refused({ ca_file: "/ca.pem", insecure: true }), /only one of/);
  assert.equal(refused({ host: "http://127.0.0.1:1239" }), "");
});

Deno.test("a certificate nobody vouches for is pinned and said; a changed one is refused with both fingerprints", async () => {
  if (!await canMakeCertificates("pinning of Veeam ONE")) return;
  const dir = await Deno.makeTempDir({ prefix: "holdfast-one-" });
  try {
    const clock = new FakeClock("2030-01-14T12:00:00Z");
    const fake = new FakeOne(clock);
    const notes: string[] = [];
    const oneAt = (host: string) =>
      new VeeamOne({
        settings: VeeamOneConfig.parse({
          servers: { default: { host, username: USER, password: PASSWORD } },
        }),
        clock,
        state: new StateDirectory(dir),
        note: (sentence) => void notes.push(sentence),
      });
    const first = fake.serve(await makeCertificate(dir, "first"));
    for (let i = 0; i < 2; i++) {
      await using one = oneAt(first.url);
      assert.equal((await one.about({}, CALLER)).machine, "one-1");
    }
    await first[Symbol.asyncDispose]();
    assert.equal(notes.length, 1);
    assert.match(
      notes[0]!,
      /note: pinned the certificate of Veeam ONE server "default" .*SHA-256 [0-9a-f]{64}$/,
    );
    const logins = fake.logins.password;
    const place = { hostname: "127.0.0.1", port: first.port, onListen: () => {} };
    const second = Deno.serve(
      { ...place, ...await makeCertificate(dir, "second") },
      (request) => fake.answer(request),
    );
    try {
      await using one = oneAt(first.url);
      assert.match(
        await saying(one.about({}, CALLER)),
        /its certificate changed; pinned is SHA-256 [0-9a-f]{64}, it shows [0-9a-f]{64}/,
      );
      assert.equal(fake.logins.password, logins, "no password went out");
    } finally {
      await second.shutdown();
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a server that speaks plain HTTP where HTTPS is meant is told apart", async () => {
  const fake = new FakeOne(new FakeClock("2030-01-14T12:00:00Z"));
  await using server = fake.serve();
  await using world = await oneWorld({ network: true, host: `127.0.0.1:${server.port}` });
  assert.match(await saying(world.one.about({}, CALLER)), /it does not speak TLS on that port/);
});
