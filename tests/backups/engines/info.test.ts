import assert from "node:assert/strict";
import { join } from "node:path";
import { engineInfo, engineInfoOf, engineText } from "../../../src/backups/engine_info.ts";
import type { Engine } from "../../../src/backups/engine.ts";
import {
  archiveEngine,
  commandEngine,
  httpEngine,
  mysqlEngine,
  postgresEngine,
  resticEngine,
  sqliteEngine,
} from "../../../src/backups/mod.ts";
import { postgresOn } from "../../../src/backups/engines/postgres.ts";
import { toolsOn } from "../../../src/backups/engines/tools/find.ts";
import { HoldfastError } from "../../../src/lib/errors.ts";
import { inTempDir, RecordingContext } from "./context.ts";
import { writeScript } from "../../support/script.ts";

const ENGINES: readonly Engine[] = [
  archiveEngine,
  commandEngine,
  httpEngine,
  mysqlEngine,
  postgresEngine,
  resticEngine,
  sqliteEngine,
];

Deno.test("every option of every engine says what it is", () => {
  for (const engine of ENGINES) {
    const { options } = engineInfo(engine);
    assert.notEqual(options.length, 0, engine.kind);
    for (const option of options) assert.notEqual(option.description, "", `${engine.kind}: ${option.name}`);
  }
});

Deno.test("options are told with their type, those inside others with a dot, secrets as one value", () => {
  const info = engineInfo(resticEngine);
  const option = (name: string) => info.options.find((one) => one.name === name);
  assert.equal(option("password")?.type, "secret");
  assert.equal(option("sources")?.type, "list");
  assert.equal(option("init")?.type, "true or false");
  assert.equal(option("repository")?.required, true);
  const http = engineText(engineInfo(httpEngine));
  assert.match(http, /^ {2}poll \(object\)$/m);
  assert.match(http, /^ {4}poll\.status \(text; required\)$/m);
  assert.match(http, /^ {4}start\.method \(POST, PUT, GET\)$/m);
  assert.match(engineText(engineInfo(commandEngine)), /^Needs role admin and backups\.allow_commands\.$/m);
});

Deno.test("an engine that does not exist is not found, and the nearest is named", () => {
  assert.equal(engineInfoOf(ENGINES, "sqlite").kind, "sqlite");
  assert.throws(() => engineInfoOf(ENGINES, "postgre"), (error) => {
    assert.ok(error instanceof HoldfastError);
    assert.equal(error.kind, "not_found");
    assert.equal(error.hint, 'did you mean "postgres"?');
    return true;
  });
});

/** Programs that say what real ones say where they cannot be had: another version, a full server. */
async function withPrograms(
  programs: Record<string, string>,
  body: (engine: typeof postgresEngine) => Promise<void>,
) {
  await inTempDir(async (dir) => {
    for (const [name, script] of Object.entries(programs)) {
      await writeScript(join(dir, name), script);
    }
    await body(postgresOn(toolsOn(() => dir)));
  });
}

Deno.test("postgres: programs that are older than the server say what to install", async () => {
  const says = "pg_dump: error: aborting because of server version mismatch\\n" +
    "pg_dump: detail: server version: 17.2; pg_dump version: 15.8 (Debian 15.8-0+deb12u1)\\n";
  const programs = {
    psql: "cat >/dev/null; echo 17.2; echo 100",
    pg_dump: `printf '${says}' >&2; exit 1`,
    pg_restore: "",
  };
  await withPrograms(programs, (engine) =>
    inTempDir(async (destination) => {
      const options = { database: "shop", destination };
      await assert.rejects(
        engine.make({ options, name: "n", labels: {} }, new RecordingContext()),
        (error) => {
          assert.ok(error instanceof HoldfastError);
          assert.equal(error.code, "version_mismatch");
          assert.match(error.message, /: the server has version 17\.2, and pg_dump 15\.8 is older$/);
          assert.match(error.hint ?? "", /apt-get install postgresql-client-17\b/);
          return true;
        },
      );
      assert.deepEqual([...Deno.readDirSync(destination)], []);
    }));
});

Deno.test("postgres: the connection is in the environment of its programs and not in their arguments", async () => {
  await inTempDir(async (dir) => {
    const keep = `printf '%s\\n' "$@" >> ${dir}/args; env >> ${dir}/env`;
    const programs = {
      psql: `cat >/dev/null; ${keep}; echo 15; echo 1`,
      pg_dump: `${keep}; exit 1`,
      pg_restore: "",
    };
    const options = {
      database: "dbname=other host=198.51.100.7",
      destination: dir,
      host: "db.example.org",
      user: "ada",
      password: { secret: "PG" },
    };
    const context = new RecordingContext(undefined, undefined, { PG: "the password" });
    await withPrograms(programs, async (engine) => {
      await assert.rejects(engine.make({ options, name: "n", labels: {} }, context), { code: "tool_failed" });
    });
    const args = await Deno.readTextFile(join(dir, "args"));
    for (const word of ["the password", "db.example.org", "ada", "198.51.100.7"]) {
      assert.equal(args.includes(word), false, word);
    }
    const env = await Deno.readTextFile(join(dir, "env"));
    assert.match(env, /^PGPASSWORD=the password$/m);
    assert.match(env, /^PGDATABASE=dbname=other host=198\.51\.100\.7$/m);
    assert.equal(JSON.stringify(context.logs).includes("the password"), false);
  });
});
