/** A daemon to measure: a process of its own with one schedule, an API key and no limit on requests. */
import { join } from "node:path";
import { compiledBinary } from "../support/binary.ts";

/** A running daemon. */
export interface Daemon extends AsyncDisposable {
  url: string;
  headers: Record<string, string>;
  scheduleId: string;
  /** Runs the schedule once and waits for its end. */
  trigger(): Promise<void>;
}

/** Bytes of the schedule's source; makes a run of some seconds. */
const SOURCE_BYTES = 1536 * 1024 * 1024;

export async function startDaemon(): Promise<Daemon> {
  const binary = await compiledBinary();
  if ("skipped" in binary) throw new Error(binary.skipped);
  const dir = await Deno.makeTempDir({ prefix: "holdfast-bench-" });
  const state = join(dir, "state");
  const process = new Deno.Command(binary.path, {
    args: ["serve", "--data-dir", state, "--api-listen", "127.0.0.1:0", "--log-level", "info"],
    env: { HOLDFAST_API_RATE_PER_MINUTE: "1000000", HOLDFAST_API_RATE_BURST: "1000000" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const url = await addressOf(process.stderr);
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(binary.path, {
      args: ["--data-dir", state, ...args, "--output", "json"],
    }).output();
    if (code !== 0) {
      throw new Error(`Cannot run holdfast ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
    }
    return JSON.parse(new TextDecoder().decode(stdout));
  };
  const source = join(dir, "source");
  await Deno.mkdir(source);
  await run("servers", "create", "--name", "bench", "--host", "127.0.0.1");
  const schedule = await run(
    ...[
      "schedules",
      "create",
      "--server",
      "bench",
      "--name",
      "bench",
      "--cron",
      "0 2 * * *",
      "--engine",
      "archive",
    ],
    ...["--source", source, "--destination", join(dir, "backups")],
  );
  const key = await run("api-keys", "create", "--name", "bench", "--role", "operator");
  return {
    url,
    headers: { "x-api-key": String(key.key) },
    scheduleId: String(schedule.id),
    async trigger() {
      await fill(join(source, "data"));
      const { code, stderr } = await new Deno.Command(binary.path, {
        args: ["--data-dir", state, "schedules", "trigger", "bench", "--wait"],
      }).output();
      if (code !== 0) throw new Error(`Cannot run the schedule: ${new TextDecoder().decode(stderr)}`);
    },
    async [Symbol.asyncDispose]() {
      process.kill("SIGTERM");
      await process.status;
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/** Data that compresses about as files do: random bytes in hexadecimal. */
async function fill(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const block = new TextEncoder().encode(crypto.getRandomValues(new Uint8Array(32 * 1024)).toHex());
  for (let written = 0; written < SOURCE_BYTES; written += block.length) {
    crypto.getRandomValues(block.subarray(0, 1024));
    file.writeSync(block);
  }
}

/** Reads the log until the daemon says where it answers, and goes on reading so that it never waits for a full pipe. */
async function addressOf(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const reader = stderr.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`The daemon ended: ${text}`);
    text += value;
    const url = /"url":"(http:[^"]+)"/.exec(text)?.[1];
    if (url === undefined) continue;
    (async () => {
      while (!(await reader.read()).done);
    })().catch(() => {});
    return url;
  }
}
