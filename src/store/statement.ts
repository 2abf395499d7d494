/** Statements that are asked at every request or run: built and compiled once, run with other values each time. */
import type { Compilable, CompiledQuery, Kysely, QueryResult } from "kysely";

/**
 * A statement with one value. `build` is called once, with `standIn`, which must differ from every constant in the
 * statement; it must hand it to Kysely as it is. Saves the third of a small query's time that goes into building it.
 */
export function statement<Tables, Row, Value extends string | number>(
  standIn: Value,
  build: (db: Kysely<Tables>, value: Value) => Compilable<Row>,
): (db: Kysely<Tables>, value: Value) => Promise<Row[]> {
  let compiled: CompiledQuery<Row> | undefined;
  return async (db, value) => {
    compiled ??= build(db, standIn).compile();
    const parameters = compiled.parameters.map((parameter) => parameter === standIn ? value : parameter);
    return (await db.executeQuery<Row>({ ...compiled, parameters })).rows;
  };
}

/** Stands in for a value while a statement is built: a field of the values, or of one of the rows. */
class StandIn {
  readonly name: string;
  readonly row: number;

  constructor(name: string, row = 0) {
    this.name = name;
    this.row = row;
  }
}

/**
 * As {@linkcode statement} with any number of values, by name. `build` must hand each to Kysely as it is, one by one:
 * what it is given are stand-ins, which have no fields to spread.
 */
export function prepared<Tables, Row, Values extends object>(
  build: (db: Kysely<Tables>, values: Values) => Compilable<Row>,
): (db: Kysely<Tables>, values: Values) => Promise<QueryResult<Row>> {
  let compiled: CompiledQuery<Row> | undefined;
  return (db, values) => {
    compiled ??= build(db, standIns<Values>()).compile();
    const parameters = compiled.parameters.map((parameter) =>
      parameter instanceof StandIn ? Reflect.get(values, parameter.name) : parameter
    );
    return db.executeQuery<Row>({ ...compiled, parameters });
  };
}

/**
 * Most rows of one statement, a power of two: SQLite sets each page aside that a statement changes, so that few large ones
 * write less than many small ones. With sixty columns still below SQLite's limit of 32,766 parameters.
 */
const MOST_ROWS = 512;

/**
 * As {@linkcode prepared} for any number of rows, each with the same fields: built once for 1, 2, 4 and so on up to
 * {@linkcode MOST_ROWS} rows, of which every number is made up. Building a statement of many rows takes longer than running it.
 */
export function preparedRows<Tables, Row, Item extends object>(
  build: (db: Kysely<Tables>, items: readonly Item[]) => Compilable<Row>,
): (db: Kysely<Tables>, items: readonly Item[]) => Promise<Row[]> {
  const compiled = new Map<number, CompiledQuery<Row>>();
  const compiledFor = (db: Kysely<Tables>, count: number) => {
    const known = compiled.get(count);
    if (known !== undefined) return known;
    const query = build(db, Array.from({ length: count }, (_, row) => standIns<Item>(row))).compile();
    compiled.set(count, query);
    return query;
  };
  return async (db, items) => {
    const rows: Row[] = [];
    for (let from = 0; from < items.length;) {
      const count = Math.min(MOST_ROWS, 2 ** Math.floor(Math.log2(items.length - from)));
      const query = compiledFor(db, count);
      const parameters = query.parameters.map((parameter) =>
        parameter instanceof StandIn ? Reflect.get(items[from + parameter.row]!, parameter.name) : parameter
      );
      rows.push(...(await db.executeQuery<Row>({ ...query, parameters })).rows);
      from += count;
    }
    return rows;
  };
}

function standIns<Values extends object>(row = 0): Values {
  return new Proxy({}, { get: (_, name) => new StandIn(String(name), row) }) as unknown as Values;
}
