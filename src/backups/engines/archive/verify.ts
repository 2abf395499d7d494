/** Walking an archive to its last byte, inside a worker: decompression, headers, counts and hash. */
import { HoldfastError } from "../../../lib/errors.ts";
import type { Counts, Host, VerifyResult, VerifyTask } from "./protocol.ts";
import { ArtifactReader } from "./read-artifact.ts";
import { TarReader } from "./tar-decode.ts";

/** Runs the task. Damage is part of the result; only what prevents looking at all is thrown. */
export async function verify(task: VerifyTask, host: Host): Promise<VerifyResult> {
  const counts: Counts = { files: 0, directories: 0, symlinks: 0, hardlinks: 0 };
  let others = 0;
  let bytes = 0;
  using artifact = new ArtifactReader(task.path, () => host.checkpoint(), task.opener);
  if (artifact.sealed) {
    return { ...hashOf(task, host), source_bytes: bytes, counts, others, problem: null, sealed: true };
  }
  const report = (now: boolean) => {
    const done_items = counts.files + counts.directories + counts.symlinks + counts.hardlinks;
    const total = task.total_bytes === null ? {} : { total_bytes: task.total_bytes };
    host.progress({ phase: "verify", done_bytes: bytes, done_items, ...total }, now);
  };
  report(true);
  try {
    const tar = new TarReader(artifact.tar());
    for (let header = await tar.next(); header !== null; header = await tar.next()) {
      host.checkpoint();
      if (header.kind === "other") others++;
      else counts[COUNTED[header.kind]]++;
      for (let piece = await tar.piece(); piece !== null; piece = await tar.piece()) {
        bytes += piece.length;
        report(false);
      }
    }
    report(true);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "archive_damaged") throw error;
    // Read once more, so that the hash is that of the whole file.
    return {
      ...hashOf(task, host),
      source_bytes: bytes,
      counts,
      others,
      problem: error.message,
      sealed: false,
    };
  }
  const { size } = artifact;
  const sha256 = artifact.digest();
  return { sha256, size_bytes: size, source_bytes: bytes, counts, others, problem: null, sealed: false };
}

const COUNTED = {
  file: "files",
  directory: "directories",
  symlink: "symlinks",
  hardlink: "hardlinks",
} as const;

/** Hash and size of a file as stored. */
export function hashOf(task: { path: string }, host: Host): { sha256: string; size_bytes: number } {
  using artifact = new ArtifactReader(task.path, () => host.checkpoint());
  for (const _ of artifact.stored());
  return { sha256: artifact.digest(), size_bytes: artifact.size };
}
