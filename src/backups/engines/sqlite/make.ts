/** Making, verifying and restoring copies of SQLite databases. */
import { basename, join } from "node:path";
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import type {
  Artifact,
  ArtifactEntry,
  EngineContext,
  MakeRequest,
  Restored,
  RestoreRequest,
  StoredArtifact,
  Verification,
} from "../../engine.ts";
import { makeDump } from "../dump/artifact.ts";
import { entryOf } from "../dump/list.ts";
import { manifestOf } from "../dump/manifest.ts";
import { restoreDump, unpackTo } from "../dump/restore.ts";
import { type DumpKind, verifyDump } from "../dump/verify.ts";
import { work } from "../dump/work.ts";
import { checkOptions } from "./check.ts";
import type { SqliteOptions } from "./options.ts";

/** First bytes of every database file (https://www.sqlite.org/fileformat2.html). */
export const MAGIC = "SQLite format 3\0";

const KIND: DumpKind = {
  engine: "sqlite",
  compressionOf: (path) => path.endsWith(".zst") ? "zstd" : "none",
  async inspect({ artifact, manifest }, context) {
    // What is as it was written was found sound then.
    return manifest === null ? await inspectContent(artifact, context) : { problems: [] };
  },
};

/** Makes one artifact. */
export async function make(request: MakeRequest<SqliteOptions>, context: EngineContext): Promise<Artifact> {
  const { options, name } = request;
  const problems = await checkOptions(options);
  if (problems.length > 0) {
    throw new HoldfastError("invalid", `Cannot make backup "${name}": ${problems.join("; ")}`);
  }
  const compression = options.compression ?? "zstd";
  return await makeDump(request, {
    engine: "sqlite",
    suffix: compression === "zstd" ? ".sqlite.zst" : ".sqlite",
    content: basename(options.database),
    compression,
    async produce(partial, scratch) {
      const copy = join(await scratch(), "copy");
      await work<"copy-database">({ task: "copy-database", from: options.database, to: copy }, context);
      const { problems, tables } = await work<"check-database">(
        { task: "check-database", path: copy },
        context,
      );
      if (problems.length > 0) {
        throw new HoldfastError(
          "conflict",
          `Cannot keep a copy of database "${options.database}": it is damaged: ${problems.join("; ")}`,
          { code: "source_damaged", hint: 'see "pragma integrity_check" of the database itself' },
        );
      }
      const written = await work<"pack">({ task: "pack", from: copy, path: partial, compression }, context);
      return {
        written,
        item_count: tables.length,
        facts: { rows: Object.fromEntries(tables.map(({ name, rows }) => [name, rows])) },
      };
    },
  }, context);
}

export async function verify(artifact: StoredArtifact, context: EngineContext): Promise<Verification> {
  return await verifyDump(KIND, artifact, context);
}

export async function restore(
  artifact: StoredArtifact,
  request: RestoreRequest,
  context: EngineContext,
): Promise<Restored> {
  return await restoreDump(KIND, artifact, request, context, async ({ file, partial }) => {
    const { problems } = await work<"check-database">({ task: "check-database", path: partial }, context);
    if (problems.length > 0) {
      throw new HoldfastError(
        "conflict",
        `Cannot restore "${artifact.path}": it is damaged: ${problems.join("; ")}`,
      );
    }
    // A journal of the database that is replaced would be played into the restored one.
    for (const suffix of ["-wal", "-shm", "-journal"]) {
      await Deno.remove(file + suffix).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
  });
}

/** The tables, where the manifest names them; else the file. */
export async function* list(artifact: StoredArtifact): AsyncGenerator<ArtifactEntry> {
  const manifest = await manifestOf(artifact.path, KIND.engine);
  const tables = Object.keys(manifest?.facts.rows ?? {});
  for (const name of tables) yield await entryOf(artifact.path, name, "other");
  if (tables.length === 0) yield await entryOf(artifact.path, basename(artifact.path), "file");
}

async function inspectContent(
  artifact: StoredArtifact,
  context: EngineContext,
): Promise<{ problems: string[]; item_count?: number }> {
  const directory = await Deno.makeTempDir({ prefix: "holdfast-verify-" });
  try {
    const path = join(directory, "database");
    await unpackTo(artifact, null, KIND.compressionOf(artifact.path), path, context);
    const { problems, tables } = await work<"check-database">({ task: "check-database", path }, context);
    return { problems, item_count: tables.length };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { problems: [messageOf(error)] };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
