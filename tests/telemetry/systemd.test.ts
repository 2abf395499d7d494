/** Real datagram sockets: one with a file, one without. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { notifyReady, notifyStatus, notifyStopping, startWatchdog } from "../../src/telemetry/systemd.ts";

type Environment = Partial<Record<"NOTIFY_SOCKET" | "WATCHDOG_USEC" | "WATCHDOG_PID", string>>;

/** Runs `work` as systemd would: with its variables, which are taken away again. */
async function under(environment: Environment, work: () => Promise<void>): Promise<void> {
  const names = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] as const;
  const before = names.map((name) => [name, Deno.env.get(name)] as const);
  const set = (name: string, value: string | undefined) =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  for (const name of names) set(name, environment[name]);
  try {
    await work();
  } finally {
    for (const [name, value] of before) set(name, value);
  }
}

/** A receiver such as systemd's; `messages` waits for that many. */
class Receiver implements AsyncDisposable {
  readonly address: string;
  readonly #directory: string;
  readonly #socket: Deno.DatagramConn;

  private constructor(directory: string, path: string) {
    this.#directory = directory;
    this.#socket = Deno.listenDatagram({ transport: "unixpacket", path });
    this.address = path.replace(/^\0/, "@");
  }

  static async open(kind: "file" | "abstract"): Promise<Receiver> {
    const directory = await Deno.makeTempDir({ prefix: "holdfast-test-" });
    return new Receiver(directory, kind === "file" ? join(directory, "notify") : `\0${directory}`);
  }

  async messages(count: number): Promise<string[]> {
    const messages: string[] = [];
    while (messages.length < count) {
      const [bytes] = await this.#socket.receive();
      messages.push(new TextDecoder().decode(bytes));
    }
    return messages;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await Deno.remove(this.#directory, { recursive: true });
  }
}

for (const kind of ["file", "abstract"] as const) {
  Deno.test(`systemd hears ready, status and stopping on a socket of kind ${kind}`, async () => {
    if (kind === "abstract" && Deno.version.deno.startsWith("2.7.")) {
      return console.log("skipped: sockets without a file: Deno 2.7 cannot open them: use Deno 2.8 or later");
    }
    await using receiver = await Receiver.open(kind);
    await under({ NOTIFY_SOCKET: receiver.address }, async () => {
      await notifyReady();
      await notifyStatus("2 runs\n  under way");
      await notifyStopping();
    });
    assert.deepEqual(await receiver.messages(3), ["READY=1", "STATUS=2 runs under way", "STOPPING=1"]);
  });
}

Deno.test("a sign of life is sent at once and again within half the watchdog's time", async () => {
  await using receiver = await Receiver.open("file");
  await under({ NOTIFY_SOCKET: receiver.address, WATCHDOG_USEC: "20000" }, async () => {
    const stop = startWatchdog(() => Promise.resolve(true));
    try {
      assert.deepEqual(await receiver.messages(3), ["WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
    } finally {
      stop();
    }
  });
});

Deno.test("no sign of life is sent while the daemon is not well, or when asking it fails", async () => {
  await using receiver = await Receiver.open("file");
  await under({ NOTIFY_SOCKET: receiver.address, WATCHDOG_USEC: "4000" }, async () => {
    const asked = Promise.withResolvers<void>();
    let questions = 0;
    const stop = startWatchdog(() => {
      questions++;
      if (questions === 2) return Promise.reject(new Error("no database"));
      if (questions === 4) asked.resolve();
      return Promise.resolve(false);
    });
    try {
      await asked.promise;
    } finally {
      stop();
    }
    await notifyStopping();
  });
  assert.deepEqual(await receiver.messages(1), ["STOPPING=1"]);
});

Deno.test("a question nobody answers is not asked again", async () => {
  await using receiver = await Receiver.open("file");
  await under({ NOTIFY_SOCKET: receiver.address, WATCHDOG_USEC: "2000" }, async () => {
    let questions = 0;
    const answer = Promise.withResolvers<boolean>();
    const stop = startWatchdog(() => {
      questions++;
      return answer.promise;
    });
    const ticks = Promise.withResolvers<void>();
    let seen = 0;
    const timer = setInterval(() => ++seen === 10 && ticks.resolve(), 1);
    await ticks.promise;
    clearInterval(timer);
    stop();
    assert.equal(questions, 1);
    answer.resolve(true);
    assert.deepEqual(await receiver.messages(1), ["WATCHDOG=1"]);
  });
});

Deno.test("without systemd nothing is sent and no question asked", async () => {
  await under({}, async () => {
    await notifyReady();
    await notifyStatus("idle");
    await notifyStopping();
    startWatchdog(() => Promise.reject(new Error("asked")))();
  });
});

Deno.test("a watchdog that waits for another process gets no sign from this one", async () => {
  await using receiver = await Receiver.open("file");
  await under({
    NOTIFY_SOCKET: receiver.address,
    WATCHDOG_USEC: "2000",
    WATCHDOG_PID: String(Deno.pid + 1),
  }, () => {
    startWatchdog(() => Promise.reject(new Error("asked")))();
    return Promise.resolve();
  });
});

Deno.test("a notification that cannot be sent does not end the daemon", async () => {
  await under({ NOTIFY_SOCKET: "/nowhere/notify" }, () => notifyReady());
});
