/** A command pays for what it uses: what the catalogue loads must not load the services and their libraries. */
import assert from "node:assert/strict";
import { posix } from "node:path";
import { walk } from "./support/files.ts";

/** Libraries that only services need; each costs a command some of its hundred milliseconds. */
const HEAVY = new Set([
  "kysely",
  "kysely/migration",
  "node:sqlite",
  "hono",
  "@hono/zod-openapi",
  "jose",
  "prom-client",
  "nodemailer",
]);

/** Imports that are still there when the types are gone: static ones only. */
const STATEMENT = /^(?:import|export)\s+(?!type\b)([^"';]*?)from\s+"([^"]+)"/gm;

function runtimeImports(text: string): string[] {
  return [...text.matchAll(STATEMENT)].filter(([, names = ""]) => !onlyTypes(names)).map(([, , from]) =>
    from!
  );
}

/** `import { type A, type B }` is erased. */
function onlyTypes(names: string): boolean {
  const inner = /^\s*\{([^}]*)\}\s*$/.exec(names)?.[1];
  const items = inner?.split(",").map((item) => item.trim()).filter((item) => item !== "") ?? [];
  return items.length > 0 && items.every((item) => item.startsWith("type "));
}

/** The way from a file to a heavy library, or undefined. */
function wayToHeavy(file: string, seen: Set<string>): string[] | undefined {
  if (seen.has(file)) return undefined;
  seen.add(file);
  for (const from of runtimeImports(Deno.readTextFileSync(file))) {
    if (HEAVY.has(from)) return [file, from];
    if (!from.startsWith(".")) continue;
    const way = wayToHeavy(posix.join(posix.dirname(file), from), seen);
    if (way !== undefined) return [file, ...way];
  }
  return undefined;
}

Deno.test("operations and the command line load no database, no server and no service", () => {
  const files = [...walk("src")].filter((path) => /^src\/[\w-]+\/operations\.ts$/.test(path));
  assert.ok(files.length > 5);
  const ways = [...files, "src/cli/run.ts"].map((file) => wayToHeavy(file, new Set())).filter((way) =>
    way !== undefined
  );
  assert.deepEqual(ways.map((way) => way.join(" -> ")), []);
});
