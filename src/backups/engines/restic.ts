/**
 * Engine `restic`: snapshots in a restic repository, on this host or elsewhere.
 *
 * What it promises
 * - A backup is one snapshot, known as `restic:ID`, with the tags `holdfast` and the backup's name. The catalogue keeps the
 *   options it was made with, as only repository and password lead back to it: whoever has those needs no Holdfast.
 * - A run is followed by `restic check` and reads the snapshot's list back; `read_data_subset` has part of the data compared
 *   too. A run that fails or is cancelled leaves no snapshot. Files that cannot be read make it incomplete (exit code 3).
 * - `size_bytes` is what a restore writes, not what the snapshot added to the repository.
 * - A restore goes into a directory inside the target first and is moved from there, under the rules of every restore:
 *   nothing is overwritten unless forced, links out of the target are refused, owners are ours unless asked for.
 * - Removing a backup forgets its snapshot; space is given back by `prune`, each time or by restic itself.
 * - Passwords go through the environment of restic, never through its arguments. Locks that a killed restic left behind
 *   are removed, those that somebody holds are respected.
 * - restic 0.14 and later. sftp and rclone run programs of their own, so over the network only admins may set them.
 */
import { resolve } from "node:path";
import type { Engine } from "../engine.ts";
import { backendOf, localPath, ResticOptions } from "./restic/options.ts";
import { type Tools, toolsOn } from "./tools/find.ts";

/** The engine, with the programs of the given path. */
export function resticOn(tools: Tools): Engine<ResticOptions> {
  return {
    kind: "restic",
    summary: "Directories and files as snapshots in a restic repository",
    options: ResticOptions,
    runsCommands: false,
    paths: ({ sources, repository }) => ({
      read: sources.map((source) => resolve(source)),
      write: [localPath(repository)].filter((path) => path !== undefined).map((path) => resolve(path)),
    }),
    reserved: ({ repository }) =>
      ["sftp", "rclone"].filter((backend) => backend === backendOf(repository))
        .map((backend) => `a repository behind ${backend}`),
    check: async (options) => await (await import("./restic/check.ts")).checkOptions(tools, options),
    make: async (request, context) => await (await import("./restic/make.ts")).make(tools, request, context),
    verify: async (artifact, context) =>
      await (await import("./restic/verify.ts")).verify(tools, artifact, context),
    async *list(artifact, context) {
      yield* (await import("./restic/verify.ts")).list(tools, artifact, context);
    },
    restore: async (artifact, request, context) =>
      await (await import("./restic/restore.ts")).restore(tools, artifact, request, context),
    remove: async (artifact, context) =>
      await (await import("./restic/remove.ts")).remove(tools, artifact, context),
  };
}

/** The engine, with the programs of this process's path. */
export const resticEngine: Engine<ResticOptions> = resticOn(toolsOn());
