/** Engines whose artifacts are files of whatever kind: all that can be known of one is whether it is as it was written. */
import type { Engine } from "../../engine.ts";
import type { DumpKind } from "./verify.ts";

type Common = "kind" | "verify" | "list" | "restore" | "remove" | "discover" | "identify";

/** What such engines share. */
export function opaqueEngine(kind: string): Required<Pick<Engine<never>, Common>> {
  const files: DumpKind = { engine: kind, compressionOf: () => "none" };
  return {
    kind,
    verify: async (artifact, context) =>
      await (await import("./verify.ts")).verifyDump(files, artifact, context),
    async *list({ path }) {
      const { manifestOf } = await import("./manifest.ts");
      const manifest = await manifestOf(path, kind);
      const name = manifest?.content ?? path.slice(path.lastIndexOf("/") + 1);
      yield await (await import("./list.ts")).entryOf(path, name, "file", manifest?.content_bytes);
    },
    restore: async (artifact, request, context) =>
      await (await import("./restore.ts")).restoreDump(files, artifact, request, context),
    remove: async (artifact) => await (await import("./artifact.ts")).removeDump(artifact),
    async *discover(directory) {
      yield* (await import("./discover.ts")).discoverDumps(kind, directory);
    },
    identify: async (file) => await (await import("./discover.ts")).identifyDump(kind, file),
  };
}
