/** Reading dumps again: whether they are complete, and which tables are in them. */
import type { ArtifactEntry, EngineContext, StoredArtifact, Verification } from "../../engine.ts";
import { entryOf } from "../dump/list.ts";
import { manifestOf } from "../dump/manifest.ts";
import { type DumpKind, verifyDump } from "../dump/verify.ts";
import { work } from "../dump/work.ts";

/** What each table begins with. */
export const MARKER = "\n-- Table structure for table `";

/** First lines of dumps, newer ones of MariaDB's after a line that protects their reader. */
const HEAD = /^(\/\*M?!999999[^\n]*\n)?-- (MariaDB|MySQL) dump /;

/** True when a dump was written to its end: then its last line says so. */
export function isComplete(tail: string): boolean {
  return /\n-- Dump completed( on [^\n]*)?\n*$/.test(tail);
}

export const KIND: DumpKind = {
  engine: "mysql",
  compressionOf: (path) => path.endsWith(".sql") ? "none" : "zstd",
  marker: MARKER,
  inspect({ content, manifest }) {
    const problems: string[] = [];
    if (!HEAD.test(content.head)) problems.push("It is no dump of MariaDB or MySQL");
    if (!isComplete(content.tail)) problems.push("It is not complete: its end is missing");
    if (manifest !== null && manifest.item_count !== content.count) {
      problems.push(`It holds ${content.count} tables, recorded are ${manifest.item_count}`);
    }
    return Promise.resolve({ problems });
  },
};

export async function verify(artifact: StoredArtifact, context: EngineContext): Promise<Verification> {
  return await verifyDump(KIND, artifact, context);
}

/** The tables, with their database where there are several. */
export async function* list(artifact: StoredArtifact, context: EngineContext): AsyncGenerator<ArtifactEntry> {
  const { path } = artifact;
  const manifest = await manifestOf(path, KIND.engine);
  const compression = manifest?.compression ?? KIND.compressionOf(path);
  const lines = await work<"lines">({ task: "lines", path, compression, prefix: "-- " }, context);
  let database = "";
  for (const line of lines) {
    const table = nameIn(line, "Table structure for table ");
    database = nameIn(line, "Current Database: ") ?? database;
    if (table !== undefined) {
      yield await entryOf(path, database === "" ? table : `${database}/${table}`, "other");
    }
  }
}

function nameIn(line: string, words: string): string | undefined {
  const name = line.startsWith(`${words}\``) ? line.slice(words.length + 1, -1) : undefined;
  return name?.replaceAll("``", "`");
}
