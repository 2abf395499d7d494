import assert from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { type HttpTarget, httpTransport, readEvents, type Transport } from "../../src/cli/transport.ts";
import { ERROR_KINDS, type ErrorKind, HoldfastError, toProblem } from "../../src/lib/errors.ts";
import { type Operation, operation } from "../../src/lib/operation.ts";
import { freePort } from "../support/ports.ts";

const op = (overrides: Partial<Operation> = {}): Operation =>
  operation({
    name: "things.get",
    route: "GET /api/v1/things/{thing}",
    role: "user",
    summary: "S",
    input: z.object({}),
    output: z.unknown(),
    run: () => null,
    ...overrides,
  });

const NEVER = new AbortController().signal;

/** Runs `work` with a transport to a server on loopback that answers with `handler`. */
async function withServer(
  handler: (request: Request) => Response | Promise<Response>,
  work: (transport: Transport, url: string) => Promise<void>,
  target: Partial<HttpTarget> = {},
): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  const url = `http://127.0.0.1:${server.addr.port}${target.url ?? ""}`;
  const transport = httpTransport({ kind: "remote", headers: { "x-api-key": "k" }, ...target, url });
  try {
    await work(transport, url);
  } finally {
    await transport.close();
    await server.shutdown();
  }
}

/** What the server saw of a call. */
async function seen(operation: Operation, input: Record<string, unknown>, base = "") {
  let result: Record<string, unknown> = {};
  await withServer(
    async (request) => {
      const url = new URL(request.url);
      result = {
        line: `${request.method} ${url.pathname}${decodeURIComponent(url.search)}`,
        type: request.headers.get("content-type"),
        key: request.headers.get("x-api-key"),
        body: await request.text(),
      };
      return Response.json({});
    },
    async (transport) => void await transport.call(operation, input, NEVER),
    { url: base },
  );
  return result;
}

Deno.test("an operation's input becomes path, query or body", async () => {
  assert.deepEqual(
    await seen(op(), {
      thing: "a/b c?",
      n: 5,
      on: false,
      tags: ["x", "y"],
      o: { a: 1 },
      none: null,
      not: undefined,
    }),
    {
      line: 'GET /api/v1/things/a%2Fb%20c%3F?n=5&on=false&tags=x&tags=y&o={"a":1}',
      type: null,
      key: "k",
      body: "",
    },
  );
  assert.deepEqual(await seen(op({ route: "DELETE /api/v1/things/{thing}" }), { thing: 7, force: true }), {
    line: "DELETE /api/v1/things/7?force=true",
    type: null,
    key: "k",
    body: "",
  });
  assert.deepEqual(
    await seen(op({ route: "PATCH /api/v1/things/{thing}" }), { thing: "é", name: null, n: 5 }),
    {
      line: "PATCH /api/v1/things/%C3%A9",
      type: "application/json",
      key: "k",
      body: '{"name":null,"n":5}',
    },
  );
  assert.deepEqual(
    await seen(op({ route: "POST /ping/{code}", body: "text" }), { code: "c", rid: "r", body: "a\nb" }),
    {
      line: "POST /ping/c?rid=r",
      type: "text/plain",
      key: "k",
      body: "a\nb",
    },
  );
});

Deno.test("a daemon behind a path of a proxy is reached there", async () => {
  assert.equal((await seen(op(), { thing: "a" }, "/holdfast/")).line, "GET /holdfast/api/v1/things/a");
  assert.equal((await seen(op(), { thing: "a" }, "/")).line, "GET /api/v1/things/a");
});

Deno.test("a name that would lead to another address is refused before anything is sent", async () => {
  await withServer(() => assert.fail("nothing must be sent"), async (transport) => {
    for (const thing of ["", ".", ".."]) {
      await assert.rejects(transport.call(op(), { thing }, NEVER), {
        kind: "invalid",
        message: `Cannot things.get: thing: must not be "${thing}"`,
      });
    }
  });
});

Deno.test("an answer is what the JSON says, and no body is no answer", async () => {
  await withServer(
    (request) =>
      request.url.endsWith("empty") ? new Response(null, { status: 204 }) : Response.json([1, { a: null }]),
    async (t) => {
      assert.deepEqual(await t.call(op(), { thing: "list" }, NEVER), [1, { a: null }]);
      assert.equal(await t.call(op(), { thing: "empty" }, NEVER), undefined);
    },
  );
});

Deno.test("a problem is thrown as the error it stands for, of every kind", async () => {
  const kinds = (Object.keys(ERROR_KINDS) as ErrorKind[]).filter((kind) => kind !== "internal");
  await withServer((request) => {
    const kind = kinds.find((kind) => request.url.endsWith(kind)) ?? "internal";
    const errors = [{ path: "a", message: "is wrong" }];
    const problem = toProblem(
      new HoldfastError(kind, `Cannot: ${kind}`, { code: "c", hint: "h", errors }),
      "r",
    );
    return Response.json(problem, {
      status: problem.status,
      headers: { "content-type": "application/problem+json", "retry-after": "7" },
    });
  }, async (transport) => {
    for (const kind of kinds) {
      await assert.rejects(transport.call(op(), { thing: kind }, NEVER), {
        kind,
        message: `Cannot: ${kind}`,
        code: "c",
        // Who is remote and not logged in is told about the key.
        hint: kind === "unauthenticated"
          ? "look there whether the key is still good: holdfast api-keys list"
          : "h",
        errors: [{ path: "a", message: "is wrong" }],
        retryAfterSeconds: 7,
        exitCode: ERROR_KINDS[kind].exit,
      });
    }
  });
});

Deno.test("an operation whose status tells something keeps its 503, and a problem with 503 stays a problem", async () => {
  const health = op({ status: { of: () => 503 } });
  await withServer(
    (request) =>
      request.url.endsWith("own")
        ? Response.json({ status: "failed" }, { status: 503 })
        : Response.json({ detail: "Cannot use it" }, {
          status: 503,
          headers: { "content-type": "application/problem+json" },
        }),
    async (transport) => {
      assert.deepEqual(await transport.call(health, { thing: "own" }, NEVER), { status: "failed" });
      await assert.rejects(transport.call(health, { thing: "x" }, NEVER), {
        kind: "unavailable",
        message: "Cannot use it",
      });
      await assert.rejects(transport.call(op(), { thing: "own" }, NEVER), { kind: "unavailable" });
    },
  );
});

Deno.test("a web page instead of an answer is an upstream error, or what its status says", async () => {
  const html = (status: number) =>
    new Response("<html>login</html>", { status, headers: { "content-type": "text/html" } });
  await withServer((request) => html(Number(request.url.split("/").at(-1))), async (transport, url) => {
    await assert.rejects(transport.call(op(), { thing: "200" }, NEVER), {
      kind: "upstream",
      message: `Cannot read the answer of ${url}: it is not JSON`,
    });
    await assert.rejects(Array.fromAsync(transport.stream(op(), { thing: "200" }, NEVER)), {
      kind: "upstream",
      message: `Cannot read the answer of ${url}: it is no event stream`,
    });
    for (const [status, kind] of [[502, "upstream"], [404, "not_found"], [413, "invalid"]] as const) {
      await assert.rejects(transport.call(op(), { thing: String(status) }, NEVER), {
        kind,
        message: `The server answered ${status} without a reason`,
      });
    }
  });
});

Deno.test("a redirection is not followed: the key would go along", async () => {
  let elsewhere = 0;
  await withServer((request) => {
    if (request.url.endsWith("elsewhere")) elsewhere++;
    return new Response(null, { status: 302, headers: { location: "/elsewhere" } });
  }, async (transport) => {
    await assert.rejects(transport.call(op(), { thing: "a" }, NEVER), { kind: "unavailable" });
  });
  assert.equal(elsewhere, 0);
});

Deno.test("nobody there is unavailable: a refused port, and a socket a killed daemon left, with what to do", async () => {
  const remote = httpTransport({ kind: "remote", url: `http://127.0.0.1:${freePort()}`, headers: {} });
  await assert.rejects(remote.call(op(), { thing: "a" }, NEVER), {
    kind: "unavailable",
    message: /^Cannot reach http:\/\/127\.0\.0\.1:\d+: connection refused$/,
    hint: /does the daemon run there/,
  });
  await remote.close();

  const dir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  const path = join(dir, "holdfast.sock");
  const made = Deno.serve({ path, onListen: () => {} }, () => Response.json("here"));
  const socket = httpTransport({
    kind: "socket",
    url: "http://holdfast.local",
    socketPath: path,
    headers: {},
  });
  assert.equal(await socket.call(op(), { thing: "a" }, NEVER), "here");
  await socket.close();
  await made.shutdown();
  await leaveStaleSocket(path);
  const stale = httpTransport({
    kind: "socket",
    url: "http://holdfast.local",
    socketPath: path,
    headers: {},
  });
  await assert.rejects(stale.call(op(), { thing: "a" }, NEVER), {
    kind: "unavailable",
    exitCode: 9,
    message: `Cannot reach the daemon: nobody answers on "${path}"`,
    hint: /start the daemon; if it was killed .* remove that file/,
  });
  await stale.close();
  await Deno.remove(dir, { recursive: true });
});

/** A socket file as kill -9 leaves it: there, and nobody behind it. */
async function leaveStaleSocket(path: string): Promise<void> {
  await Deno.remove(path).catch(() => {});
  const code = `Deno.listen({ transport: "unix", path: Deno.args[0] }); Deno.kill(Deno.pid, "SIGKILL");`;
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", code, path],
    stderr: "null",
  }).output();
  assert.equal(success, false);
  assert.ok((await Deno.lstat(path)).isSocket);
}

Deno.test("work that is watched is asked for as events, and a daemon that only knows JSON is understood", async () => {
  const accepted: (string | null)[] = [];
  const work = op({ route: "POST /api/v1/things/{thing}/work", progress: true });
  const answers: Record<string, () => Response> = {
    old: () => Response.json({ ok: true }),
    new: () => streamed('{"type":"progress","done_bytes":1}', '{"type":"result","result":{"ok":true}}'),
    short: () => streamed('{"type":"progress","done_bytes":1}'),
  };
  await withServer((request) => {
    accepted.push(request.headers.get("accept"));
    return answers[request.url.split("/").at(-2) ?? ""]?.() ?? Response.error();
  }, async (transport) => {
    const seen: unknown[] = [];
    const call = (thing: string) => transport.call(work, { thing }, NEVER, (event) => seen.push(event));
    assert.deepEqual(await call("old"), { ok: true });
    assert.deepEqual(await call("new"), { ok: true });
    assert.deepEqual(seen, [{ type: "progress", done_bytes: 1 }]);
    await assert.rejects(call("short"), { kind: "upstream", message: /the stream ended early/ });
    await transport.call(work, { thing: "old" }, NEVER);
    await transport.call({ ...work, progress: false }, { thing: "old" }, NEVER, () => {});
  });
  const events = "text/event-stream, application/json;q=0.5";
  assert.deepEqual(accepted, [events, events, events, "*/*", "*/*"]);
});

function streamed(...events: string[]): Response {
  return new Response(events.map((event) => `data: ${event}\n\n`).join(""), {
    headers: { "content-type": "text/event-stream" },
  });
}

Deno.test("going away ends a call and a stream with the reason given", async () => {
  const reason = new Error("interrupted");
  await withServer(() => new Promise<Response>(() => {}), async (transport) => {
    const stop = new AbortController();
    const calling = transport.call(op(), { thing: "a" }, stop.signal);
    stop.abort(reason);
    await assert.rejects(calling, reason);
    await assert.rejects(Array.fromAsync(transport.stream(op(), { thing: "a" }, stop.signal)), reason);
  });
});

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("events are read whatever the chunks: split in lines, in names, in letters", async () => {
  const bytes = encode(
    ':\n\nid: 1\nevent: line\ndata: {"type":"line","text":"é漢👩‍👧"}\n\n:\n\ndata: {"b":\ndata: 2}\n\nevent: x\n\ndata: "last"\n\n' +
      'data: {"cut":',
  );
  for (const size of [1, 2, 3, 7, 50, 10_000]) {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for (let i = 0; i < bytes.length; i += size) chunks.push(bytes.slice(i, i + size));
    assert.deepEqual(await Array.fromAsync(readEvents(ReadableStream.from(chunks))), [
      { type: "line", text: "é漢👩‍👧" },
      { b: 2 },
      "last",
    ], `${size} bytes at a time`);
  }
});

Deno.test("an event named error is thrown as what it stands for, one of that type alone is an event", async () => {
  const own = { type: "error", text: "the engine says so" };
  const problem = { type: "error", ...toProblem(new HoldfastError("not_found", "Cannot find it"), "r") };
  const text = `data: ${JSON.stringify(own)}\n\nevent: error\ndata: ${
    JSON.stringify(problem)
  }\n\ndata: "after"\n\n`;
  const events = readEvents(ReadableStream.from([encode(text)]))[Symbol.asyncIterator]();
  assert.deepEqual((await events.next()).value, own);
  await assert.rejects(Promise.resolve(events.next()), { kind: "not_found", message: "Cannot find it" });
});

Deno.test("what is no JSON is an upstream error", async () => {
  await assert.rejects(Array.fromAsync(readEvents(ReadableStream.from([encode("data: {junk\n\n")]))), {
    kind: "upstream",
  });
});

Deno.test("a connection lost in the middle is unavailable, not a defect", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(4096));
      await connection.write(encode(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" +
          'b\r\ndata: "a"\n\n\r\n',
      ));
      connection.close();
    }
  })();
  const url = `http://127.0.0.1:${listener.addr.port}`;
  const transport = httpTransport({ kind: "remote", url, headers: {} });
  const seen: unknown[] = [];
  await assert.rejects(async () => {
    for await (const event of transport.stream(op(), { thing: "a" }, NEVER)) seen.push(event);
  }, { kind: "unavailable", message: `Cannot read the answer of ${url}: the connection was lost` });
  assert.deepEqual(seen, ["a"]);
  await assert.rejects(transport.call(op(), { thing: "a" }, NEVER), { kind: "unavailable" });
  await transport.close();
  listener.close();
  await serving;
});
