/** A real database in a temporary directory, at the newest schema, and callers to use it with. */
import { join } from "node:path";
import type { Clock } from "../../src/lib/clock.ts";
import type { Caller } from "../../src/lib/operation.ts";
import { Database, migrate } from "../../src/store/mod.ts";

/** A temporary data directory that removes itself. */
export interface TempStore extends AsyncDisposable {
  dir: string;
  database: Database;
}

export async function tempStore(clock: Clock): Promise<TempStore> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  const database = new Database(join(dir, "holdfast.db"), clock);
  await migrate(database, dir, clock);
  return {
    dir,
    database,
    async [Symbol.asyncDispose]() {
      await database.close();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/** A caller for tests; by default an admin on this host. */
export function caller(overrides: Partial<Caller> = {}): Caller {
  return {
    kind: "local",
    id: 0,
    name: "local:test",
    role: "admin",
    servers: null,
    on_host: true,
    address: null,
    request_id: "test",
    operation: "test.operation",
    session_id: null,
    signal: new AbortController().signal,
    trail: { lines: 0 },
    ...overrides,
  };
}
