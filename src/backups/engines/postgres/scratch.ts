/** Scratch databases: restoring a dump for no other reason than to see that it can be. */
import { HoldfastError } from "../../../lib/errors.ts";
import { type Client, conninfo, identifier, literal, PG_RESTORE } from "./client.ts";
import type { PostgresOptions } from "./options.ts";
import { rowDifferences, type Rows, rowsOf } from "./rows.ts";
import { tocOf } from "./toc.ts";

/** What a scratch database is known by, should a crash leave it behind. */
const COMMENT = "scratch database of holdfast: may be dropped";

/** Restores a dump into the scratch database, compares the counts of rows, and drops it. One sentence per problem. */
export async function scratchProblems(
  client: Client,
  options: PostgresOptions,
  file: string,
  expected: Rows,
): Promise<string[]> {
  const database = options.verify_restore?.database ?? "";
  const stored = await storedRows(client, file, expected);
  const maintenance = options.database ?? "postgres";
  await dropScratch(client, database, maintenance);
  const action = `make scratch database "${database}"`;
  await client.query(`create database ${identifier(database)} template template0`, action, maintenance);
  try {
    await client.query(
      `comment on database ${identifier(database)} is ${literal(COMMENT)}`,
      action,
      database,
    );
    client.context.progress({ phase: "check", done_bytes: 0, done_items: 0 });
    await client.run({
      tool: PG_RESTORE,
      args: [
        "--no-owner",
        "--no-privileges",
        "--exit-on-error",
        "--no-password",
        `--dbname=${conninfo(database)}`,
        file,
      ],
      action: `restore into scratch database "${database}"`,
    });
    return rowDifferences(stored, await rowsOf(client, database));
  } catch (error) {
    client.context.signal.throwIfAborted();
    if (!(error instanceof HoldfastError) || error.kind === "exhausted") throw error;
    return [error.message];
  } finally {
    await drop(client, database, maintenance);
  }
}

/** Only tables whose data is in the dump: some may have been excluded. */
async function storedRows(client: Client, file: string, rows: Rows): Promise<Rows> {
  const lines = (await tocOf(client, file)).map(({ line }) => line);
  const data = lines.filter((line) => line.includes(" TABLE DATA ")).join("\n");
  const isStored = (table: string) => data.includes(` TABLE DATA ${table.replace(".", " ")} `);
  return Object.fromEntries(Object.entries(rows).filter(([table]) => isStored(table)));
}

/** Drops what an earlier process left. Errors: `conflict` for a database that is not ours. */
async function dropScratch(client: Client, database: string, maintenance: string): Promise<void> {
  const [comment] = await client.query(
    `select coalesce(shobj_description(oid, 'pg_database'), '-') from pg_database where datname = ${
      literal(database)
    }`,
    `look for scratch database "${database}"`,
    maintenance,
  );
  if (comment === undefined) return;
  if (comment === COMMENT) return await drop(client, database, maintenance);
  throw new HoldfastError("conflict", `Cannot verify into database "${database}": it exists already`, {
    hint: "name one in verify_restore that does not exist: it is made and dropped each time",
  });
}

async function drop(client: Client, database: string, maintenance: string): Promise<void> {
  const action = `drop scratch database "${database}"`;
  await client.finishing().query(`drop database if exists ${identifier(database)}`, action, maintenance);
}
