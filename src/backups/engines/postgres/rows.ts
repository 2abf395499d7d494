/** Counting rows as of the moment of a dump. */
import { z } from "zod";
import { type Client, PSQL, PSQL_ARGS } from "./client.ts";

/** Rows by table, `schema.table`. */
export type Rows = Record<string, number>;

/** Plain tables and partitions: what is dumped as data of its own. What belongs to an extension comes with that. */
const COUNTS = String.raw`
select format('select json_build_array(%L, count(*)) from only %I.%I', n.nspname || '.' || c.relname, n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
  and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by 1 \gexec
`;

const Count = z.tuple([z.string(), z.number()]);

/**
 * Counts all rows in a transaction that stays open while `body` works with its snapshot, so that a dump made from that
 * holds exactly these rows.
 */
export async function withRows<T>(
  client: Client,
  body: (snapshot: string, rows: Rows) => Promise<T>,
): Promise<T> {
  const rows: Rows = {};
  const ready = Promise.withResolvers<string>();
  const over = Promise.withResolvers<void>();
  let snapshot: string | undefined;
  async function* script() {
    const begin = "begin isolation level repeatable read read only;\nselect pg_export_snapshot();\n";
    yield new TextEncoder().encode(begin + COUNTS + "\\echo ready\n");
    await over.promise;
    yield new TextEncoder().encode("rollback;\n");
  }
  const session = client.run({
    tool: PSQL,
    args: PSQL_ARGS,
    stdin: script(),
    quiet: true,
    action: "count the rows",
    onLine(line) {
      if (snapshot === undefined) snapshot = line;
      else if (line === "ready") ready.resolve(snapshot);
      else {
        const [table, count] = Count.parse(JSON.parse(line));
        rows[table] = count;
      }
    },
  });
  session.catch(ready.reject);
  try {
    return await body(await ready.promise, rows);
  } finally {
    over.resolve();
    // What the session has to say after the work is done changes nothing.
    await session.catch(() => {});
  }
}

/** Rows of another database. */
export async function rowsOf(client: Client, database: string): Promise<Rows> {
  const lines = await client.query(COUNTS, `count the rows of database "${database}"`, database);
  return Object.fromEntries(lines.map((line) => Count.parse(JSON.parse(line))));
}

/** One sentence per difference. */
export function rowDifferences(expected: Rows, found: Rows): string[] {
  return Object.entries(expected).filter(([table, count]) => found[table] !== count).map(([table, count]) =>
    `Table "${table}" was dumped with ${count} rows and restored with ${
      found[table] ?? "none: it is not there"
    }`
  );
}
