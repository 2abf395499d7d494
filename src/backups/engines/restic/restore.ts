/**
 * Restoring a snapshot below a directory.
 *
 * restic restores into a new directory inside the target, from which what was asked for is moved to its place: so nothing
 * is written through a link that was there before, a cancel leaves nothing half written, and what patterns mean is the
 * same for every engine.
 */
import { join, resolve } from "node:path";
import { HoldfastError } from "../../../lib/errors.ts";
import type { EngineContext, Restored, RestoreRequest, StoredArtifact } from "../../engine.ts";
import { globMatcher } from "../archive/glob.ts";
import { Examples, nothingMatches } from "../archive/nothing-matches.ts";
import { writeError } from "../archive/system-errors.ts";
import type { Tools } from "../tools/find.ts";
import { Meter } from "../tools/meter.ts";
import { Client } from "./client.ts";
import { eachNode } from "./contents.ts";
import { includesFor } from "./patterns.ts";
import { placeTree } from "./place.ts";
import { jsonOf, type Snapshot, Status } from "./records.ts";

const MAX_CONFLICTS = 5;

export async function restore(
  tools: Tools,
  artifact: StoredArtifact,
  request: RestoreRequest,
  context: EngineContext,
): Promise<Restored> {
  const { client, id } = Client.of(tools, artifact, context);
  const target = await targetOf(request.target);
  const selected = selector(request.patterns);
  const { snapshot, ...plan } = await planFor(client, id, target, selected, request.patterns);
  refuse(plan, artifact, target, request);
  const scratch = join(target, `.holdfast-restore-${crypto.randomUUID().slice(0, 8)}`);
  try {
    await Deno.mkdir(scratch, { mode: 0o700 });
    await restoreTo(client, snapshot, scratch, request.patterns, plan);
    const warnings = await placeTree(
      { scratch, target, paths: snapshot.paths, selected, request },
      context.signal,
    );
    return { item_count: plan.item_count, restored_bytes: plan.bytes, warnings };
  } catch (error) {
    throw writeError(error, target);
  } finally {
    await removeScratch(scratch, client);
  }
}

type Selector = (path: string) => boolean;

function selector(patterns: readonly string[]): Selector {
  const matches = globMatcher(patterns);
  return patterns.length === 0 ? () => true : matches;
}

async function targetOf(path: string): Promise<string> {
  const target = resolve(path);
  try {
    // Private, as what protected the restored files may be a directory above them.
    await Deno.mkdir(target, { recursive: true, mode: 0o700 });
    return await Deno.realPath(target);
  } catch (error) {
    throw writeError(error, target);
  }
}

interface Plan {
  item_count: number;
  bytes: number;
  conflicts: string[];
  conflict_count: number;
  /** Some paths that are in it and were not asked for. */
  examples: Examples;
}

/** What is meant, and what is in its way. */
async function planFor(
  client: Client,
  id: string,
  target: string,
  selected: Selector,
  patterns: readonly string[],
): Promise<Plan & { snapshot: Snapshot }> {
  const examples = new Examples(patterns);
  const plan: Plan = { item_count: 0, bytes: 0, conflicts: [], conflict_count: 0, examples };
  const meter = new Meter(client.context);
  const empty = (await Deno.readDir(target)[Symbol.asyncIterator]().next()).done === true;
  const snapshot = await eachNode(client, id, async (nodes) => {
    for (const { path, type, size } of nodes) {
      const name = path.replace(/^\/+/, "");
      if (!selected(name)) {
        if (plan.item_count === 0) examples.add(name);
        continue;
      }
      plan.item_count++;
      if (type === "file") plan.bytes += size;
      if (empty || !await isInTheWay(join(target, name), type === "dir")) continue;
      plan.conflict_count++;
      if (plan.conflicts.length < MAX_CONFLICTS) plan.conflicts.push(name);
    }
    meter.report({ phase: "check", done_bytes: 0, done_items: plan.item_count });
  });
  return { ...plan, snapshot };
}

async function isInTheWay(path: string, directory: boolean): Promise<boolean> {
  try {
    return !((await Deno.lstat(path)).isDirectory && directory);
  } catch {
    // Nothing there, or nothing that can be reached: then writing fails by itself.
    return false;
  }
}

function refuse(
  plan: Plan,
  artifact: StoredArtifact,
  target: string,
  { patterns, force }: RestoreRequest,
): void {
  if (plan.item_count === 0 && patterns.length > 0) {
    throw nothingMatches(artifact.path, patterns, plan.examples.paths);
  }
  if (plan.conflict_count === 0 || force) return;
  const more = plan.conflict_count - plan.conflicts.length;
  const names = plan.conflicts.map((name) => `"${name}"`).join(", ") + (more > 0 ? ` and ${more} more` : "");
  throw new HoldfastError("conflict", `Cannot restore into "${target}": files exist already: ${names}`, {
    hint: "Restore into an empty directory, or overwrite them with --force",
  });
}

async function restoreTo(
  client: Client,
  { id }: Snapshot,
  scratch: string,
  patterns: readonly string[],
  plan: Plan,
): Promise<void> {
  const meter = new Meter(client.context);
  const totals = { total_bytes: plan.bytes, total_items: plan.item_count };
  const includes = includesFor(patterns) ?? [];
  await client.run({
    args: [
      "restore",
      "--json",
      "--no-lock",
      `--target=${scratch}`,
      ...includes.map((text) => `--include=${text}`),
      id,
    ],
    action: `restore snapshot ${id.slice(0, 8)} of ${client.name} into "${scratch}"`,
    quiet: true,
    onLine(line) {
      // restic before 0.17 says nothing while it restores.
      const status = Status.safeParse(jsonOf(line)).data;
      if (status === undefined) return;
      const { bytes_restored, files_restored } = status;
      meter.report({ phase: "restore", done_bytes: bytes_restored, done_items: files_restored, ...totals });
    },
  });
  meter.report({ phase: "restore", done_bytes: plan.bytes, done_items: plan.item_count, ...totals }, true);
}

async function removeScratch(scratch: string, { context }: Client): Promise<void> {
  try {
    await Deno.remove(scratch, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    context.log("warning", `"${scratch}" could not be removed and can go`);
  }
}
