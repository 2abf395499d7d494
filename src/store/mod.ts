/**
 * The store: Kysely on `node:sqlite`, migrations, the data directory's lock, and the hash chain.
 *
 * Tables are owned by slices, migrations by the store. Instants are ISO 8601 texts in UTC, which sort as they
 * are; booleans are 0 and 1; JSON is text. Nothing outside `store/` uses what PostgreSQL does not know.
 */
export * from "./audit.ts";
export * from "./chain.ts";
export * from "./database.ts";
export * from "./forget.ts";
export * from "./lock.ts";
export * from "./maintenance.ts";
export * from "./migrate.ts";
export * from "./probe.ts";
export { isUniqueViolation } from "./sqlite_errors.ts";
export * from "./statement.ts";
export * from "./tables.ts";
