/** Giving dumps back: as a file, in part as SQL, or into a database. */
import { basename, join } from "node:path";
import { HoldfastError } from "../../../lib/errors.ts";
import type { EngineContext, Restored, RestoreRequest, StoredArtifact } from "../../engine.ts";
import { globMatcher } from "../archive/glob.ts";
import { Examples, nothingMatches } from "../archive/nothing-matches.ts";
import { manifestOf } from "../dump/manifest.ts";
import { placeFile, restoreDump } from "../dump/restore.ts";
import { verifyDump } from "../dump/verify.ts";
import type { Tools } from "../tools/find.ts";
import { Client, conninfo, identifier, literal, PG_RESTORE } from "./client.ts";
import { PostgresOptions } from "./options.ts";
import { tocOf } from "./toc.ts";
import { isSql, kindOf } from "./verify.ts";

export async function restore(
  tools: Tools,
  artifact: StoredArtifact,
  request: RestoreRequest,
  context: EngineContext,
): Promise<Restored> {
  if (request.into !== undefined) return await restoreInto(tools, artifact, request, request.into, context);
  const kind = kindOf(tools, artifact.path);
  if (isSql(artifact.path) || request.patterns.length === 0) {
    return await restoreDump(kind, artifact, request, context);
  }
  return await restoreSelected(tools, artifact, request, context);
}

/** SQL that makes what the patterns select. */
async function restoreSelected(
  tools: Tools,
  artifact: StoredArtifact,
  request: RestoreRequest,
  context: EngineContext,
): Promise<Restored> {
  const client = new Client(tools, undefined, context);
  await requireIntact(tools, artifact, context);
  const manifest = await manifestOf(artifact.path, "postgres");
  const name = basename(manifest?.content ?? basename(artifact.path)).replace(/\.dump$/, ".sql");
  return await withList(client, artifact, request.patterns, async (selection, item_count) => {
    const restored_bytes = await placeFile(request, name, context, async ({ partial }) => {
      await Deno.writeFile(partial, new Uint8Array(), { createNew: true, mode: 0o600 });
      await client.run({
        tool: PG_RESTORE,
        args: [...selection, `--file=${partial}`, artifact.path],
        action: `restore from "${artifact.path}"`,
      });
      return (await Deno.stat(partial)).size;
    });
    return { item_count, restored_bytes, warnings: [] };
  });
}

/** All in one transaction: either everything is there afterwards, or nothing has changed. */
async function restoreInto(
  tools: Tools,
  artifact: StoredArtifact,
  request: RestoreRequest,
  database: string,
  context: EngineContext,
): Promise<Restored> {
  const options = connectionOf(artifact);
  const client = new Client(tools, options, context);
  await requireIntact(tools, artifact, context);
  const made = await prepareDatabase(client, options, database, request.force);
  try {
    return await withList(client, artifact, request.patterns, async (selection, item_count) => {
      context.progress({ phase: "restore", done_bytes: 0, done_items: 0, total_items: item_count });
      await client.run({
        tool: PG_RESTORE,
        args: [
          "--single-transaction",
          "--exit-on-error",
          "--no-password",
          ...(request.owners ? [] : ["--no-owner", "--no-privileges"]),
          ...(made ? [] : ["--clean", "--if-exists"]),
          ...selection,
          `--dbname=${conninfo(database)}`,
          artifact.path,
        ],
        action: `restore into database "${database}"`,
      });
      const { size } = await Deno.stat(artifact.path);
      context.progress({
        phase: "restore",
        done_bytes: size,
        done_items: item_count,
        total_items: item_count,
      });
      return { item_count, restored_bytes: size, warnings: [] };
    });
  } catch (error) {
    if (made) await dropMade(client, options, database);
    throw error;
  }
}

function connectionOf(artifact: StoredArtifact): PostgresOptions {
  const refuse = (why: string, hint: string): never => {
    throw new HoldfastError("invalid", `Cannot restore "${artifact.path}" into a database: ${why}`, { hint });
  };
  if (isSql(artifact.path)) {
    return refuse(
      "it is of a whole cluster",
      "restore it to a directory and load it with psql: it makes its databases itself",
    );
  }
  return PostgresOptions.safeParse(artifact.options).data ??
    refuse(
      "the catalogue does not know its server",
      "restore it to a directory and load it with pg_restore --dbname NAME",
    );
}

/** True when the database was made; one that holds tables is only replaced when forced. */
async function prepareDatabase(
  client: Client,
  options: PostgresOptions,
  database: string,
  force: boolean,
): Promise<boolean> {
  const action = `restore into database "${database}"`;
  const maintenance = options.database;
  const exists = `select 1 from pg_database where datname = ${literal(database)}`;
  if ((await client.query(exists, action, maintenance)).length === 0) {
    await client.query(`create database ${identifier(database)} template template0`, action, maintenance);
    return true;
  }
  const relations = `select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'`;
  const [count = "0"] = await client.query(relations, action, database);
  if (count !== "0" && !force) {
    throw new HoldfastError("conflict", `Cannot restore into database "${database}": it is not empty`, {
      hint: "name one that does not exist, or replace what it holds with --force",
    });
  }
  return false;
}

async function dropMade(client: Client, options: PostgresOptions, database: string): Promise<void> {
  try {
    const sql = `drop database ${identifier(database)}`;
    await client.finishing().query(sql, `drop database "${database}"`, options.database);
  } catch {
    const text = `Database "${database}" was made for this restore and could not be dropped again`;
    client.context.log("warning", text);
  }
}

async function requireIntact(tools: Tools, artifact: StoredArtifact, context: EngineContext): Promise<void> {
  const { inspect: _, ...kind } = kindOf(tools, artifact.path);
  const { ok, problems } = await verifyDump(kind, artifact, context);
  if (ok) return;
  throw new HoldfastError("conflict", `Cannot restore "${artifact.path}": ${problems.join("; ")}`, {
    code: "archive_damaged",
    hint: "Verify it, or restore another backup",
  });
}

/** Arguments that select entries, from a list in a file that goes away. */
async function withList<T>(
  client: Client,
  artifact: StoredArtifact,
  patterns: readonly string[],
  body: (args: string[], count: number) => Promise<T>,
): Promise<T> {
  const entries = await tocOf(client, artifact.path);
  if (patterns.length === 0) return await body([], entries.length);
  const matches = globMatcher(patterns);
  const selected = entries.filter(({ path }) => matches(path));
  if (selected.length === 0) {
    const examples = new Examples(patterns);
    for (const { path } of entries) examples.add(path);
    throw nothingMatches(artifact.path, patterns, examples.paths);
  }
  const directory = await Deno.makeTempDir({ prefix: "holdfast-restore-" });
  try {
    const file = join(directory, "list");
    await Deno.writeTextFile(file, selected.map(({ line }) => line).join("\n") + "\n");
    return await body([`--use-list=${file}`], selected.length);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
