/** Making an artifact from the daemon's side: what happens in which order, so that a crash leaves no half backup. */
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { iso } from "../../../lib/clock.ts";
import { HoldfastError } from "../../../lib/errors.ts";
import type { Artifact, EngineContext, MakeRequest } from "../../engine.ts";
import { checkOptions, rootsOf, sourcesWithin } from "./check.ts";
import {
  itemCount,
  type Manifest,
  manifestPath,
  suffixOf,
  syncDirectory,
  writeManifest,
} from "./manifest.ts";
import type { ArchiveOptions } from "./options.ts";
import type { MakeResult } from "./protocol.ts";
import { Presses, TaskWorker } from "./run-task.ts";
import { writeError } from "./system-errors.ts";
import { differences } from "./verify-artifact.ts";

/** What an archive never holds; said once per run and in each manifest. */
const NOT_KEPT = "extended attributes, access lists, file flags and access times";
/** Compressing workers at most: each takes 20 MiB, and two outrun most disks. */
const MAX_PRESSES = 2;
/** Reasons that mean data is missing from the archive although it is on the disk. */
const DATA_LOST = ["unreadable", "bad_name", "too_long"];

/** Makes, verifies and names one artifact; whatever goes wrong, nothing of it stays. */
export async function makeArtifact(
  request: MakeRequest<ArchiveOptions>,
  context: EngineContext,
): Promise<Artifact> {
  const { options, name } = request;
  const problems = await checkOptions(options);
  if (problems.length > 0) {
    throw new HoldfastError("invalid", `Cannot make backup "${name}": ${problems.join("; ")}`);
  }
  const path = join(resolve(options.destination), name + suffixOf(options));
  const partial = path + ".partial";
  await prepare(path);
  context.log("info", `Not kept: ${NOT_KEPT}`);
  for (const source of sourcesWithin(options.sources)) {
    context.log("info", `"${source}" lies inside another source, so the archive holds it once`);
  }
  try {
    const made = await makeVerified(options, partial, context);
    const manifest = manifestFor(request, made, context);
    // The manifest first: an artifact under its final name always has one.
    context.signal.throwIfAborted();
    await writeManifest(path, manifest);
    await publish(partial, path);
    return {
      path,
      size_bytes: made.size_bytes,
      sha256: made.sha256,
      source_bytes: made.source_bytes,
      item_count: itemCount(made),
      skipped: made.skipped,
      incomplete: manifest.incomplete,
      verified: true,
    };
  } catch (error) {
    await removeIfThere(partial);
    await removeIfThere(manifestPath(path));
    throw writeError(error, partial);
  }
}

/** Gives the artifact its name, for good or not at all. */
async function publish(partial: string, path: string): Promise<void> {
  await Deno.rename(partial, path);
  try {
    await syncDirectory(dirname(path));
  } catch (error) {
    await removeIfThere(path);
    throw error;
  }
}

async function prepare(path: string): Promise<void> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw writeError(error, dirname(path));
  }
  for (const taken of [path, path + ".partial"]) {
    const there = await Deno.lstat(taken).catch(() => null);
    if (there !== null) {
      throw new HoldfastError("conflict", `Cannot make backup "${taken}": it exists already`);
    }
  }
}

/** The archive under its temporary name, read back. */
async function makeVerified(
  options: ArchiveOptions,
  partial: string,
  context: EngineContext,
): Promise<MakeResult> {
  using worker = new TaskWorker();
  const made = await archive(options, partial, worker, context);
  const opener = made.file_key === null ? null : { file_key: made.file_key };
  const task = { task: "verify" as const, path: partial, opener, total_bytes: made.source_bytes };
  const problems = differences(await worker.run<"verify">(task, context), made);
  if (problems.length === 0) return made;
  throw new HoldfastError(
    "unavailable",
    `Cannot trust "${partial}": it does not read back: ${problems.join("; ")}`,
    {
      hint: "Check the destination's disk",
    },
  );
}

async function archive(
  options: ArchiveOptions,
  partial: string,
  worker: TaskWorker,
  context: EngineContext,
): Promise<MakeResult> {
  const count = Math.max(1, Math.min(MAX_PRESSES, availableParallelism() - 1));
  using presses = new Presses(count, options.compression ?? "zstd", options.level ?? null);
  const roots = rootsOf(options.sources);
  const task = {
    task: "make" as const,
    roots,
    excludes: options.excludes ?? [],
    partial,
    presses: presses.ports,
    recipients: options.encrypt_to ?? [],
  };
  return await Promise.race([worker.run<"make">(task, context), presses.failure]);
}

function manifestFor(
  request: MakeRequest<ArchiveOptions>,
  made: MakeResult,
  context: EngineContext,
): Manifest {
  const { options, name, labels } = request;
  const compression = options.compression ?? "zstd";
  const lost = DATA_LOST.some((reason) => (made.skipped_counts[reason] ?? 0) > 0);
  return {
    manifest_version: 1,
    engine: "archive",
    name,
    file: name + suffixOf(options),
    created_at: iso(context.now()),
    labels,
    compression,
    ...(options.encrypt_to === undefined
      ? {}
      : { encryption: { format: "age-encryption.org/v1", recipients: options.encrypt_to } }),
    sha256: made.sha256,
    size_bytes: made.size_bytes,
    source_bytes: made.source_bytes,
    counts: made.counts,
    roots: rootsOf(options.sources),
    excludes: options.excludes ?? [],
    skipped: made.skipped,
    skipped_counts: made.skipped_counts,
    incomplete: lost && options.allow_unreadable !== true,
    not_kept: NOT_KEPT,
  };
}

async function removeIfThere(path: string): Promise<void> {
  await Deno.remove(path).catch(() => {
    // Gone already, or not removable any more: the error that led here says more.
  });
}
