/** Looking at a snapshot and its repository again. */
import { HoldfastError } from "../../../lib/errors.ts";
import type { ArtifactEntry, EngineContext, StoredArtifact, Verification } from "../../engine.ts";
import type { Tools } from "../tools/find.ts";
import { Meter } from "../tools/meter.ts";
import { Client } from "./client.ts";
import { eachNode } from "./contents.ts";
import { entryOf, type Node } from "./records.ts";

/** Most problems of a repository that are named. */
const MAX_PROBLEMS = 20;

/** Checks the repository and lists the snapshot. Errors: `not_found` for a snapshot that is gone. */
export async function verify(
  tools: Tools,
  artifact: StoredArtifact,
  context: EngineContext,
): Promise<Verification> {
  const { client, id } = Client.of(tools, artifact, context);
  const problems = await repositoryProblems(client);
  const { item_count, bytes } = await contentsOf(client, id, artifact, problems);
  return {
    ok: problems.length === 0,
    problems,
    size_bytes: artifact.size_bytes ?? bytes,
    sha256: null,
    item_count,
  };
}

/** A repository that is damaged may not even list its snapshots. */
async function contentsOf(client: Client, id: string, artifact: StoredArtifact, problems: string[]) {
  try {
    return await inspect(client, id, artifact.size_bytes);
  } catch (error) {
    if (problems.length === 0 || (error instanceof HoldfastError && error.kind === "not_found")) throw error;
    return { item_count: 0, bytes: 0 };
  }
}

/** What `restic check` finds, one sentence each. Without a lock: other runs may add to the repository meanwhile. */
export async function repositoryProblems(client: Client): Promise<string[]> {
  const { read_data_subset } = client.options;
  const lines: string[] = [];
  const note = (line: string): boolean => {
    if (/error|damaged|missing|not found|Fatal/i.test(line) && !/no errors were found/.test(line)) {
      lines.push(line);
    }
    return false;
  };
  client.context.progress({ phase: "check", done_bytes: 0, done_items: 0 });
  try {
    await client.run({
      args: [
        "check",
        "--no-lock",
        ...(read_data_subset === undefined ? [] : [`--read-data-subset=${read_data_subset}`]),
      ],
      action: `check ${client.name}`,
      quiet: true,
      onLine: note,
      onErrorLine: note,
    });
    return [];
  } catch (error) {
    // Only what restic says of the repository is a finding; anything else kept it from looking.
    if (!(error instanceof HoldfastError) || error.code !== "tool_failed") throw error;
    if (!lines.some((line) => /repository contains errors|Fatal|damaged/.test(line))) throw error;
    const named = lines.slice(0, MAX_PROBLEMS).map((line) => `restic check: ${line.trim()}`);
    const more = lines.length - named.length;
    return more === 0 ? named : [...named, `restic check: ${more} more lines like these`];
  }
}

/** Reads the whole list of a snapshot, which is every tree of it. `snapshot`: its id, or the beginning of it. */
export async function inspect(
  client: Client,
  snapshot: string,
  total_bytes: number | null,
): Promise<{ id: string; item_count: number; bytes: number }> {
  const meter = new Meter(client.context);
  let [item_count, bytes] = [0, 0];
  const report = (final: boolean) =>
    meter.report({
      phase: "verify",
      done_bytes: bytes,
      done_items: item_count,
      ...(total_bytes === null ? {} : { total_bytes }),
    }, final);
  report(true);
  const { id } = await eachNode(client, snapshot, (nodes) => {
    for (const { type, size } of nodes) {
      item_count++;
      if (type === "file") bytes += size;
    }
    report(false);
  });
  report(true);
  return { id, item_count, bytes };
}

/** Entries as fast as they are asked for; who stops listening ends restic. */
export async function* list(
  tools: Tools,
  artifact: StoredArtifact,
  context: EngineContext,
): AsyncGenerator<ArtifactEntry> {
  const stop = new AbortController();
  const { client, id } = Client.of(tools, artifact, {
    signal: AbortSignal.any([context.signal, stop.signal]),
    now: () => context.now(),
    log: (level, text) => context.log(level, text),
    progress: (update) => context.progress(update),
    secret: (name) => context.secret(name),
  });
  const batches = new TransformStream<Node[], Node[]>();
  const writer = batches.writable.getWriter();
  const listed = eachNode(client, id, (nodes) => writer.write(nodes))
    .then(() => writer.close(), (error) => writer.abort(error))
    // Failures reach the reader through the stream, and one that has gone away misses nothing.
    .catch(() => {});
  try {
    for await (const batch of batches.readable) yield* batch.map(entryOf);
  } finally {
    stop.abort();
    await listed;
  }
}
