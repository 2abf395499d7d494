/**
 * Engine `veeam-job`: a job of a Veeam server as one of Holdfast's own backups, so that it is due, started, followed and accounted for
 * like any other.
 *
 * What it promises
 * - A run starts the job and follows its session to the end; the session's log becomes the run's. A session that failed is a failed run;
 *   one with warnings is a warning, unless `fail_on_warning` makes it a failure. A job that is running already is refused.
 * - A run that is cancelled or takes too long asks the job to stop once the machines at work are done.
 * - The backup stays with Veeam, under its retention: what is recorded is the session with the sizes it tells. It is restored there.
 */
import { z } from "zod";
import type { Artifact, Engine, EngineContext } from "./backups/mod.ts";
import { HoldfastError } from "./lib/errors.ts";
import type { Veeam, VeeamJob } from "./veeam/mod.ts";
import { followSession, startJob, stopJob } from "./veeam/mod.ts";

const Options = z.strictObject({
  job: z.string().min(1).describe("Job: its name or id"),
  server: z.string().min(1).optional().describe(
    "Veeam server of veeam.servers; needed where there are several",
  ),
  full: z.boolean().default(false).describe("Make an active full backup"),
  fail_on_warning: z.boolean().default(false).describe("A session that ended with warnings is a failure"),
});
type Options = z.output<typeof Options>;

/** The engine on a service that is made later than the engines. */
export function veeamJobEngine(veeam: () => Veeam): Engine<Options> {
  return {
    kind: "veeam-job",
    summary: "A job of a Veeam server, started and followed; the backup stays there",
    options: Options,
    runsCommands: false,
    paths: () => ({ read: [], write: [] }),
    check: ({ server }) => {
      try {
        veeam().clients.choose({ server });
        return Promise.resolve([]);
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        return Promise.resolve([error.message]);
      }
    },
    make: ({ options }, context) => make(veeam(), options, context),
    async verify(artifact, context) {
      const session = await veeam().clients.one(placeOf(artifact.path).server)
        .session(placeOf(artifact.path).session, context.signal);
      const ok = session.result === "Success" || session.result === "Warning";
      return {
        ok,
        problems: ok ? [] : [`Session "${session.id}" ended with ${session.result ?? "no result"}`],
        size_bytes: session.transferred_bytes ?? artifact.size_bytes ?? 0,
        sha256: null,
        item_count: 0,
      };
    },
    async *list(artifact) {
      yield await Promise.resolve({
        path: artifact.path,
        kind: "other" as const,
        size_bytes: artifact.size_bytes ?? 0,
        mode: 0,
        mtime: "",
      });
    },
    restore: (artifact) =>
      Promise.reject(
        new HoldfastError("invalid", `Cannot restore "${artifact.path}": it stayed with Veeam`, {
          hint: "restore it with Veeam's console",
        }),
      ),
    // Veeam's own retention removes it.
    remove: () => Promise.resolve(),
  };
}

async function make(veeam: Veeam, options: Options, context: EngineContext): Promise<Artifact> {
  const { signal } = context;
  const job = await veeam.findJob(options.job, options.server, true, signal);
  const client = veeam.clients.of(job.server);
  const asked = { job: job.id, server: job.server };
  const started = await startJob(veeam, { ...asked, full: options.full }, signal);
  let sessionId: string;
  try {
    sessionId = started.session ?? await nextSession(veeam, job, signal);
    for await (const event of followSession(client, sessionId, veeam.clock, signal)) {
      if (event.type === "line") context.log(levelOf(event.level), event.text);
      else if (event.type === "progress") {
        context.progress({ phase: "read", done_bytes: event.done_bytes, done_items: 0 });
      } else judge(event, job.name, options, context);
    }
  } catch (error) {
    if (signal.aborted) {
      // Nobody is waiting for the answer any more; the run must end in time.
      await stopJob(veeam, { ...asked, now: false }, AbortSignal.timeout(15_000)).catch(() => {});
    }
    throw error;
  }
  const session = await client.session(sessionId, signal);
  return {
    path: `veeam:${job.server}/${job.id}/${session.id}`,
    size_bytes: session.transferred_bytes ?? 0,
    sha256: null,
    source_bytes: session.processed_bytes ?? 0,
    item_count: job.objects_count ?? 0,
    skipped: [],
    incomplete: false,
    verified: true,
  };
}

/** How often, and how many times, a server that told no session of a start is asked for it. */
const [LOOK_MS, LOOKS] = [3000, 20];

/** The session after the one a job had before it was started: that one would tell how another run ended. Errors: `upstream`. */
async function nextSession(veeam: Veeam, job: VeeamJob, signal: AbortSignal): Promise<string> {
  for (let look = 0; look < LOOKS; look++) {
    const { session_id } = await veeam.findJob(job.id, job.server, true, signal);
    if (session_id !== null && session_id !== job.session_id) return session_id;
    await veeam.clock.sleep(LOOK_MS, signal);
  }
  throw new HoldfastError(
    "upstream",
    `Cannot follow Veeam job "${job.name}": its server tells no session of it`,
    { hint: "it may run all the same; see holdfast veeam jobs get" },
  );
}

function judge(
  { status, message }: { status: "success" | "warning" | "failed"; message: string | null },
  name: string,
  options: Options,
  context: EngineContext,
): void {
  if (status === "success") return;
  if (status === "warning" && !options.fail_on_warning) {
    return context.log(
      "warning",
      `Veeam job "${name}" ended with warnings${message === null ? "" : `: ${message}`}`,
    );
  }
  throw new HoldfastError(
    "upstream",
    `Cannot back up with Veeam job "${name}": its session ended with ${status}${
      message === null ? "" : `: ${message}`
    }`,
  );
}

function levelOf(level: string): "info" | "warning" | "error" {
  return level === "error" || level === "warning" ? level : "info";
}

/** Server and session of an artifact's place. */
function placeOf(path: string): { server: string; session: string } {
  const match = /^veeam:([^/]+)\/[^/]+\/([^/]+)$/.exec(path);
  if (match === null) {
    throw new HoldfastError("invalid", `Cannot read "${path}": it is no backup of a Veeam job`);
  }
  return { server: match[1]!, session: match[2]! };
}
