/** What every kind of channel has to do, whatever is on the other side. */
import assert from "node:assert/strict";
import { DeliveryError } from "../../src/notify/channels/mod.ts";
import type { ChannelKind } from "../../src/notify/config.ts";
import { sendInTime } from "../../src/notify/deliverer.ts";
import { MailServer } from "../support/mail_server.ts";
import { freePort } from "../support/ports.ts";
import { Receiver, RudeServer } from "../support/receiver.ts";
import { until } from "../support/wait.ts";
import { channel, message } from "./samples.ts";

const SECRET = "s3cr3t-Value-42";

/** What the other side does. */
const BEHAVIOURS = [
  ["takes it", "sent"],
  ["refuses it", "refused"],
  ["fails", "failed"],
  ["is busy", "failed"],
  ["hangs", "failed"],
  ["hangs up", "failed"],
  ["answers junk", "failed"],
  ["is not there", "failed"],
  ["repeats what it was sent", "refused"],
] as const;
type Behaviour = typeof BEHAVIOURS[number][0];

/** The other side, doing what it was asked; null where that cannot be. */
interface Side {
  settings: Record<string, unknown>;
  /** How many messages arrived. */
  arrived(): number;
  close(): Promise<void>;
}

const sides: Record<ChannelKind, (behaviour: Behaviour) => Promise<Side | null> | Side | null> = {
  mail: mailSide,
  webhook: (behaviour) =>
    // Any answer of 2xx will do.
    behaviour === "answers junk" ? null : httpSide(behaviour, 204, null, { token: SECRET }),
  slack: (behaviour) => httpSide(behaviour, 200, "ok", {}, `/services/T0/B0/${SECRET}`),
  teams: (behaviour) => httpSide(behaviour, 202, null, {}, `/workflows/x?sig=${SECRET}`),
  discord: (behaviour) => httpSide(behaviour, 200, '{"id":"1"}', {}, `/api/webhooks/1/${SECRET}`),
  telegram: (behaviour) => httpSide(behaviour, 200, '{"ok":true}', { token: `12:${SECRET}`, chat_id: "7" }),
  ntfy: (behaviour) => httpSide(behaviour, 200, '{"id":"a"}', { token: SECRET, topic: "t" }),
  gotify: (behaviour) => httpSide(behaviour, 200, '{"id":1}', { token: SECRET }),
  pagerduty: (behaviour) =>
    httpSide(behaviour, 202, '{"status":"success"}', { token: SECRET }, "/v2/enqueue"),
  syslog: syslogSide,
  command: commandSide,
};

function httpSide(
  behaviour: Behaviour,
  status: number,
  body: string | null,
  settings: Record<string, unknown>,
  path = "",
): Side {
  const at = (port: number) => ({
    ...settings,
    url: `http://127.0.0.1:${port}${path}`,
    allow_private_addresses: true,
  });
  if (behaviour === "is not there") return nobody(at(freePort()));
  if (behaviour === "hangs up") {
    const rude = new RudeServer();
    return { settings: at(rude.port), arrived: () => 0, close: () => rude[Symbol.asyncDispose]() };
  }
  let taken = 0;
  const receiver = new Receiver(({ headers, path, body: sent }) => {
    switch (behaviour) {
      case "refuses it":
        return Response.json({ message: "no such hook" }, { status: 404 });
      case "fails":
        return new Response("Bad gateway", { status: 502 });
      case "is busy":
        return new Response("", { status: 429, headers: { "retry-after": "30" } });
      case "hangs":
        return "hang";
      case "answers junk":
        return new Response("<!doctype html><title>Hotel</title>", {
          headers: { "content-type": "text/html" },
        });
      case "repeats what it was sent":
        return new Response(JSON.stringify({ message: `${path} ${JSON.stringify([...headers])} ${sent}` }), {
          status: 400,
        });
      default:
        taken++;
        return new Response(body, { status });
    }
  });
  const port = Number(new URL(receiver.url).port);
  return { settings: at(port), arrived: () => taken, close: () => receiver[Symbol.asyncDispose]() };
}

function nobody(settings: Record<string, unknown>): Side {
  return { settings, arrived: () => 0, close: () => Promise.resolve() };
}

async function mailSide(behaviour: Behaviour): Promise<Side | null> {
  const at = (port: number) => ({
    host: "127.0.0.1",
    port,
    recipients: ["ops@example.org"],
    username: "ada",
    password: SECRET,
  });
  switch (behaviour) {
    // SMTP has no word for how long to wait.
    case "is busy":
      return null;
    case "is not there":
      return nobody(at(freePort()));
    case "hangs up":
    case "answers junk": {
      const rude = new RudeServer(
        behaviour === "hangs up" ? "220 hello\r\n" : "HTTP/1.1 400 Bad Request\r\n\r\n",
      );
      return { settings: at(rude.port), arrived: () => 0, close: () => rude[Symbol.asyncDispose]() };
    }
    case "repeats what it was sent": {
      const echo = new EchoingMailServer();
      return { settings: at(echo.port), arrived: () => 0, close: () => echo[Symbol.asyncDispose]() };
    }
    default: {
      const server = await MailServer.start({ login: { username: "ada", password: SECRET } });
      server.behaviour = behaviour === "refuses it"
        ? "refuse"
        : behaviour === "fails"
        ? "defer"
        : behaviour === "hangs"
        ? "hang"
        : "ok";
      return {
        settings: at(server.port),
        arrived: () => server.mails.length,
        close: () => server[Symbol.asyncDispose](),
      };
    }
  }
}

/** Refuses a log-in by repeating it, as careless servers do. */
class EchoingMailServer implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #done = this.#serve();

  get port(): number {
    return this.#listener.addr.port;
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) {
      const say = (text: string) => connection.write(new TextEncoder().encode(`${text}\r\n`));
      const hear = async () => {
        const buffer = new Uint8Array(1024);
        return new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0)).trim();
      };
      await say("220 hello");
      await hear();
      await say("250-hello\r\n250 AUTH PLAIN");
      const login = await hear();
      const plain = atob(login.split(" ").at(-1) ?? "").replaceAll("\0", " ");
      await say(`535 I do not like "${login}", which is ${plain}`);
      await hear().catch(() => {});
      connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#done;
  }
}

function syslogSide(behaviour: Behaviour): Side | null {
  if (behaviour === "is not there") return nobody({ url: `tcp://127.0.0.1:${freePort()}` });
  // Syslog says nothing back: it cannot refuse, fail or be slow.
  if (behaviour !== "takes it") return null;
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let taken = 0;
  const done = (async () => {
    for await (const connection of listener) {
      if ((await new Response(connection.readable).text()).includes(" holdfast ")) taken++;
    }
  })();
  return {
    settings: { url: `tcp://127.0.0.1:${listener.addr.port}` },
    arrived: () => taken,
    async close() {
      listener.close();
      await done;
    },
  };
}

async function commandSide(behaviour: Behaviour): Promise<Side | null> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-command-" });
  const commands: Partial<Record<Behaviour, string[]>> = {
    "takes it": ["sh", "-c", `cat > ${dir}/taken`],
    "refuses it": [`${dir}/no-such-program`],
    "fails": ["sh", "-c", "echo no luck >&2; exit 75"],
    // Also what it started itself keeps its standard error open.
    "hangs": ["sh", "-c", "sleep 60 & sleep 60"],
  };
  const command = commands[behaviour];
  const close = () => Deno.remove(dir, { recursive: true });
  if (command === undefined) {
    await close();
    return null;
  }
  const taken = () => {
    try {
      return Deno.readTextFileSync(`${dir}/taken`).includes('"key"') ? 1 : 0;
    } catch {
      return 0;
    }
  };
  return { settings: { command }, arrived: taken, close };
}

for (const [kind, open] of Object.entries(sides)) {
  Deno.test(`${kind}: takes, refuses, fails and hangs are told apart, and no error holds a secret`, async (t) => {
    for (const [behaviour, expected] of BEHAVIOURS) {
      const side = await open(behaviour);
      if (side === null) continue;
      await t.step(`the other side ${behaviour}`, async () => {
        try {
          await judge(kind, side, behaviour, expected);
        } finally {
          await side.close();
        }
      });
    }
  });
}

async function judge(kind: string, side: Side, behaviour: Behaviour, expected: string): Promise<void> {
  const ops = await channel({ kind, ...side.settings });
  const limit = behaviour === "hangs" ? 300 : 60_000;
  const error = await sendInTime(ops, message(), limit, new AbortController().signal)
    .then(() => null, (error: unknown) => error);
  if (expected === "sent") {
    assert.equal(error, null);
    await until("the message", () => side.arrived() > 0);
    return;
  }
  assert.ok(error instanceof DeliveryError, Deno.inspect(error));
  assert.equal(error.refused ? "refused" : "failed", expected, error.message);
  assert.match(error.message, /^Cannot .*channel "ops"/);
  assert.equal(error.retryAfterSeconds, behaviour === "is busy" ? 30 : undefined);
  const everything = Deno.inspect(error, { depth: 10, showHidden: true });
  for (const secret of [SECRET, btoa(SECRET), btoa(`\0ada\0${SECRET}`)]) {
    assert.ok(!everything.includes(secret), `the error holds the secret: ${everything}`);
  }
}

Deno.test("a command channel is refused where commands are not allowed", async () => {
  const ops = await channel({ kind: "command", command: ["true"] }, false);
  await assert.rejects(
    ops.send(message(), new AbortController().signal),
    /commands are not allowed/,
  );
});
