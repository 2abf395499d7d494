/** Reading dumps again. */
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import type { ArtifactEntry, EngineContext, StoredArtifact, Verification } from "../../engine.ts";
import { z } from "zod";
import { entryOf } from "../dump/list.ts";
import { manifestOf } from "../dump/manifest.ts";
import { type DumpKind, verifyDump } from "../dump/verify.ts";
import { work } from "../dump/work.ts";
import type { Tools } from "../tools/find.ts";
import { Client, PG_RESTORE } from "./client.ts";
import { CLUSTER_END, CLUSTER_MARKER } from "./cluster.ts";
import { PostgresOptions } from "./options.ts";
import { scratchProblems } from "./scratch.ts";
import { tocOf } from "./toc.ts";

/** True for dumps of clusters, which are SQL. */
export function isSql(path: string): boolean {
  return path.endsWith(".sql.zst");
}

/** How artifacts at a path are read. */
export function kindOf(tools: Tools, path: string): DumpKind {
  const common = { engine: "postgres", compressionOf: () => isSql(path) ? "zstd" as const : "none" as const };
  if (isSql(path)) {
    return {
      ...common,
      marker: CLUSTER_MARKER,
      inspect: (found) =>
        Promise.resolve({
          problems: found.content.tail.includes(CLUSTER_END)
            ? []
            : ["It is not complete: its end is missing"],
        }),
    };
  }
  return {
    ...common,
    inspect: async ({ artifact, manifest }, context) =>
      await inspectDump(tools, artifact, manifest?.facts.rows, manifest === null, context),
  };
}

export async function verify(
  tools: Tools,
  artifact: StoredArtifact,
  context: EngineContext,
): Promise<Verification> {
  return await verifyDump(kindOf(tools, artifact.path), artifact, context);
}

const RowsFact = z.record(z.string(), z.number());

/** The list of contents; every block of a file that nobody has a hash of; and a restore, where the options ask for it. */
async function inspectDump(
  tools: Tools,
  artifact: StoredArtifact,
  rows: unknown,
  unknown: boolean,
  context: EngineContext,
): Promise<{ problems: string[]; item_count?: number }> {
  const options = PostgresOptions.safeParse(artifact.options).data;
  const client = new Client(tools, options, context);
  const file = artifact.path;
  try {
    const item_count = (await tocOf(client, file)).length;
    if (unknown && artifact.sha256 === null) {
      await client.run({ tool: PG_RESTORE, args: ["--file=/dev/null", file], action: `read "${file}"` });
    }
    const counts = RowsFact.safeParse(rows).data;
    if (counts === undefined || options?.verify_restore === undefined) return { problems: [], item_count };
    return { problems: await scratchProblems(client, options, file, counts), item_count };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof HoldfastError) || error.code !== "tool_failed") throw error;
    return { problems: [messageOf(error)] };
  }
}

/** What is in a dump; of a cluster's the statements that make something. */
export async function* list(
  tools: Tools,
  artifact: StoredArtifact,
  context: EngineContext,
): AsyncGenerator<ArtifactEntry> {
  const { path } = artifact;
  if (!isSql(path)) {
    for (const entry of await tocOf(new Client(tools, undefined, context), path)) {
      yield await entryOf(path, entry.path, "other");
    }
    return;
  }
  const manifest = await manifestOf(path, "postgres");
  const prefix = CLUSTER_MARKER.trimStart();
  const compression = manifest?.compression ?? "zstd";
  const lines = await work<"lines">({ task: "lines", path, compression, prefix }, context);
  for (const [index, line] of lines.entries()) {
    yield await entryOf(path, `${index + 1} ${line.replace(/[;(].*$/, "").trim()}`, "other");
  }
}
