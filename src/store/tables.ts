/** A slice's own view of a connection or a transaction. */
import type { Kysely, Transaction } from "kysely";

/** The tables of a slice on a connection, or on a transaction begun elsewhere. Types only: returns what it is given. */
export function tablesOf<Tables>(db: Transaction<unknown> | Kysely<unknown>): Kysely<Tables> {
  return db as unknown as Kysely<Tables>;
}
