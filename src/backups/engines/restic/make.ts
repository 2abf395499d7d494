/** Making a snapshot, and what belongs to it: a repository, a check, a look at what was read. */
import { HoldfastError } from "../../../lib/errors.ts";
import type { Artifact, EngineContext, MakeRequest, SkippedItem } from "../../engine.ts";
import { rootsOf } from "../archive/check.ts";
import type { Tools } from "../tools/find.ts";
import { Meter } from "../tools/meter.ts";
import { checkOptions, isRepository } from "./check.ts";
import { Client, EXIT } from "./client.ts";
import { localPath, type ResticOptions } from "./options.ts";
import { jsonOf, skippedOf, Status, Summary } from "./records.ts";
import { inspect, repositoryProblems } from "./verify.ts";

/** Most items listed by name; beyond it they are counted in the log only. */
const MAX_SKIPPED = 10_000;

/** Makes one snapshot; whatever goes wrong, none is left in the repository. */
export async function make(
  tools: Tools,
  request: MakeRequest<ResticOptions>,
  context: EngineContext,
): Promise<Artifact> {
  const { options, name } = request;
  const problems = await checkOptions(tools, options);
  if (problems.length > 0) {
    throw new HoldfastError("invalid", `Cannot make backup "${name}": ${problems.join("; ")}`);
  }
  const client = new Client(tools, options, context);
  const taken = await backUpOrInit(client, request);
  try {
    return await finish(client, taken);
  } catch (error) {
    await forget(client, taken.summary.snapshot_id);
    throw error;
  }
}

interface Taken {
  summary: Summary;
  skipped: SkippedItem[];
  incomplete: boolean;
}

async function finish(client: Client, { summary, skipped, incomplete }: Taken): Promise<Artifact> {
  const problems = client.options.check === false ? [] : await repositoryProblems(client);
  for (const problem of problems) client.context.log("error", problem);
  const { id, item_count } = await inspect(client, summary.snapshot_id, summary.total_bytes_processed);
  return {
    path: `restic:${id}`,
    // What a restore writes: what a snapshot adds to its repository says little of it. It holds at least its own tree.
    size_bytes: Math.max(1, summary.total_bytes_processed),
    sha256: null,
    source_bytes: summary.total_bytes_processed,
    item_count,
    skipped,
    incomplete,
    verified: problems.length === 0,
  };
}

async function backUpOrInit(client: Client, request: MakeRequest<ResticOptions>): Promise<Taken> {
  const { init, repository } = client.options;
  const local = localPath(repository);
  if (init === true && local !== undefined && !await isRepository(local)) await initialize(client);
  try {
    return await backUp(client, request);
  } catch (error) {
    const missing = error instanceof HoldfastError && error.code === "no_repository";
    if (!missing || init !== true) throw error;
    await initialize(client);
    return await backUp(client, request);
  }
}

async function initialize(client: Client): Promise<void> {
  client.context.log("info", `There is no ${client.name} yet: it is made`);
  await client.run({ args: ["init"], quiet: true, action: `make ${client.name}` });
}

async function backUp(client: Client, { options, name }: MakeRequest<ResticOptions>): Promise<Taken> {
  const { context } = client;
  const meter = new Meter(context);
  const skipped: SkippedItem[] = [];
  let summary: Summary | undefined;
  const skip = (line: string): boolean => {
    const item = skippedOf(line);
    if (item === undefined) return false;
    if (skipped.length < MAX_SKIPPED) skipped.push(item);
    context.log(
      "warning",
      `"${item.path}" cannot be read${item.detail === undefined ? "" : `: ${item.detail}`}`,
    );
    return true;
  };
  const ended = await client.run({
    args: ["backup", "--json", ...argumentsOf(options, name)],
    action: `back up to ${client.name}`,
    accept: [EXIT.incomplete],
    onErrorLine: skip,
    onLine(line) {
      if (skip(line)) return;
      const value = jsonOf(line);
      summary = Summary.safeParse(value).data ?? summary;
      const status = Status.safeParse(value).data;
      if (status === undefined) return;
      meter.report({
        phase: "read",
        done_bytes: status.bytes_done,
        total_bytes: status.total_bytes,
        done_items: status.files_done,
        total_items: status.total_files,
      });
    },
  }).catch(async (error) => {
    // Cancelled when the snapshot was made already.
    if (summary !== undefined) await forget(client, summary.snapshot_id);
    throw error;
  });
  if (summary === undefined) {
    throw new HoldfastError("upstream", `Cannot back up to ${client.name}: restic made no snapshot`, {
      hint: "see its lines in the log of the run",
    });
  }
  const { total_bytes_processed, total_files_processed } = summary;
  meter.report({
    phase: "read",
    done_bytes: total_bytes_processed,
    total_bytes: total_bytes_processed,
    done_items: total_files_processed,
    total_items: total_files_processed,
  }, true);
  const lost = ended.code === EXIT.incomplete || skipped.some(({ reason }) => reason === "unreadable");
  return { summary, skipped, incomplete: lost && options.allow_unreadable !== true };
}

function argumentsOf(options: ResticOptions, name: string): string[] {
  return [
    ...["holdfast", name, ...(options.tags ?? [])].map((tag) => `--tag=${tag}`),
    ...(options.host === undefined ? [] : [`--host=${options.host}`]),
    ...(options.excludes ?? []).map((pattern) => `--exclude=${pattern}`),
    ...(options.exclude_caches === true ? ["--exclude-caches"] : []),
    ...(options.one_file_system === true ? ["--one-file-system"] : []),
    ...(options.limit_upload_kib === undefined ? [] : [`--limit-upload=${options.limit_upload_kib}`]),
    "--",
    ...rootsOf(options.sources).map(({ source }) => source),
  ];
}

/** What is not recorded must not stay: nobody would ever remove it. */
async function forget(client: Client, id: string): Promise<void> {
  try {
    await client.finishing().run({
      args: ["forget", id],
      quiet: true,
      action: `remove snapshot ${id.slice(0, 8)} from ${client.name}`,
    });
  } catch {
    client.context.log(
      "warning",
      `Snapshot ${id.slice(0, 8)} of ${client.name} is left over: remove it with restic forget`,
    );
  }
}
