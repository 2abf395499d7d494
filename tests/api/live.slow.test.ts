/** The live view, seen by a WebSocket client that is not ours and by plain server-sent events. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { WebSocket } from "ws";
import { z } from "zod";
import { listenTcp } from "../../src/api/listen.ts";
import type { FeedEvent } from "../../src/schedules/model.ts";
import { sandbox } from "../support/daemon.ts";
import { until, within } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

const BASE = "/api/v1/backup-scheduler";

interface Served extends AsyncDisposable {
  w: World;
  url: string;
}

async function served(): Promise<Served> {
  const w = await world();
  const listener = await listenTcp({ tls: { cert_file: null, key_file: null } }, {
    hostname: "127.0.0.1",
    port: 0,
  }, w.api);
  return {
    w,
    url: listener.url,
    async [Symbol.asyncDispose]() {
      await listener.close();
      await w[Symbol.asyncDispose]();
    },
  };
}

/** A connection and what it received. */
function open(
  url: string,
  options: { headers?: Record<string, string>; first?: string; path?: string } = {},
) {
  const socket = new WebSocket(`${url.replace("http", "ws")}${BASE}/ws${options.path ?? ""}`, {
    headers: options.headers ?? {},
  });
  const events: FeedEvent[] = [];
  socket.on("message", (data: { toString(): string }) => void events.push(JSON.parse(data.toString())));
  if (options.first !== undefined) socket.on("open", () => socket.send(options.first ?? ""));
  const closed = new Promise<number>((resolve) => {
    socket.on("close", (code: number) => resolve(code));
    socket.on("error", () => {});
    socket.on(
      "unexpected-response",
      (_: unknown, answer: { statusCode?: number }) => resolve(answer.statusCode ?? 0),
    );
  });
  return { socket, events, closed };
}

/** Triggers a schedule and resolves with the id of its run. */
async function trigger({ w, url }: Served, schedule: string): Promise<string> {
  const headers = { authorization: `Bearer ${await w.keyFor("operator")}` };
  const answer = await fetch(`${url}${BASE}/schedules/${schedule}/trigger`, { method: "POST", headers });
  assert.equal(answer.status, 202);
  return String((await answer.json()).run_id);
}

const resultOf = (events: FeedEvent[], run: string) =>
  events.find((event) => event.type === "result" && event.log.id === run);

Deno.test("a WebSocket client sees a triggered run queued, running, at work and successful", async () => {
  await using it = await served();
  const { socket, events, closed } = open(it.url, {
    headers: { authorization: `Bearer ${await it.w.keyFor("user")}` },
  });
  await until("the greeting", () => events[0]?.type === "hello");
  const run = await trigger(it, it.w.own.schedule);
  const result = await until("the result", () => resultOf(events, run));
  assert.ok(result.type === "result" && result.log.status === "success");
  const states = events.filter((event) => event.type === "state").map((event) => event.state);
  assert.deepEqual(states, ["queued", "running"]);
  assert.ok(events.some((event) => event.type === "progress" && event.run_id === run), "no progress came");
  const ids = events.map((event) => event.id);
  assert.equal(new Set(ids).size, ids.length, "an id came twice");
  socket.close();
  await within(60, "the close", closed);
});

Deno.test("a WebSocket takes its token as the first message, bare or in JSON, and refuses a wrong one with 4401", async () => {
  await using it = await served();
  const key = await it.w.keyFor("user");
  for (const first of [key, JSON.stringify({ token: key }), JSON.stringify({ access_token: key })]) {
    const { socket, events, closed } = open(it.url, { first });
    await until("the greeting", () => events[0]?.type === "hello");
    socket.close();
    await within(60, "the close", closed);
  }
  for (const first of ["hf_wrong_wrongwrongwrongwrong", "{}", "not a token", ""]) {
    assert.equal(await within(60, "the refusal", open(it.url, { first }).closed), 4401, first);
  }
  const refused = open(it.url, { headers: { authorization: "Bearer nonsense" } });
  assert.equal(await within(60, "the refusal", refused.closed), 401);
});

Deno.test("a caller limited to a server sees the runs of that server only", async () => {
  await using it = await served();
  const token = await it.w.tokenFor("user", [it.w.own.id]);
  const { socket, events, closed } = open(it.url, { headers: { authorization: `Bearer ${token}` } });
  await until("the greeting", () => events[0]?.type === "hello");
  const foreign = await trigger(it, it.w.foreign.schedule);
  const own = await trigger(it, it.w.own.schedule);
  await until("the own result", () => resultOf(events, own));
  assert.ok(!JSON.stringify(events).includes(foreign));
  socket.close();
  await within(60, "the close", closed);
});

Deno.test("server-sent events are resumed where they were left, and say so when they cannot", async () => {
  await using it = await served();
  const headers = { authorization: `Bearer ${await it.w.keyFor("user")}` };
  const [first] = await readEvents(`${it.url}${BASE}/events`, headers, (events) => events.length > 0);
  assert.equal(first?.type, "hello");
  const run = await trigger(it, it.w.own.schedule);
  await until("the end of the run", async () => {
    const log = await (await fetch(`${it.url}${BASE}/logs/${run}`, { headers })).json();
    return log.status === "success";
  });
  const missed = await readEvents(
    `${it.url}${BASE}/events`,
    { ...headers, "last-event-id": first!.id },
    (events) => resultOf(events, run) !== undefined,
  );
  assert.deepEqual(missed.filter((event) => event.type === "state").map((event) => event.state), [
    "queued",
    "running",
  ]);
  for (const id of ["elsewhere-12", "junk", "99999999-1"]) {
    const [again] = await readEvents(
      `${it.url}${BASE}/events`,
      { ...headers, "last-event-id": id },
      (events) => events.length > 0,
    );
    assert.equal(again?.type, "reset", id);
  }
});

async function readEvents(
  url: string,
  headers: Record<string, string>,
  enough: (events: FeedEvent[]) => boolean,
): Promise<FeedEvent[]> {
  const stop = new AbortController();
  const answer = await fetch(url, { headers, signal: stop.signal });
  assert.equal(answer.status, 200);
  const events: FeedEvent[] = [];
  let text = "";
  try {
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const frames = text.split("\n\n");
      text = frames.pop() ?? "";
      for (const data of frames.map((frame) => /^data: (.*)$/m.exec(frame)?.[1])) {
        if (data !== undefined) events.push(JSON.parse(data));
      }
      if (enough(events)) break;
    }
  } finally {
    stop.abort();
  }
  return events;
}

const IDLE = 500;
const SLOW = 50;
const MAX_GROWTH_BYTES = 100 * 1024 * 1024;

Deno.test("500 idle and 50 slow clients do not raise the daemon's memory by more than 100 MiB", async () => {
  await using box = await sandbox();
  await box.ok("servers", "create", "--name", "web-1", "--host", "127.0.0.1");
  const source = `${box.dir}/source`;
  await Deno.mkdir(source);
  for (let i = 0; i < 2000; i++) await Deno.writeTextFile(`${source}/${i}`, "x");
  await box.ok(
    ...[
      "schedules",
      "create",
      "--server",
      "web-1",
      "--name",
      "busy",
      "--cron",
      "0 2 * * *",
      "--engine",
      "archive",
    ],
    ...["--source", source, "--destination", `${box.dir}/backups`],
  );
  const daemon = await box.serve("--api-rate-per-minute", "100000", "--api-rate-burst", "100000");
  const key = (await box.json(
    z.object({ key: z.string() }),
    "api-keys",
    "create",
    "--name",
    "watcher",
    "--role",
    "user",
  )).key;
  const url = daemon.url;
  const clients: { socket: WebSocket; events: FeedEvent[] }[] = [];
  const greeted = async (client: { events: FeedEvent[] }) =>
    await until("a greeting", () => client.events.length > 0);
  const work = async () => {
    for (let round = 0; round < 5; round++) await box.ok("schedules", "trigger", "busy", "--wait");
  };
  // What the runs themselves take is not the clients', and grows with the first of them.
  await work();
  await work();
  const before = await residentBytes(daemon.pid);
  for (let i = 0; i < IDLE; i++) {
    const client = open(url, { first: key });
    clients.push(client);
    await greeted(client);
  }
  const slow = await Promise.all(Array.from({ length: SLOW }, () => deafClient(url, key)));
  await work();
  const grown = await residentBytes(daemon.pid) - before;
  console.log(
    `memory grew by ${Math.round(grown / 1024 / 1024)} MiB for ${IDLE} idle and ${SLOW} slow clients`,
  );
  assert.ok(grown < MAX_GROWTH_BYTES, `memory grew by ${grown} bytes`);
  for (const { socket } of clients) socket.terminate();
  for (const socket of slow) socket.destroy();
});

/** A client that opens the WebSocket, says its token and then never reads. */
async function deafClient(url: string, key: string) {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  const handshake = [
    `GET ${BASE}/ws HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    `Authorization: Bearer ${key}`,
    "",
    "",
  ];
  socket.write(handshake.join("\r\n"));
  socket.pause();
  return socket;
}

async function residentBytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}
