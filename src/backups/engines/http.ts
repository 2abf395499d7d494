/**
 * Engine `http`: backups that a service makes when it is asked.
 *
 * What it promises
 * - A request starts the backup, further ones ask for its status until it is done or failed; what answers mean is said with
 *   JSON pointers. A finished backup is downloaded, compared with the size and hash the service tells, and kept as a file
 *   like any other; or it stays there, and what is recorded is that the service has it, with the size it tells.
 * - Headers go to the origin of the start only; another origin gets those that are named for it. Redirects are followed for
 *   downloads only, and never with headers to another origin.
 * - Connections go to public addresses only, to exactly the one that was judged, unless `allow_private` is set, which over the
 *   network only administrators may.
 * - A run that is cancelled or takes too long tells the service so, where `cancel` says how.
 */
import { resolve } from "node:path";
import { HoldfastError } from "../../lib/errors.ts";
import type { Engine } from "../engine.ts";
import { opaqueEngine } from "./dump/opaque.ts";
import { HttpOptions } from "./http/options.ts";

const files = opaqueEngine("http");

/** True for backups that stayed at their service. */
function isRemote({ path }: { path: string }): boolean {
  return /^https?:/.test(path);
}

function stayed(verb: "restore" | "list", { path }: { path: string }): HoldfastError {
  return new HoldfastError("invalid", `Cannot ${verb} "${path}": it stayed at its service`, {
    hint: `${verb} it there; to have backups here set download`,
  });
}

/** The engine. */
export const httpEngine: Engine<HttpOptions> = {
  ...files,
  summary: "A backup that a service makes when it is asked over HTTP",
  options: HttpOptions,
  runsCommands: false,
  paths: ({ destination, ca_file }) => ({
    read: [ca_file].filter((path) => path !== undefined).map((path) => resolve(path)),
    write: [destination].filter((path) => path !== undefined).map((path) => resolve(path)),
  }),
  reserved: ({ allow_private }) => allow_private === true ? ["allow_private"] : [],
  check: async (options) => await (await import("./http/make.ts")).checkOptions(options),
  make: async (request, context) => await (await import("./http/make.ts")).make(request, context),
  verify: async (artifact, context) =>
    isRemote(artifact)
      ? await (await import("./http/remote.ts")).verifyRemote(artifact, context)
      : await files.verify(artifact, context),
  async *list(artifact, context) {
    if (isRemote(artifact)) throw stayed("list", artifact);
    yield* files.list(artifact, context);
  },
  restore: (artifact, request, context) =>
    isRemote(artifact)
      ? Promise.reject(stayed("restore", artifact))
      : files.restore(artifact, request, context),
  remove: async (artifact, context) =>
    isRemote(artifact)
      ? await (await import("./http/remote.ts")).removeRemote(artifact, context)
      : await files.remove(artifact, context),
};
