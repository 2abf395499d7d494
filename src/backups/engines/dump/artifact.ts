/**
 * Single-file artifacts: what happens in which order, so that a crash leaves no half backup.
 *
 * An artifact is written to `NAME.SUFFIX.partial`, flushed, read back, and only then gets its manifest and its name. A
 * `.partial` file is never a backup. Whatever goes wrong, nothing of it stays.
 */
import { dirname, join, resolve } from "node:path";
import { iso } from "../../../lib/clock.ts";
import { HoldfastError } from "../../../lib/errors.ts";
import type { Artifact, EngineContext, MakeRequest, StoredArtifact } from "../../engine.ts";
import { syncDirectory } from "../archive/manifest.ts";
import { writeError } from "../archive/system-errors.ts";
import { type DumpManifest, manifestPath, writeManifest } from "./manifest.ts";
import type { Compression, Content } from "./protocol.ts";
import { work } from "./work.ts";

/** What an engine makes. */
export interface DumpPlan {
  engine: string;
  /** Ending of the artifact, with its dot: `.sql.zst`. */
  suffix: string;
  /** Name of the file a restore makes of it. */
  content: string;
  compression: Compression;
  /** What each item begins with, when items are counted in the content. */
  marker?: string;
  /** Makes the file `partial`, which does not exist yet; `scratch` is a directory that goes away, made when asked for. */
  produce(partial: string, scratch: () => Promise<string>): Promise<Produced>;
  /** Looks at the finished file: one sentence per problem. */
  inspect?(partial: string, content: Content): Promise<string[]>;
}

/** What was made. */
export interface Produced {
  /** The file as it was written, where that is known: what is read back has to be the same. */
  written?: Content;
  /** Default: the size of the content. */
  source_bytes?: number;
  /** Default: the markers found, or 1. */
  item_count?: number;
  incomplete?: boolean;
  facts: Record<string, unknown>;
}

/** Makes, verifies and names one artifact. */
export async function makeDump(
  request: Pick<MakeRequest<{ destination: string }>, "options" | "name" | "labels">,
  plan: DumpPlan,
  context: EngineContext,
): Promise<Artifact> {
  const path = join(resolve(request.options.destination), request.name + plan.suffix);
  const partial = path + ".partial";
  const scratch = join(dirname(path), `${request.name}.scratch.partial`);
  await prepare([path, partial, scratch]);
  try {
    const produced = await plan.produce(partial, async () => {
      await Deno.mkdir(scratch, { mode: 0o700 });
      return scratch;
    });
    await flush(partial);
    const content = await readBack(partial, plan, produced, context);
    const manifest = manifestFor(request, plan, produced, content, context);
    await removeIfThere(scratch);
    // The manifest first: an artifact under its final name always has one.
    context.signal.throwIfAborted();
    await writeManifest(path, manifest);
    await Deno.rename(partial, path);
    await syncDirectory(dirname(path));
    const { size_bytes, sha256, source_bytes, item_count, incomplete } = manifest;
    return { path, size_bytes, sha256, source_bytes, item_count, incomplete, skipped: [], verified: true };
  } catch (error) {
    for (const left of [partial, scratch, manifestPath(path)]) await removeIfThere(left);
    throw writeError(error, partial);
  }
}

async function prepare(paths: readonly [string, ...string[]]): Promise<void> {
  const directory = dirname(paths[0]);
  try {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw writeError(error, directory);
  }
  for (const taken of paths) {
    const there = await Deno.lstat(taken).catch(() => null);
    if (there !== null) {
      throw new HoldfastError("conflict", `Cannot make backup "${taken}": it exists already`);
    }
  }
}

/** A program that wrote the file has not said that it is on the disk. */
async function flush(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  await file.sync();
}

async function readBack(
  partial: string,
  plan: DumpPlan,
  { written }: Produced,
  context: EngineContext,
): Promise<Content> {
  const content = await work<"read">({
    task: "read",
    path: partial,
    compression: plan.compression,
    marker: plan.marker ?? null,
    total_bytes: written?.content_bytes ?? null,
  }, context);
  const problems = content.problem === null ? [] : [content.problem];
  if (content.size_bytes === 0) problems.push("it is empty");
  if (written !== undefined && content.sha256 !== written.sha256) {
    problems.push(`its SHA-256 is ${content.sha256}, written was ${written.sha256}`);
  }
  if (problems.length === 0) problems.push(...await plan.inspect?.(partial, content) ?? []);
  if (problems.length === 0) return content;
  throw new HoldfastError(
    "unavailable",
    `Cannot trust "${partial}": it does not read back: ${problems.join("; ")}`,
    { code: "not_read_back", hint: "see the log of the run, and check the destination's disk" },
  );
}

function manifestFor(
  request: Pick<MakeRequest<unknown>, "name" | "labels">,
  plan: DumpPlan,
  produced: Produced,
  content: Content,
  context: EngineContext,
): DumpManifest {
  return {
    manifest_version: 1,
    engine: plan.engine,
    name: request.name,
    file: request.name + plan.suffix,
    content: plan.content,
    created_at: iso(context.now()),
    labels: request.labels,
    compression: plan.compression,
    sha256: content.sha256,
    size_bytes: content.size_bytes,
    content_bytes: content.content_bytes,
    source_bytes: produced.source_bytes ?? content.content_bytes,
    item_count: produced.item_count ?? (plan.marker === undefined ? 1 : content.count),
    incomplete: produced.incomplete ?? false,
    facts: produced.facts,
  };
}

/** Removes an artifact and its manifest. */
export async function removeDump({ path }: Pick<StoredArtifact, "path">): Promise<void> {
  // The artifact first: a manifest without one is no backup, the reverse would be one that nobody can check.
  for (const file of [path, manifestPath(path)]) {
    await Deno.remove(file).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

async function removeIfThere(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch(() => {
    // Gone already, or not removable any more: the error that led here says more.
  });
}
