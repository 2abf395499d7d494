/**
 * The daemon: the services, the listeners, and the clock that drives the jobs. Stops in reverse order.
 *
 * Order matters at start: the lock first, so that nobody else writes; then what a crash left behind is settled;
 * then the doors open; then time begins. At the end the doors close before the runs are waited for.
 */
import { getLogger } from "@logtape/logtape";
import { openDaemonApp } from "./app.ts";
import { createApi } from "./api/app.ts";
import { allJobs, allOperations, type Job } from "./catalogue.ts";
import { type LoadedConfig, parseListen } from "./config/mod.ts";
import { messageOf } from "./lib/errors.ts";
import { VERSION } from "./lib/version.ts";
import { listenSocket, listenTcp } from "./api/listen.ts";
import { startLogging } from "./telemetry/mod.ts";
import { notifyReady, notifyStatus, notifyStopping, startWatchdog } from "./telemetry/systemd.ts";

const log = getLogger(["holdfast", "daemon"]);

/** What a running daemon tells whoever started it. */
export interface DaemonInfo {
  url: string;
  socket: string;
  /** Set-up code for the first administrator, while there is none. */
  setupCode: string | null;
}

/** What the starter may ask for. */
export interface DaemonOptions {
  onReady?: (info: DaemonInfo) => void | Promise<void>;
  /** Print the set-up code to standard error while there is no administrator; default true. */
  announce?: boolean;
  /** Ends the daemon like SIGTERM does. */
  signal?: AbortSignal;
}

/** Runs the daemon until a signal ends it; resolves with the exit code. */
export async function runDaemon(loaded: LoadedConfig, options: DaemonOptions = {}): Promise<number> {
  const { config } = loaded;
  await using stack = new AsyncDisposableStack();
  const stopLogging = await startLogging(config.log);
  stack.defer(stopLogging);
  const stopping = stopSignals(options.signal);
  stack.defer(() => stopping.dispose());

  const app = await openDaemonApp(loaded);
  stack.defer(() => app.close());
  const api = createApi({
    kernel: app.kernel,
    operations: await allOperations(),
    authenticate: (credentials) => app.authenticate(credentials),
    metrics: app.metrics,
    clock: app.clock,
    settings: { ...config.api, metrics_public: config.metrics.public },
  });
  const tcp = await listenTcp(config.api, parseListen(config.api.listen)!, api);
  stack.defer(() => tcp.close());
  const socket = await listenSocket(config.api.socket, api);
  stack.defer(() => socket.close());

  await app.start();
  const jobs = startJobs(await allJobs(), app.services, app.onJob);
  stack.defer(() => jobs.stop());
  // What lies in the deposit already must not wait for the first tick, nor must what comes before it.
  app.services.monitor.look();
  const stopWatchdog = startWatchdog(() => app.alive());
  stack.defer(() => stopWatchdog());

  const setupCode = await app.setupCode();
  if (setupCode !== null && options.announce !== false) {
    const until = app.services.auth.setup.codeEndsAt();
    announceSetupCode(setupCode, until, config.data_dir, tcp.url);
  }
  const info: DaemonInfo = { url: tcp.url, socket: config.api.socket, setupCode };
  log.info("Holdfast {version} answers on {url} and {socket}", {
    version: VERSION,
    url: info.url,
    socket: info.socket,
    data_dir: config.data_dir,
  });
  await notifyReady();
  await notifyStatus(`Answers on ${info.url}`);
  await options.onReady?.(info);

  await stopping.first;
  log.info("Stopping: {reason}", { reason: stopping.reason() });
  await notifyStopping();
  await jobs.stop();
  await app.stop(stopping.second);
  return 0;
}

/** The code goes to the person at the terminal, never to the log. */
function announceSetupCode(code: string, until: string | null, dataDir: string, url: string): void {
  const lines = [
    "",
    `There is no administrator yet. Until ${until}, create one with this set-up code:`,
    "",
    `    ${code}`,
    "",
    `    curl -d '{"code":"${code}","username":"NAME","password":"PASSWORD"}' -H 'content-type: application/json' ${url}/api/v1/auth/setup`,
    "",
    `or on this host: holdfast --data-dir ${dataDir} users create --name NAME --role admin`,
    "",
  ];
  Deno.stderr.writeSync(new TextEncoder().encode(lines.join("\n") + "\n"));
}

interface Stopping {
  /** Resolves with the first request to stop. */
  first: Promise<void>;
  /** Aborted by the second one: stop now. */
  second: AbortSignal;
  reason(): string;
  dispose(): void;
}

function stopSignals(outer: AbortSignal | undefined): Stopping {
  const { promise, resolve } = Promise.withResolvers<void>();
  const second = new AbortController();
  let reason = "";
  const stop = (why: string) => {
    if (reason !== "") return second.abort();
    reason = why;
    resolve();
  };
  const names: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  const listeners = names.map((name) => [name, () => stop(name)] as const);
  for (const [name, listener] of listeners) Deno.addSignalListener(name, listener);
  outer?.addEventListener("abort", () => stop("asked to"), { once: true });
  return {
    first: promise,
    second: second.signal,
    reason: () => reason,
    dispose: () => {
      for (const [name, listener] of listeners) Deno.removeSignalListener(name, listener);
    },
  };
}

/** Told of each job that ended; `error` is absent when it went well. */
export type JobObserver = (name: string, durationMs: number, error?: unknown) => void;

/**
 * Registers the jobs with Deno.cron, each through one wrapper: a handler that throws is caught and recorded, because
 * Deno.cron would run it again up to five times.
 */
function startJobs(jobs: readonly Job[], services: unknown, observe: JobObserver): { stop(): Promise<void> } {
  const ended = new AbortController();
  const active = new Set<Promise<void>>();
  for (const job of jobs) {
    const handler = () => {
      const run = runJob(job, services, observe);
      active.add(run);
      return run.finally(() => active.delete(run));
    };
    // Deno.cron rejects when its signal aborts while it waits; that is the stop asked for.
    Promise.resolve(Deno.cron(job.name, job.cron, { backoffSchedule: [], signal: ended.signal }, handler))
      .catch((error) => {
        if (!ended.signal.aborted) log.error("Job {name} cannot be scheduled", { name: job.name, error });
      });
  }
  return {
    async stop() {
      ended.abort();
      await Promise.allSettled(active);
    },
  };
}

async function runJob(job: Job, services: unknown, observe: JobObserver): Promise<void> {
  const started = performance.now();
  try {
    await job.run(services);
    observe(job.name, performance.now() - started);
  } catch (error) {
    observe(job.name, performance.now() - started, error);
    log.error("Job {name} failed: {reason}", { name: job.name, reason: messageOf(error), error });
  }
}
