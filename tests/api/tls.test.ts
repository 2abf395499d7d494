/** HTTPS with real certificates: serving, reading them again, and keeping what works. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { connect } from "node:tls";
import type { ApiFetch } from "../../src/api/app.ts";
import { type Listener, listenTcp } from "../../src/api/listen.ts";
import { HoldfastError } from "../../src/lib/errors.ts";
import { startLogging } from "../../src/telemetry/mod.ts";
import { canMakeCertificates, makeCertificate } from "../support/certificates.ts";
import { until } from "../support/wait.ts";

const ignore = !await canMakeCertificates("tests of TLS");

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

const OK: ApiFetch = () => Promise.resolve(new Response("ok"));
const ANYWHERE = { hostname: "127.0.0.1", port: 0 };

/** A directory with the certificates `first` and `second`, and `cert.pem`/`key.pem` that are the first. */
async function withCertificates() {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-tls-" });
  const [first, second] = await Promise.all([makeCertificate(dir, "first"), makeCertificate(dir, "second")]);
  const live = join(dir, "live");
  await Deno.mkdir(live);
  const [cert_file, key_file] = [join(live, "cert.pem"), join(live, "key.pem")];
  const use = async ({ cert, key }: { cert: string; key: string }) => {
    await Deno.writeTextFile(key_file, key);
    await Deno.writeTextFile(cert_file, cert);
  };
  await use(first);
  return {
    dir,
    first,
    second,
    settings: { tls: { cert_file, key_file } },
    cert_file,
    key_file,
    use,
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

/** The name in the certificate that a new connection is shown. */
function nameShown(listener: Listener): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const port = Number(new URL(listener.url).port);
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
    const { CN } = socket.getPeerCertificate().subject;
    socket.end();
    resolve(String(CN));
  });
  socket.on("error", reject);
  return promise;
}

/** Waits until new connections are shown a certificate of this name. */
async function untilShown(listener: Listener, name: string): Promise<void> {
  // A connection that is opened at the moment of the change may be reset.
  await until(`certificate ${name}`, async () => await nameShown(listener).catch(() => "") === name);
}

async function refusal(promise: Promise<Listener>): Promise<HoldfastError> {
  try {
    await (await promise).close();
  } catch (error) {
    assert.ok(error instanceof HoldfastError, String(error));
    return error;
  }
  assert.fail("expected an error");
}

test("requests are answered over TLS to clients that trust the certificate, and to no others", async () => {
  await using c = await withCertificates();
  const listener = await listenTcp(c.settings, ANYWHERE, OK);
  assert.match(listener.url, /^https:\/\/127\.0\.0\.1:\d+$/);
  using trusting = Deno.createHttpClient({ caCerts: [c.first.cert] });
  using strange = Deno.createHttpClient({ caCerts: [c.second.cert] });
  const answer = await fetch(listener.url, { client: trusting });
  assert.equal(await answer.text(), "ok");
  await assert.rejects(fetch(listener.url, { client: strange }));
  await assert.rejects(fetch(listener.url.replace("https", "http")));
  await listener.close();
});

test("a new certificate is taken when its file changes, and a request under way ends as it began", async () => {
  await using c = await withCertificates();
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const api: ApiFetch = async (request) => {
    if (!request.url.endsWith("/slow")) return new Response("ok");
    begun.resolve();
    await release.promise;
    return new Response("slow");
  };
  const listener = await listenTcp(c.settings, ANYWHERE, api);
  using old = Deno.createHttpClient({ caCerts: [c.first.cert] });
  const slow = fetch(`${listener.url}/slow`, { client: old });
  await begun.promise;
  await c.use(c.second);
  await untilShown(listener, "second");
  using fresh = Deno.createHttpClient({ caCerts: [c.second.cert] });
  const answer = await fetch(listener.url, { client: fresh });
  assert.equal(await answer.text(), "ok");
  release.resolve();
  assert.equal(await (await slow).text(), "slow");
  await c.use(c.first);
  await untilShown(listener, "first");
  await listener.close();
});

test("clients that keep their connection, and those that open one at a time, are served through the change", async () => {
  await using c = await withCertificates();
  const listener = await listenTcp(c.settings, ANYWHERE, OK);
  using client = Deno.createHttpClient({ caCerts: [c.first.cert, c.second.cert] });
  let stop = false;
  let answered = 0;
  const load = async (headers: Record<string, string>) => {
    while (!stop) {
      const ask = () => fetch(listener.url, { client, headers });
      // A connection that is opened at the moment of the change may be reset: once, not twice.
      const answer = await ask().catch(ask);
      assert.equal(await answer.text(), "ok");
      answered++;
    }
  };
  const clients = Promise.all([load({}), load({ connection: "close" }), load({ connection: "close" })]);
  for (const [next, name] of [[c.second, "second"], [c.first, "first"], [c.second, "second"]] as const) {
    await c.use(next);
    await untilShown(listener, name);
  }
  stop = true;
  await clients;
  assert.ok(answered > 0);
  await listener.close();
});

test("a certificate that cannot be used, or is of another key, is logged and leaves the old one in its place", async () => {
  await using c = await withCertificates();
  const file = join(c.dir, "log");
  const stopLogging = await startLogging({ level: "warning", format: "json", file });
  const listener = await listenTcp(c.settings, ANYWHERE, OK);
  const warnings = async () =>
    (await Deno.readTextFile(file)).split("Cannot use the new certificate").length - 1;
  for (const bad of ["", "no certificate", c.second.cert, c.first.cert.slice(0, 200)]) {
    const before = await warnings();
    await Deno.writeTextFile(c.cert_file, bad);
    await until("a warning", async () => await warnings() > before);
    assert.equal(await nameShown(listener), "first");
  }
  await Deno.remove(c.cert_file);
  assert.equal(await nameShown(listener), "first");
  await c.use(c.second);
  await untilShown(listener, "second");
  await listener.close();
  await stopLogging();
});

test("certificates that renewal puts in place by renaming or by a link are taken too", async () => {
  await using c = await withCertificates();
  const listener = await listenTcp(c.settings, ANYWHERE, OK);
  for (const [file, text] of [[c.key_file, c.second.key], [c.cert_file, c.second.cert]] as const) {
    await Deno.writeTextFile(`${file}.new`, text);
    await Deno.rename(`${file}.new`, file);
  }
  await untilShown(listener, "second");
  for (const [file, name] of [[c.key_file, "first.key"], [c.cert_file, "first.pem"]] as const) {
    await Deno.symlink(join(c.dir, name), `${file}.new`);
    await Deno.rename(`${file}.new`, file);
  }
  await untilShown(listener, "first");
  await listener.close();
});

test("without a usable certificate the daemon does not start, and says which file", async () => {
  await using c = await withCertificates();
  const { cert_file, key_file } = c;
  const missing = await refusal(
    listenTcp({ tls: { cert_file: join(c.dir, "none.pem"), key_file } }, ANYWHERE, OK),
  );
  assert.equal(missing.kind, "invalid");
  assert.match(missing.message, /Cannot read ".*none\.pem" for TLS/);
  await Deno.writeTextFile(cert_file, "no certificate");
  assert.equal((await refusal(listenTcp(c.settings, ANYWHERE, OK))).kind, "invalid");
  await Deno.writeTextFile(cert_file, c.second.cert);
  assert.equal((await refusal(listenTcp(c.settings, ANYWHERE, OK))).kind, "invalid");
});

test("a port that another daemon serves is refused, with TLS too", async () => {
  await using c = await withCertificates();
  const listener = await listenTcp(c.settings, ANYWHERE, OK);
  const taken = { hostname: "127.0.0.1", port: Number(new URL(listener.url).port) };
  for (const settings of [c.settings, { tls: { cert_file: null, key_file: null } }]) {
    const error = await refusal(listenTcp(settings, taken, OK));
    assert.equal(error.kind, "conflict");
    assert.match(error.message, /the address is in use/);
  }
  await listener.close();
});
