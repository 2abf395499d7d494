/** The doors with real sockets: TCP, the Unix socket, and who is behind a proxy. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Listener, listenSocket, listenTcp } from "../../src/api/listen.ts";
import { checkConfig } from "../../src/config/mod.ts";
import { HoldfastError } from "../../src/lib/errors.ts";
import { type TestApp, testApp } from "../support/app.ts";
import { freePort } from "../support/ports.ts";

const PLAIN = { tls: { cert_file: null, key_file: null } };
const ANYWHERE = { hostname: "127.0.0.1", port: 0 };
const ME = "/api/v1/auth/me";

/** An application behind a real TCP port and a real socket. */
async function served(settings: Record<string, string> = {}) {
  const t = await testApp(settings);
  const tcp = await listenTcp(PLAIN, ANYWHERE, t.api);
  const socket = await listenSocket(t.config.api.socket, t.api);
  return {
    t,
    url: tcp.url,
    path: t.config.api.socket,
    async [Symbol.asyncDispose]() {
      await Promise.all([tcp.close(), socket.close()]);
      await t[Symbol.asyncDispose]();
    },
  };
}

/** Asks through the Unix socket. */
async function askSocket(
  path: string,
  route: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  const answer = await fetch(`http://localhost${route}`, { client, headers });
  return new Response(await answer.arrayBuffer(), answer);
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

/** Addresses of the audit lines of log-in attempts. */
async function addressesSeen(t: TestApp): Promise<(string | null)[]> {
  const { lines } = await t.local("GET", "/api/v1/audit?operation=secrets");
  return lines.map(({ address }: { address: string | null }) => address).reverse();
}

Deno.test("over TCP nobody is anybody without credentials; over the socket everybody is an administrator", async () => {
  await using s = await served();
  const stranger = await fetch(s.url + ME);
  assert.equal(stranger.status, 401);
  await stranger.body?.cancel();
  // What the command line claims on the socket counts for nothing elsewhere.
  const claimed = await fetch(s.url + ME, { headers: { "x-holdfast-user": "root" } });
  assert.equal(claimed.status, 401);
  await claimed.body?.cancel();
  const me = await (await askSocket(s.path, ME, { "x-holdfast-user": "ada" })).json();
  assert.deepEqual([me.kind, me.name, me.role, me.servers], ["local", "local:ada", "admin", null]);
  const odd = await (await askSocket(s.path, ME, { "x-holdfast-user": "a b; drop" })).json();
  assert.equal(odd.name, "local:unknown");
});

Deno.test("the socket is for its owner alone, in a directory for its owner alone, and is gone when closed", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-socket-" });
  const path = join(dir, "run/deep/holdfast.sock");
  const listener = await listenSocket(path, () => Promise.resolve(new Response("ok")));
  const mode = async (of: string) => ((await Deno.stat(of)).mode ?? 0) & 0o777;
  assert.equal(await mode(path), 0o600);
  assert.equal(await mode(join(dir, "run/deep")), 0o700);
  assert.equal(await mode(join(dir, "run")), 0o700);
  assert.equal(listener.url, `unix:${path}`);
  assert.equal(await (await askSocket(path, "/")).text(), "ok");
  await listener.close();
  await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("a socket that a killed daemon left is taken over", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-socket-" });
  const path = join(dir, "holdfast.sock");
  const script = `const l = Deno.listen({ transport: "unix", path: ${
    JSON.stringify(path)
  } }); console.log(l.addr.path);
    setInterval(() => {}, 1000);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const reader = child.stdout.getReader();
  await reader.read();
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  assert.ok((await Deno.lstat(path)).isSocket);
  const listener = await listenSocket(path, () => Promise.resolve(new Response("new")));
  assert.equal(await (await askSocket(path, "/")).text(), "new");
  await listener.close();
  await Deno.remove(dir, { recursive: true });
});

Deno.test("a socket path the system cannot take is refused before anything is made", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-socket-" });
  const path = join(dir, "ü".repeat(60), "holdfast.sock");
  const error = await refusal(listenSocket(path, () => Promise.resolve(new Response())));
  assert.equal(error.kind, "invalid");
  assert.match(error.message, /longer than 107 bytes/);
  assert.match(error.hint ?? "", /api\.socket/);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(dir)), []);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("a socket path that holds a file or a directory is refused, and nothing is removed", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-socket-" });
  const file = join(dir, "precious");
  await Deno.writeTextFile(file, "data");
  for (const path of [file, dir, join(file, "holdfast.sock")]) {
    const error = await refusal(listenSocket(path, () => Promise.resolve(new Response())));
    assert.equal(error.kind, "invalid");
    assert.match(error.message, /^Cannot listen on socket "/);
  }
  assert.equal(await Deno.readTextFile(file), "data");
  await Deno.remove(dir, { recursive: true });
});

Deno.test("a port in use and an address of another host are refused with their reason", async () => {
  const ok = () => Promise.resolve(new Response("ok"));
  const first = await listenTcp(PLAIN, ANYWHERE, ok);
  const port = Number(new URL(first.url).port);
  const used = await refusal(listenTcp(PLAIN, { hostname: "127.0.0.1", port }, ok));
  assert.equal(used.kind, "conflict");
  assert.match(used.message, new RegExp(`127\\.0\\.0\\.1:${port}: the address is in use`));
  assert.match(used.hint ?? "", /--api-listen/);
  await first.close();
  const foreign = await refusal(listenTcp(PLAIN, { hostname: "192.0.2.1", port: 0 }, ok));
  assert.equal(foreign.kind, "invalid");
});

Deno.test("IPv6 is listened on, and the address is written as browsers want it", async () => {
  const listener = await listenTcp(
    PLAIN,
    { hostname: "::1", port: 0 },
    (_, peer) => Promise.resolve(new Response(peer.address)),
  );
  assert.match(listener.url, /^http:\/\/\[::1\]:\d+$/);
  assert.equal(await (await fetch(listener.url)).text(), "::1");
  await listener.close();
});

Deno.test("an address other hosts can reach needs TLS, or the word that something else adds it", async () => {
  const judge = async (args: Record<string, string>) => {
    const { problems } = await checkConfig({ args, env: {}, cwd: "/", systemFile: "/none.yaml" });
    return problems.map(({ message }) => message).join();
  };
  for (const listen of ["0.0.0.0:8420", "[::]:8420", "192.0.2.1:8420", "backup.example.org:8420"]) {
    assert.match(
      await judge({ "api.listen": listen }),
      /reachable from other hosts: set api\.tls\.cert_file/,
    );
    assert.equal(await judge({ "api.listen": listen, "api.allow_plain_http": "true" }), "");
    const tls = { "api.tls.cert_file": "/tls/cert.pem", "api.tls.key_file": "/tls/key.pem" };
    assert.equal(await judge({ "api.listen": listen, ...tls }), "");
    assert.match(await judge({ "api.listen": listen, "api.tls.cert_file": "/tls/cert.pem" }), /key_file/);
  }
  for (const listen of ["127.0.0.1:8420", "[::1]:8420", "localhost:8420"]) {
    assert.equal(await judge({ "api.listen": listen }), "");
  }
});

Deno.test("behind a trusted proxy the audit names the client, and nobody else can claim to be one", async () => {
  const forwarded = { "x-forwarded-for": "203.0.113.5, 198.51.100.7" };
  for (
    const [trusted, seen] of [["", "127.0.0.1"], ["127.0.0.1", "198.51.100.7"], ["10.0.0.0/8", "127.0.0.1"]]
  ) {
    await using s = await served(trusted === "" ? {} : { "api.trusted_proxies": String(trusted) });
    const authorization = `Bearer ${await s.t.keyFor("admin")}`;
    const answer = await fetch(`${s.url}/api/v1/secrets/db`, {
      method: "PUT",
      headers: { ...forwarded, authorization, "content-type": "application/json" },
      body: JSON.stringify({ value: "long secret" }),
    });
    assert.equal(answer.status, 200);
    await answer.body?.cancel();
    assert.deepEqual(await addressesSeen(s.t), [seen]);
  }
});

Deno.test("bytes that are no HTTP, half a request and a client that hangs up do not disturb the others", async () => {
  await using s = await served();
  const { hostname, port } = new URL(s.url);
  for (
    const bytes of [
      "\u0016\u0003\u0001\u0002\u0000\u0001",
      "GET / HTTP/9.9\r\n\r\n",
      `POST ${ME} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{`,
      `GET ${ME} HTTP/1.1\r\nhost: x\r\nx-junk: ${"a".repeat(300_000)}\r\n\r\n`,
      "",
    ]
  ) {
    const connection = await Deno.connect({ hostname, port: Number(port) });
    // A server that hangs up first is as good as one that answers.
    await connection.write(new TextEncoder().encode(bytes)).catch(() => {});
    connection.close();
  }
  const answer = await fetch(`${s.url}/api/v1/health`);
  assert.equal((await answer.json()).status, "ok");
});

Deno.test("closing waits for the request under way and takes no further one", async () => {
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const listener = await listenTcp(PLAIN, { ...ANYWHERE, port: freePort() }, async () => {
    begun.resolve();
    await release.promise;
    return new Response("done");
  });
  const slow = fetch(listener.url);
  await begun.promise;
  const closed = listener.close();
  release.resolve();
  assert.equal(await (await slow).text(), "done");
  await closed;
  await assert.rejects(fetch(listener.url));
});
