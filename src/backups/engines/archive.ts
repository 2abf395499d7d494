/**
 * Engine `archive`: directories and files into one `.tar.zst` or `.tar.gz` with a manifest beside it.
 *
 * What it promises
 * - An artifact opens with plain `tar --zstd -xf` or `tar -xzf`. Each source lies in it under its absolute path
 *   without the leading slash (`/srv/data` as `srv/data`), so a restore to `DIR` puts it at `DIR/srv/data`, and a
 *   restore to `/` puts it back; the manifest's `roots` name both.
 * - Kept: content, names, modes, owners (numbers and names), modification times to the millisecond, symbolic links,
 *   hard links (content once), empty directories. A source that is itself a link is followed, links below it are
 *   not. Sparse files are stored as plain content, of which zstd makes next to nothing.
 * - Not kept, and said once per run: extended attributes, access lists, file flags, access times. Sockets, devices,
 *   named pipes and names that are not UTF-8 are not kept either; each is counted and named.
 * - A file that changes while it is read is stored with the size it had at first, one that vanishes is left out; both
 *   are recorded and neither fails the run. What cannot be read makes the artifact `incomplete` unless
 *   `allow_unreadable`.
 * - It is written to `NAME.tar.zst.partial`, flushed, read back (hash, every frame's checksum, every entry), and
 *   only then gets its manifest and its name. A `.partial` file is never a backup.
 * - With `encrypt_to` all of it is encrypted in the format of age, so `age -d | tar --zstd -x` opens it. What made it reads
 *   it back with the key of this one archive, which is then forgotten; from then on only an identity opens it, and
 *   without one a verification compares its hash.
 * - With a destination `s3://bucket/prefix` it is uploaded when all of this is done, in parts and through a scratch
 *   directory, and read back whole from the storage before it counts.
 */
import { resolve } from "node:path";
import type { ArtifactEntry, Engine, EngineContext, RestoreRequest, StoredArtifact } from "../engine.ts";
import { checkOptions } from "./archive/check.ts";
import { discoverManifests, identifyArtifact, manifestOf } from "./archive/discover.ts";
import { makeArtifact } from "./archive/make-artifact.ts";
import { openerFor } from "./archive/identity.ts";
import { manifestPath } from "./archive/manifest.ts";
import { ArchiveOptions } from "./archive/options.ts";
import { TaskWorker } from "./archive/run-task.ts";
import { isS3 } from "./s3/options.ts";
import { verifyArtifact } from "./archive/verify-artifact.ts";

export { type Manifest, manifestPath, readManifest } from "./archive/manifest.ts";
export { ArchiveOptions };

/** The engine. */
export const archiveEngine: Engine<ArchiveOptions> = {
  kind: "archive",
  summary: "Directories and files into one compressed tar archive",
  options: ArchiveOptions,
  runsCommands: false,
  paths: (options) => ({
    read: options.sources.map((source) => resolve(source)),
    write: isS3(options.destination) ? [] : [resolve(options.destination)],
  }),
  reserved: ({ s3 }) => s3?.allow_private === true ? ["s3.allow_private"] : [],
  places: ({ destination }) => isS3(destination) ? [destination] : [],
  check: checkOptions,
  make: async (request, context) =>
    isS3(request.options.destination)
      ? await (await stored()).makeStored(request, context)
      : await makeArtifact(request, context),
  verify: async (artifact, context) =>
    isS3(artifact.path)
      ? await (await stored()).verifyStored(artifact, context)
      : await verifyArtifact(artifact, context),
  async *list(artifact, context) {
    if (!isS3(artifact.path)) return yield* listEntries(artifact, context);
    const { fetchCopy, renamed } = await stored();
    await using copy = await fetchCopy(artifact, context);
    try {
      yield* listEntries(copy.artifact, context);
    } catch (error) {
      throw renamed(error, copy.artifact.path, artifact.path);
    }
  },
  restore: async (artifact, request, context) =>
    isS3(artifact.path)
      ? await (await stored()).fetched(artifact, context, (copy) => restoreArtifact(copy, request, context))
      : await restoreArtifact(artifact, request, context),
  locate: async (artifact, context) => await (await stored()).locateStored(artifact, context),
  async remove(artifact, context) {
    const { path } = artifact;
    if (isS3(path)) return await (await stored()).removeStored(artifact, context);
    // The artifact first: a manifest without one is no backup, the reverse would be one that nobody can check.
    for (const file of [path, manifestPath(path)]) {
      await Deno.remove(file).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
  },
  async *discover(directory, reach) {
    if (!isS3(directory)) return yield* discoverManifests(directory);
    if (reach !== undefined) yield* (await stored()).discoverStored(directory, reach);
  },
  sweep: async (place, name, reach) => await (await stored()).sweepStored(place, name, reach),
  identify: identifyArtifact,
};

/** Loaded when an archive is in a storage. */
function stored() {
  return import("./archive/stored.ts");
}

async function restoreArtifact(
  artifact: StoredArtifact,
  request: RestoreRequest,
  context: EngineContext,
) {
  const { path, sha256 } = artifact;
  const manifest = await manifestOf(path);
  using worker = new TaskWorker();
  return await worker.run<"restore">({
    task: "restore",
    path,
    opener: await openerFor(artifact, context),
    request: { ...request, target: resolve(request.target) },
    sha256: sha256 ?? manifest?.sha256 ?? null,
    total_bytes: manifest?.source_bytes ?? null,
  }, context);
}

/** Entries come in batches, each sent when the one before was used up; who stops listening stops the worker. */
async function* listEntries(
  artifact: StoredArtifact,
  context: EngineContext,
): AsyncGenerator<ArtifactEntry> {
  const { path } = artifact;
  const opener = await openerFor(artifact, context);
  const stop = new AbortController();
  const batches = new TransformStream<ArtifactEntry[], ArtifactEntry[]>();
  const writer = batches.writable.getWriter();
  const listening: EngineContext = {
    signal: AbortSignal.any([context.signal, stop.signal]),
    now: () => context.now(),
    log: (level, text) => context.log(level, text),
    progress: (update) => context.progress(update),
    secret: (name) => context.secret(name),
  };
  using worker = new TaskWorker();
  const listed = worker.run<"list">({ task: "list", path, opener }, listening, (batch) => writer.write(batch))
    .then(() => writer.close(), (error) => writer.abort(error))
    // Failures reach the reader through the stream, and one that has gone away misses nothing.
    .catch(() => {});
  try {
    for await (const batch of batches.readable) yield* batch;
  } finally {
    stop.abort();
    await listed;
  }
}
