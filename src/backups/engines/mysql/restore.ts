/** Giving dumps back: as a file of SQL, or into a database. */
import { HoldfastError } from "../../../lib/errors.ts";
import type { EngineContext, Restored, RestoreRequest, StoredArtifact } from "../../engine.ts";
import { type DumpManifest, manifestOf } from "../dump/manifest.ts";
import { restoreDump } from "../dump/restore.ts";
import { contentStream } from "../dump/work.ts";
import type { Tools } from "../tools/find.ts";
import { Meter } from "../tools/meter.ts";
import { Client, identifier, literal, SHELL } from "./client.ts";
import { MysqlOptions, onlyDatabase } from "./options.ts";
import { KIND, verify } from "./read.ts";

export async function restore(
  tools: Tools,
  artifact: StoredArtifact,
  request: RestoreRequest,
  context: EngineContext,
): Promise<Restored> {
  if (request.into === undefined) return await restoreDump(KIND, artifact, request, context);
  return await restoreInto(tools, artifact, request, request.into, context);
}

/** Statement by statement: a dump cannot be undone as a whole, so nothing is begun before it was read to its end. */
async function restoreInto(
  tools: Tools,
  artifact: StoredArtifact,
  { patterns, force }: RestoreRequest,
  database: string,
  context: EngineContext,
): Promise<Restored> {
  const options = connectionOf(artifact);
  if (patterns.length > 0) {
    throw refused(artifact, "patterns select files, and a dump is one", "leave them out");
  }
  const client = new Client(tools, options, context);
  const { ok, problems, item_count } = await verify(artifact, context);
  if (!ok) throw refused(artifact, problems.join("; "), "verify it, or restore another backup", "conflict");
  const manifest = await manifestOf(artifact.path, KIND.engine);
  const made = await prepareDatabase(client, database, force);
  try {
    const restored_bytes = await load(client, artifact, manifest, database);
    return { item_count, restored_bytes, warnings: [] };
  } catch (error) {
    if (made) await dropMade(client, database);
    throw error;
  }
}

async function load(
  client: Client,
  { path }: StoredArtifact,
  manifest: DumpManifest | null,
  database: string,
): Promise<number> {
  const { context } = client;
  const meter = new Meter(context);
  const compression = manifest?.compression ?? KIND.compressionOf(path);
  const total = manifest === null ? {} : { total_bytes: manifest.content_bytes };
  let bytes = 0;
  const report = (final: boolean) =>
    meter.report({ phase: "restore", done_bytes: bytes, done_items: 0, ...total }, final);
  async function* content() {
    for await (const piece of contentStream({ task: "stream", path, compression }, context)) {
      yield piece;
      bytes += piece.length;
      report(false);
    }
  }
  await client.run({
    tool: SHELL,
    args: ["--batch", "--", database],
    stdin: content(),
    action: `restore into database "${database}"`,
  });
  report(true);
  return bytes;
}

function connectionOf(artifact: StoredArtifact): MysqlOptions {
  const options = MysqlOptions.safeParse(artifact.options).data;
  if (options === undefined) {
    const hint = "restore it to a directory and load it with: mariadb NAME < FILE";
    throw refused(artifact, "the catalogue does not know its server", hint);
  }
  if (onlyDatabase(options) === undefined) {
    const hint = "restore it to a directory and load it with mariadb: it makes its databases itself";
    throw refused(artifact, "it is of several databases", hint);
  }
  return options;
}

function refused(
  { path }: StoredArtifact,
  why: string,
  hint: string,
  kind: "invalid" | "conflict" = "invalid",
): HoldfastError {
  return new HoldfastError(kind, `Cannot restore "${path}" into a database: ${why}`, {
    hint,
    ...(kind === "conflict" ? { code: "archive_damaged" } : {}),
  });
}

/** True when the database was made; one that holds tables is only written to when forced. */
async function prepareDatabase(client: Client, database: string, force: boolean): Promise<boolean> {
  const action = `restore into database "${database}"`;
  const name = literal(database);
  const schemata = `select 1 from information_schema.schemata where schema_name = ${name};`;
  if ((await client.query(schemata, action)).length === 0) {
    await client.query(`create database ${identifier(database)} character set utf8mb4;`, action);
    return true;
  }
  const tables = `select count(*) from information_schema.tables where table_schema = ${name};`;
  const [count] = await client.query(tables, action);
  if (count !== "0" && !force) {
    throw new HoldfastError("conflict", `Cannot restore into database "${database}": it is not empty`, {
      hint: "name one that does not exist, or replace its tables of the same names with --force",
    });
  }
  return false;
}

async function dropMade(client: Client, database: string): Promise<void> {
  try {
    await client.finishing().query(`drop database ${identifier(database)};`, `drop database "${database}"`);
  } catch {
    const text = `Database "${database}" was made for this restore and could not be dropped again`;
    client.context.log("warning", text);
  }
}
