/** What a database holds, as SQL text: to compare two moments by, and to keep a release's database as a text. */
import { DatabaseSync } from "node:sqlite";

/** The statements that make a database anew: its objects, then its rows, table by table. */
export function dumpDatabase(path: string): string {
  using database = openForReading(path);
  const objects = database.prepare(
    "select name, sql from sqlite_master where sql is not null and name not like 'sqlite_%' order by rowid",
  ).all().map(({ sql }) => `${sql};`);
  return [...objects, ...tables(database).flatMap((table) => rowsOf(database, table))].join("\n") + "\n";
}

/** The rows of a database as SQL text, without tables whose content is not asked for. */
export function contentOf(path: string, except: readonly string[] = []): string {
  using database = openForReading(path);
  return tables(database).filter((table) => !except.includes(table))
    .flatMap((table) => rowsOf(database, table)).join("\n");
}

/** Makes a database at `path`, where nothing may be yet, from the statements of a dump. */
export function loadDump(sql: string, path: string): void {
  using database = new DatabaseSync(path);
  database.exec("pragma foreign_keys = off; begin");
  database.exec(sql);
  database.exec("commit; pragma journal_mode = wal");
}

function openForReading(path: string): DatabaseSync {
  return new DatabaseSync(path, { readOnly: true });
}

function tables(database: DatabaseSync): string[] {
  // The counters of numbered tables are kept in a table of SQLite's own, which cannot be created.
  return database.prepare("select name from sqlite_master where type = 'table' order by rowid").all()
    .map(({ name }) => String(name)).filter((name) =>
      name === "sqlite_sequence" || !name.startsWith("sqlite_")
    );
}

function rowsOf(database: DatabaseSync, table: string): string[] {
  const columns = database.prepare(`pragma table_info("${table}")`).all().map(({ name }) => `"${name}"`);
  const values = columns.map((column) => `quote(${column})`).join(" || ', ' || ");
  const clear = table === "sqlite_sequence" ? ["delete from sqlite_sequence;"] : [];
  return [
    ...clear,
    ...database.prepare(`select ${values} as row from "${table}" order by ${columns.join(", ")}`).all()
      .map(({ row }) => `insert into "${table}" (${columns.join(", ")}) values (${row});`),
  ];
}
