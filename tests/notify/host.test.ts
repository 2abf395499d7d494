/** Channels of this host: syslog and commands. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { until } from "../support/wait.ts";
import { channel, item, message } from "./samples.ts";

const signal = () => AbortSignal.timeout(60_000);
const LINE =
  /^<26>1 2026-01-05T13:30:00\.000Z backup-1 holdfast \d+ finding \[holdfast@32473 key="entry:1:missing\/ops" alert="job:1" code="missing" subject="shop" database="shop" size_bytes="2048"\] \ufeffMISSING: shop: No report and no file came until 13:30$/;

async function textOf(connection: Deno.Conn): Promise<string> {
  // The mark at the beginning of the text belongs to the line.
  const bytes = await new Response(connection.readable).bytes();
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

const decode = (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

Deno.test("syslog over TCP is a line of RFC 5424 with its length in front", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const heard = listener.accept().then(textOf);
  const ops = await channel({ kind: "syslog", url: `tcp://127.0.0.1:${listener.addr.port}` });
  await ops.send(message(), signal());
  const [, count, line = ""] = /^(\d+) (.*)$/s.exec(await heard) ?? [];
  assert.match(line, LINE);
  assert.equal(Number(count), new TextEncoder().encode(line).length);
});

Deno.test("syslog over UDP and over the socket of this host is the line alone", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-syslog-" });
  const udp = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const path = join(dir, "log");
  const unix = Deno.listenDatagram({ transport: "unixpacket", path });
  try {
    assert.equal(udp.addr.transport, "udp");
    const port = "port" in udp.addr ? udp.addr.port : 0;
    for (const [url, socket] of [[`udp://127.0.0.1:${port}`, udp], [`unix://${path}`, unix]] as const) {
      const ops = await channel({ kind: "syslog", url });
      const heard = socket.receive();
      await ops.send(message(), signal());
      assert.match(decode((await heard)[0]), LINE, url);
    }
  } finally {
    udp.close();
    unix.close();
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("what stands in a line of syslog cannot end it, and a long one is cut between characters", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const heard = listener.accept().then(textOf);
  const ops = await channel({ kind: "syslog", url: `tcp://127.0.0.1:${listener.addr.port}` });
  const name = 'a"]\n<0>1 forged';
  const facts = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`fact_${i}`, "é".repeat(500)]));
  await ops.send(message([item({ subject: { kind: "job", id: "1", name }, facts })]), signal());
  const text = (await heard).replace(/^\d+ /, "");
  assert.ok(!text.includes("\n"));
  assert.match(text, /subject="a\\"\\\] <0>1 forged"/);
  assert.ok(new TextEncoder().encode(text).length <= 2048);
  assert.ok(!text.includes("\ufffd"));
});

Deno.test("a command gets the message on its standard input, its main words as variables, and no secret of ours", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-command-" });
  Deno.env.set("SMTP_PASSWORD", "not for others");
  try {
    const command = ["sh", "-c", `cat > "$0/input"; env > "$0/env"`, dir];
    const ops = await channel({ kind: "command", command });
    await ops.send(message(), signal());
    const input = JSON.parse(await Deno.readTextFile(join(dir, "input")));
    assert.equal(input.events[0].code, "missing");
    const env = await Deno.readTextFile(join(dir, "env"));
    assert.match(env, /^HOLDFAST_TITLE=MISSING: shop$/m);
    assert.match(env, /^HOLDFAST_KEY=entry:1:missing\/ops$/m);
    assert.ok(!env.includes("not for others"));
  } finally {
    Deno.env.delete("SMTP_PASSWORD");
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a command whose time is up is killed", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-command-" });
  try {
    const command = ["sh", "-c", 'trap "" TERM; echo $$ > "$0/pid"; while true; do sleep 0.05; done', dir];
    const ops = await channel({ kind: "command", command });
    const late = new AbortController();
    const sending = ops.send(message(), late.signal).then(() => "sent", () => "ended");
    const pid = await until("the command", async () => {
      const text = await Deno.readTextFile(join(dir, "pid")).catch(() => "");
      return text.endsWith("\n") && text;
    });
    late.abort();
    assert.equal(await sending, "ended");
    assert.throws(() => Deno.kill(Number(pid), "SIGCONT"), Deno.errors.NotFound);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
