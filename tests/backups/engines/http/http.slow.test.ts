import assert from "node:assert/strict";
import { join } from "node:path";
import { httpEngine } from "../../../../src/backups/engines/http.ts";
import { HttpOptions } from "../../../../src/backups/engines/http/options.ts";
import { addressOf, valueAt } from "../../../../src/backups/engines/http/values.ts";
import { HoldfastError } from "../../../../src/lib/errors.ts";
import { inTempDir } from "../context.ts";
import { dumpConformance, type DumpFixture, type DumpScene, SecretContext } from "../dump_conformance.ts";
import { BackupService, type Behaviour, TOKEN } from "./service.ts";

const service = new BackupService();
Deno.test.afterAll(() => service[Symbol.asyncDispose]());

const secrets = { BEARER: `Bearer ${TOKEN}` };

function optionsFor(destination: string, by = service): HttpOptions {
  return {
    start: {
      url: `${by.origin}/backups`,
      headers: { authorization: { secret: "BEARER" } },
      json: { what: "shop", key: { secret: "BEARER" } },
    },
    poll: { status: "/state", message: "/reason", percent: "/percent", interval_seconds: 0.05 },
    download: { url: "{/result/url}", suffix: ".bin" },
    size_bytes: "/result/size",
    sha256: "/result/sha256",
    destination,
    allow_private: true,
  };
}

const fixture: DumpFixture<HttpOptions> = {
  engine: httpEngine,
  suffix: ".bin",
  content: () => "nightly-1.bin",
  options: ({ destination }) => optionsFor(destination),
  secrets,
  fill(_, size) {
    service.behaviour = { statuses: ["queued", "running", "done"] };
    const bytes = new Uint8Array(size === "small" ? 5000 : 12_000_000);
    for (let at = 0; at < bytes.length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    service.content = bytes;
    return Promise.resolve();
  },
  async compare(_, file) {
    assert.deepEqual(await Deno.readFile(file), service.content);
  },
  gone: {
    options: ({ destination }) => {
      const { start, ...rest } = optionsFor(destination);
      return { ...rest, start: { ...start, url: "http://127.0.0.1:1/backups" } };
    },
    says: /^Cannot reach 127\.0\.0\.1:1 for POST \/backups: /,
    kind: "upstream",
  },
  wrong: { secrets: { BEARER: "Bearer not-the-token" }, says: /answered 401/ },
};
dumpConformance(fixture);

interface Scene extends DumpScene {
  service: BackupService;
}

const test = (sentence: string, behaviour: Behaviour, body: (scene: Scene) => Promise<void>) =>
  Deno.test(`http: ${sentence}`, () =>
    inTempDir(async (dir) => {
      await using service = new BackupService();
      service.behaviour = behaviour;
      service.content = new TextEncoder().encode("the backup");
      const scene = { dir, destination: join(dir, "backups"), service };
      await Deno.mkdir(scene.destination);
      await body(scene);
    }));
const files = ({ destination }: Scene) => [...Deno.readDirSync(destination)].map(({ name }) => name).sort();
const make = (scene: Scene, overrides: Partial<HttpOptions> = {}, context = new SecretContext(secrets)) =>
  httpEngine.make({
    options: HttpOptions.parse({ ...optionsFor(scene.destination, scene.service), ...overrides }),
    name: "nightly-1",
    labels: {},
  }, context);
const fails = async (scene: Scene, says: RegExp, overrides: Partial<HttpOptions> = {}, code?: string) => {
  const context = new SecretContext(secrets);
  await assert.rejects(make(scene, overrides, context), (error) => {
    assert.ok(error instanceof HoldfastError, String(error));
    assert.match(error.message, says);
    if (code !== undefined) assert.equal(error.code, code);
    const told = JSON.stringify([error.message, error.hint, String(error.cause), context.logs]);
    assert.equal(told.includes(TOKEN), false, told);
    return true;
  });
  assert.deepEqual(files(scene), []);
};

test("the body is sent once, with its secrets, and the status is asked until it is done", {
  statuses: ["queued", "running", "running", "done"],
}, async (scene) => {
  const context = new SecretContext(secrets);
  await make(scene, {}, context);
  assert.deepEqual(scene.service.bodies, [{ what: "shop", key: `Bearer ${TOKEN}` }]);
  const polls = scene.service.asked.filter((line) => line === "GET /backups/job%2F1");
  assert.equal(polls.length, 4);
  assert.deepEqual(
    context.logs.filter(({ level }) => level === "info").map(({ text }) => text.replace(/^\S+ /, "")),
    [
      "queued",
      "running",
      "done",
    ],
  );
  assert.match(context.warnings.join(), /Secrets go to 127\.0\.0\.1:\d+ without encryption/);
});

test("addresses are made of values, escaped", { statuses: ["done"] }, async (scene) => {
  const poll = {
    url: "/backups/{/data/id}",
    status: "/state",
    interval_seconds: 0.05,
  };
  const artifact = await make(scene, { poll, download: { url: "backups/{/data/id}/content" } });
  assert.equal(await Deno.readTextFile(artifact.path), "the backup");
  assert.equal(artifact.path.endsWith("nightly-1.bin"), true);
});

test("a failure is told with its reason", { statuses: ["running", "failed"] }, async (scene) => {
  await fails(scene, /its status is "failed": the disk is full \(\*\*\*\)$/, {}, "job_failed");
});

test("a wrong size or hash is no backup", { statuses: ["done"], lie: { size: 11 } }, async (scene) => {
  await fails(scene, /it has 10 bytes, told were 11$/, {}, "not_as_told");
  scene.service.behaviour = { statuses: ["done"], lie: { sha256: "0".repeat(64) } };
  await fails(scene, /its SHA-256 is [0-9a-f]{64}, told was 0{64}$/, {}, "not_as_told");
});

test("a download that is cut or hangs is no backup", {
  statuses: ["done"],
  cut: { after: 4, how: "close" },
}, async (scene) => {
  await fails(scene, /^Cannot download from 127\.0\.0\.1:\d+: /);
  scene.service.behaviour = { statuses: ["done"], cut: { after: 4, how: "hang" } };
  const download = { url: "{/result/url}", stall_seconds: 0.2 };
  await fails(scene, /nothing came for too long$/, { download }, "timeout");
});

test("a download may not be larger than allowed", { statuses: ["done"] }, async (scene) => {
  await fails(
    scene,
    /it is larger than 5 B$/,
    { download: { url: "{/result/url}", max_bytes: 5 } },
    "too_large",
  );
});

test(
  "one that is never done is given up and cancelled at the service",
  { statuses: ["running"] },
  async (scene) => {
    const overrides = { timeout_seconds: 2, cancel: { url: "/backups/{/data/id}/cancel" } };
    await fails(scene, /it was not done within 2s$/, overrides, "timeout");
    assert.equal(scene.service.asked.at(-1), "POST /backups/job%2F1/cancel");
  },
);

test("a cancelled run is cancelled at the service", { statuses: ["running"] }, async (scene) => {
  const cancel = new AbortController();
  const reason = new Error("cancelled by a test");
  const context = new SecretContext(secrets, cancel.signal, (update) => {
    if (update.done_items === 50) cancel.abort(reason);
  });
  await assert.rejects(make(scene, { cancel: { url: "/backups/{/data/id}/cancel" } }, context), reason);
  assert.equal(scene.service.asked.at(-1), "POST /backups/job%2F1/cancel");
  assert.deepEqual(files(scene), []);
});

test(
  "answers that are not what was said are errors that say so",
  { statuses: [], junk: "<html>" },
  async (scene) => {
    await fails(scene, /its answer|it is not JSON|named no Location/);
    scene.service.behaviour = { statuses: ["done"] };
    await fails(scene, /its answer has none at \/nothing$/, { poll: { status: "/nothing" } }, "no_value");
    await fails(scene, /no answer has a value at \/no\/url$/, { download: { url: "{/no/url}" } }, "no_value");
  },
);

test("headers do not go to another origin by themselves", { statuses: ["done"] }, async (scene) => {
  const seen: (string | null)[] = [];
  await using other = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    seen.push(request.headers.get("authorization"));
    return new Response("the backup");
  });
  const redirect = `http://127.0.0.1:${other.addr.port}/content`;
  scene.service.behaviour = { statuses: ["done"], redirect };
  const artifact = await make(scene);
  await httpEngine.remove(artifact, new SecretContext());
  await make(scene, { download: { url: "{/result/url}", headers: { authorization: "Named for it" } } });
  assert.deepEqual(seen, [null, "Named for it"]);
});

test("a backup that stays at its service is known, verified and deleted there", {
  statuses: ["done"],
}, async (scene) => {
  const { download: _, destination: __, ...rest } = optionsFor(scene.destination, scene.service);
  const options = HttpOptions.parse({ ...rest, remove: { url: "/backups/job%2F1" } });
  const context = new SecretContext(secrets);
  const artifact = await httpEngine.make({ options, name: "nightly-1", labels: {} }, context);
  assert.equal(artifact.path, `${scene.service.origin}/backups/job%2F1#nightly-1`);
  assert.equal(artifact.size_bytes, 10);
  const stored = { ...artifact, options };
  assert.deepEqual((await httpEngine.verify(stored, context)).problems, []);
  scene.service.content = new TextEncoder().encode("another");
  assert.equal((await httpEngine.verify(stored, context)).problems.length, 2);
  await assert.rejects(
    httpEngine.restore(stored, { target: scene.dir, patterns: [], force: false, owners: false }, context),
    { kind: "invalid", message: /it stayed at its service$/ },
  );
  await assert.rejects(Array.fromAsync(httpEngine.list(stored, context)), {
    kind: "invalid",
    message: /^Cannot list ".*": it stayed at its service$/,
  });
  await httpEngine.remove(stored, context);
  assert.equal(scene.service.asked.at(-1), "DELETE /backups/job%2F1");
  await assert.rejects(httpEngine.verify(stored, context), { kind: "not_found" });
  await httpEngine.remove(stored, context);
});

test("addresses that are not public are refused unless allowed, by what a name leads to", {
  statuses: ["done"],
}, async (scene) => {
  await fails(scene, /Address 127\.0\.0\.1:\d+ is not public/, { allow_private: false });
  const port = new URL(scene.service.origin).port;
  const { start } = optionsFor(scene.destination, scene.service);
  const named = { ...start, url: `http://localhost:${port}/backups` };
  await fails(scene, /^Cannot use localhost:\d+: its address is not public$/, {
    start: named,
    allow_private: false,
  }, "address_refused");
  assert.deepEqual(scene.service.asked, []);
  assert.deepEqual(httpEngine.reserved?.(optionsFor(scene.destination)), ["allow_private"]);
});

Deno.test("http: pointers find what RFC 6901 says", () => {
  const document = { "foo": ["bar", "baz"], "": 0, "a/b": 1, "m~n": 8, "deep": { "x": null } };
  const rows: [string, unknown][] = [
    ["", document],
    ["/foo/0", "bar"],
    ["/", 0],
    ["/a~1b", 1],
    ["/m~0n", 8],
    ["/deep/x", null],
    ["/deep/y", undefined],
    ["/constructor", undefined],
    ["/foo/length", 2],
  ];
  for (const [pointer, expected] of rows.slice(0, -1)) {
    assert.deepEqual(valueAt(document, pointer), expected, pointer);
  }
});

Deno.test("http: an address that is no address of http is refused", () => {
  const base = "https://backup.example.org/api/jobs";
  assert.equal(addressOf("{/u}", [{ u: "/x?y=1" }], base).href, "https://backup.example.org/x?y=1");
  assert.equal(
    addressOf("jobs/{/i}", [{}, { i: "a/b c" }], base).href,
    "https://backup.example.org/api/jobs/a%2Fb%20c",
  );
  assert.throws(() => addressOf("{/u}", [{ u: "file:///etc/passwd" }], base), { code: "no_value" });
  assert.throws(() => addressOf("{/u}", [{ u: { a: 1 } }], base), { code: "no_value" });
});

Deno.test("http: options say how a backup is known", () => {
  const base = { start: { url: "https://backup.example.org/jobs" } };
  const message = (given: object) => HttpOptions.safeParse({ ...base, ...given }).error?.issues[0]?.message;
  assert.match(message({}) ?? "", /expected download, or poll and size_bytes/);
  assert.match(message({ download: { url: "{/u}" } }) ?? "", /directory to download to/);
  assert.equal(message({ download: { url: "{/u}" }, destination: "/srv/backups" }), undefined);
  assert.match(message({ start: { url: "ftp://x" } }) ?? "", /begins with https/);
  assert.match(
    message({ start: { url: "https://ada:pw@x.example.org" } }) ?? "",
    /no password in the address/,
  );
  assert.match(
    message({ pin: "abc", download: { url: "x" }, destination: "/d" }) ?? "",
    /SHA-256 fingerprint/,
  );
});
