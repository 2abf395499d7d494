/** A daemon to measure: a process of its own with one schedule, an API key and no limit on requests. */
import { join } from "node:path";
import { z } from "zod";
import { compiledBinary } from "../support/binary.ts";
import { fillMixed } from "../support/tree.ts";

/** A running daemon. */
export interface Daemon extends AsyncDisposable {
  url: string;
  headers: Record<string, string>;
  scheduleId: string;
  /** Gives the schedule ten seconds of work and more, and waits until it is on disk. */
  fill(): Promise<void>;
  /** Runs the schedule once and waits for its end. Asks over HTTP: a command being started would be measured too. */
  trigger(): Promise<void>;
  /** Adds a schedule that is due each minute and has next to nothing to do. */
  everyMinute(): Promise<EveryMinute>;
}

/** A schedule that is due each minute. */
export interface EveryMinute {
  /** Waits for its next run by the clock; resolves with the time from due to started, in milliseconds. */
  delayOfNextRun(): Promise<number>;
}

/** Bytes of the schedule's source; makes a run of ten seconds and more. */
const SOURCE_BYTES = 1536 * 1024 * 1024;
const BLOCK_BYTES = 64 * 1024 * 1024;

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
  const headers = { "x-api-key": String(key.key) };
  const scheduler = `${url}/api/v1/backup-scheduler`;
  return {
    url,
    headers,
    scheduleId: String(schedule.id),
    fill: () => fill(join(source, "data")),
    async trigger() {
      const answer = await fetch(`${scheduler}/schedules/${schedule.id}/trigger`, {
        method: "POST",
        headers,
      });
      const { run_id } = Accepted.parse(await answer.json());
      for (;;) {
        const { status } = Log.parse(await (await fetch(`${scheduler}/logs/${run_id}`, { headers })).json());
        if (status === "success") return;
        if (status !== "running") throw new Error(`The run ended as ${status}`);
        await new Promise((resolve) => setTimeout(resolve, RUN_POLL_MS));
      }
    },
    async everyMinute() {
      const small = join(dir, "small");
      await Deno.mkdir(small);
      await run(
        ...[
          "schedules",
          "create",
          "--server",
          "bench",
          "--name",
          "minute",
          "--cron",
          "* * * * *",
          "--engine",
          "archive",
        ],
        ...["--source", small, "--destination", join(dir, "backups")],
      );
      return { delayOfNextRun: () => delayOfNextRun(run) };
    },
    async [Symbol.asyncDispose]() {
      process.kill("SIGTERM");
      await process.status;
      await Deno.remove(dir, { recursive: true });
    },
  };
}

const POLL_MS = 250;
/** Seldom: these requests compete with those that are measured. */
const RUN_POLL_MS = 1000;

async function delayOfNextRun(run: (...args: string[]) => Promise<unknown>): Promise<number> {
  const since = new Date().toISOString();
  for (;;) {
    const { logs } = Logs.parse(await run("schedules", "logs", "--schedule", "minute"));
    const started = logs.find((log) => log.due_at !== null && log.due_at > since);
    if (started?.due_at != null) return Date.parse(started.started_at) - Date.parse(started.due_at);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const Accepted = z.object({ run_id: z.string() });
const Log = z.object({ status: z.string() });
const Logs = z.object({ logs: z.array(z.object({ due_at: z.string().nullable(), started_at: z.string() })) });

/** One block of bytes like those of real files, again and again: no compressor at this level sees so far back. */
async function fill(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const block = new Uint8Array(BLOCK_BYTES);
  fillMixed(block, 1);
  for (let written = 0; written < SOURCE_BYTES; written += block.length) {
    for (let at = 0; at < block.length;) at += file.writeSync(block.subarray(at));
  }
  // What the system writes back later would be measured as the archive's doing, or the idle daemon's.
  await file.sync();
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
