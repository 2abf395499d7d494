/**
 * Engines whose backup is one text that a service writes: a tenant as files, the configuration of a router.
 *
 * The slice that knows the service says how the text is made; everything else is as for other single-file artifacts: written
 * under another name, read back, and restored as a file.
 */
import { basename, join, resolve } from "node:path";
import type { z } from "zod";
import { HoldfastError } from "../../lib/errors.ts";
import type { Engine, EngineContext } from "../engine.ts";
import { destinationProblems } from "./dump/destination.ts";

/** What such a text is and where it comes from. */
export interface DocumentSource<Options extends { destination: string }> {
  kind: string;
  summary: string;
  options: z.ZodType<Options>;
  /** Ending of the artifact before `.zst`: `.tenant.yaml`. */
  suffix: string;
  /** Name of the file a restore makes of it. */
  content: string;
  /** What of these options only an administrator or somebody on this host may set; absent: nothing. */
  reserved?(options: Options): string[];
  check(options: Options): string[];
  produce(options: Options, context: EngineContext): Promise<{ text: string; item_count: number }>;
}

/** The engine of a source. */
export function documentEngine<Options extends { destination: string }>(
  source: DocumentSource<Options>,
): Engine<Options> {
  const { kind, summary, options, suffix, content, reserved } = source;
  const dump = { engine: kind, compressionOf: () => "zstd" as const };
  const check = async (
    given: Options,
  ) => [...source.check(given), ...await destinationProblems(given.destination)];
  return {
    kind,
    summary,
    options,
    runsCommands: false,
    paths: ({ destination }) => ({ read: [], write: [resolve(destination)] }),
    ...(reserved === undefined ? {} : { reserved }),
    check,
    async make(request, context) {
      const problems = await check(request.options);
      if (problems.length > 0) {
        throw new HoldfastError("invalid", `Cannot make backup "${request.name}": ${problems.join("; ")}`);
      }
      const { makeDump } = await import("./dump/artifact.ts");
      const { work } = await import("./dump/work.ts");
      return await makeDump(request, {
        engine: kind,
        suffix: `${suffix}.zst`,
        content,
        compression: "zstd",
        async produce(path, scratch) {
          const from = join(await scratch(), content);
          const { text, item_count } = await source.produce(request.options, context);
          await Deno.writeTextFile(from, text, { mode: 0o600 });
          const written = await work<"pack">({ task: "pack", from, path, compression: "zstd" }, context);
          return { written, item_count, facts: {} };
        },
      }, context);
    },
    verify: async (artifact, context) =>
      await (await import("./dump/verify.ts")).verifyDump(dump, artifact, context),
    async *list(artifact) {
      yield await (await import("./dump/list.ts")).entryOf(artifact.path, basename(content), "file");
    },
    restore: async (artifact, request, context) =>
      await (await import("./dump/restore.ts")).restoreDump(dump, artifact, request, context),
    remove: async (artifact) => await (await import("./dump/artifact.ts")).removeDump(artifact),
    async *discover(directory) {
      const ending = new RegExp(`${suffix.replaceAll(".", "\\.")}\\.zst$`);
      yield* (await import("./dump/discover.ts")).discoverDumps(kind, directory, ending);
    },
    async identify(file) {
      const { identifyDump } = await import("./dump/discover.ts");
      return await identifyDump(kind, file, () => file.endsWith(`${suffix}.zst`));
    },
  };
}
