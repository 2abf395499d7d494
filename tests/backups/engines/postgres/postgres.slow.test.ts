import assert from "node:assert/strict";
import { join } from "node:path";
import { postgresEngine, postgresOn } from "../../../../src/backups/engines/postgres.ts";
import type { PostgresOptions } from "../../../../src/backups/engines/postgres/options.ts";
import { toolsOn } from "../../../../src/backups/engines/tools/find.ts";
import { HoldfastError } from "../../../../src/lib/errors.ts";
import { type PostgresServer, startPostgres } from "../../../support/postgres_server.ts";
import { until } from "../../../support/wait.ts";
import { inTempDir, run } from "../context.ts";
import {
  dumpConformance,
  type DumpFixture,
  type DumpScene,
  into,
  SecretContext,
} from "../dump_conformance.ts";

/** Tables of every kind whose rows a dump has to keep. */
const SCHEMA = `
  create schema "odd ""schema""";
  create table people (id serial primary key, name text not null, born date, photo bytea, tags text[], facts jsonb);
  create table "odd ""schema"""."odd 'table'" (a numeric, b timestamptz default now());
  create table measured (at date not null, value double precision) partition by range (at);
  create table measured_2026 partition of measured for values from ('2026-01-01') to ('2027-01-01');
  create view adults as select * from people where born < '2008-01-01';
  create materialized view names as select name from people;
  create function answer() returns int language sql as 'select 42';
  insert into people (name, born, photo, tags, facts) select 'Ada ' || i || E' \\t''ü\\n', '2000-01-01'::date + i,
    decode(md5(i::text), 'hex'), array['a', null], '{"k": 1}' from generate_series(1, 100) i;
  insert into "odd ""schema"""."odd 'table'" values (1.50, '2026-01-02T03:04:05Z'), ('NaN', 'infinity');
  insert into measured select '2026-01-01'::date + i, random() from generate_series(0, 99) i;
  refresh materialized view names;
  select lo_from_bytea(4711, 'large object');
`;

/** What a database holds, as text that is equal when the data is. */
const CONTENT = `
  select * from people order by id; select * from "odd ""schema"""."odd 'table'" order by 1;
  select tableoid::regclass, * from measured order by 2; select * from names order by 1; select count(*) from adults;
  select answer(); select encode(lo_get(4711), 'escape'); select last_value from people_id_seq;
`;

const found = await startPostgres("postgres: everything");
if (found !== undefined) withServer(found);

function withServer(server: PostgresServer): void {
  Deno.test.afterAll(() => server.stop());

  const databaseOf = ({ dir }: Pick<DumpScene, "dir">) => `shop-${dir.slice(-6)}`;
  const options = (scene: DumpScene): PostgresOptions => ({
    database: databaseOf(scene),
    destination: scene.destination,
    host: "127.0.0.1",
    port: server.port,
    user: server.user,
    password: { secret: "PG" },
  });
  const secrets = { PG: server.password };
  const fill = async (scene: DumpScene, size: "small" | "large") => {
    const database = databaseOf(scene);
    await server.sql("postgres", `create database "${database}"`);
    await server.sql(database, SCHEMA);
    if (size === "small") return;
    await server.sql(
      database,
      `create table noise as select i, (select string_agg(md5(i || '-' || j), '') from generate_series(1, 250) j)
        from generate_series(1, 1500) i`,
    );
  };
  const content = (database: string) => server.sql(database, CONTENT);
  const artifactOf = (scene: DumpScene, overrides: Partial<PostgresOptions> = {}, name = "nightly-1") =>
    postgresEngine.make(
      { options: { ...options(scene), ...overrides }, name, labels: {} },
      new SecretContext(secrets),
    );
  const inScene = (body: (scene: DumpScene) => Promise<void>) => () =>
    inTempDir(async (dir) => {
      const scene = { dir, destination: join(dir, "backups") };
      await Deno.mkdir(scene.destination);
      await body(scene);
    });

  const fixture: DumpFixture<PostgresOptions> = {
    engine: postgresEngine,
    suffix: ".dump",
    content: () => "",
    fill,
    options,
    secrets,
    async compare(scene, file) {
      const copy = `${databaseOf(scene)}-copy`;
      await server.sql("postgres", `drop database if exists "${copy}"; create database "${copy}"`);
      const restored = await new Deno.Command("pg_restore", {
        args: [`--dbname=${copy}`, file],
        env: {
          PGHOST: server.socket,
          PGPORT: String(server.port),
          PGUSER: server.user,
          PGPASSWORD: server.password,
        },
        stderr: "inherit",
      }).output();
      assert.equal(restored.success, true);
      assert.deepEqual(await content(copy), await content(databaseOf(scene)));
    },
    gone: {
      options: (scene) => ({ ...options(scene), database: "gone" }),
      says: /^Cannot dump database "gone": database "gone" does not exist$/,
    },
    wrong: {
      secrets: { PG: "not the password" },
      says: /^Cannot dump database "shop-.*": password authentication failed for user "ada"$/,
    },
    without: {
      engine: postgresOn(toolsOn(() => "/nowhere")),
      says: /pg_dump is not installed; install it: apt-get install postgresql-client/,
    },
  };

  dumpConformance({
    ...fixture,
    content: (artifact) => artifact.path.includes("nightly") ? current : "",
    fill: async (scene, size) => {
      current = `${databaseOf(scene)}.dump`;
      await fill(scene, size);
    },
  });
  let current = "";

  Deno.test(
    "postgres: a server that is not there is an error that says so",
    inScene(async (scene) => {
      await assert.rejects(artifactOf(scene, { port: 1 }), (error) => {
        assert.ok(error instanceof HoldfastError);
        assert.equal(error.kind, "upstream");
        assert.match(
          error.message,
          /^Cannot dump database "shop-.*": the server cannot be reached \(Connection refused\)$/,
        );
        return true;
      });
      assert.deepEqual([...Deno.readDirSync(scene.destination)], []);
    }),
  );

  Deno.test(
    "postgres: a dump through the socket, with tables left out, keeps the rest",
    inScene(async (scene) => {
      await fill(scene, "small");
      const artifact = await artifactOf(scene, {
        host: server.socket,
        exclude_tables: ["measured*"],
        exclude_table_data: ["people"],
        verify_restore: { database: "scratch-socket" },
      });
      const paths = (await Array.fromAsync(postgresEngine.list(artifact, new SecretContext()))).map((
        { path },
      ) => path);
      assert.ok(paths.includes("public/people/TABLE"), paths.join("\n"));
      assert.equal(paths.includes("public/people/TABLE DATA"), false);
      assert.equal(paths.some((path) => path.includes("measured")), false);
    }),
  );

  Deno.test(
    "postgres: a dump that is verified by a restore has the rows of its snapshot, and leaves no database behind",
    inScene(async (scene) => {
      await fill(scene, "large");
      const database = databaseOf(scene);
      const scratch = `${database}-scratch`;
      // Rows that come while it is dumped are in neither count.
      let writing = true;
      const writer = (async () => {
        while (writing) await server.sql(database, "insert into people (name) values ('late')");
      })();
      const artifact = await artifactOf(scene, { verify_restore: { database: scratch } });
      writing = false;
      await writer;
      assert.equal(artifact.verified, true);
      const { facts } = JSON.parse(await Deno.readTextFile(`${artifact.path}.manifest.json`));
      assert.ok(facts.rows["public.people"] >= 100);
      assert.equal(facts.rows["public.measured_2026"], 100);
      assert.equal(facts.rows["public.noise"], 1500);
      const stored = { ...artifact, options: { ...options(scene), verify_restore: { database: scratch } } };
      assert.deepEqual((await postgresEngine.verify(stored, new SecretContext(secrets))).problems, []);
      assert.deepEqual(
        await server.sql("postgres", `select 1 from pg_database where datname = '${scratch}'`),
        [],
      );

      // A manifest that counted otherwise shows that rows are really compared.
      const manifest = await Deno.readTextFile(`${artifact.path}.manifest.json`);
      await Deno.writeTextFile(
        `${artifact.path}.manifest.json`,
        manifest.replace('"public.noise": 1500', '"public.noise": 1501'),
      );
      assert.deepEqual((await postgresEngine.verify(stored, new SecretContext(secrets))).problems, [
        'Table "public.noise" was dumped with 1501 rows and restored with 1500',
      ]);
    }),
  );

  Deno.test(
    "postgres: a scratch database that belongs to somebody is never touched",
    inScene(async (scene) => {
      await fill(scene, "small");
      const mine = `${databaseOf(scene)}-mine`;
      await server.sql("postgres", `create database "${mine}"`);
      await server.sql(mine, "create table precious as select 1 as a");
      await assert.rejects(artifactOf(scene, { verify_restore: { database: mine } }), {
        kind: "conflict",
        message: `Cannot verify into database "${mine}": it exists already`,
      });
      assert.deepEqual(await server.sql(mine, "select * from precious"), ["1"]);
      assert.deepEqual([...Deno.readDirSync(scene.destination)], []);
    }),
  );

  Deno.test(
    "postgres: a run cancelled in the middle ends pg_dump and its connection",
    inScene(async (scene) => {
      await fill(scene, "large");
      const cancel = new AbortController();
      const reason = new Error("cancelled by a test");
      const context = new SecretContext(secrets, cancel.signal, (update) => {
        if (update.done_items > 0) cancel.abort(reason);
      });
      await assert.rejects(
        postgresEngine.make({ options: options(scene), name: "nightly-1", labels: {} }, context),
        reason,
      );
      assert.deepEqual([...Deno.readDirSync(scene.destination)], []);
      await until("the connection's end", async () => {
        const query = `select 1 from pg_stat_activity where datname = '${databaseOf(scene)}'`;
        return (await server.sql("postgres", query)).length === 0;
      });
    }),
  );

  Deno.test(
    "postgres: a dump is restored into a new database, and into one that holds something only when forced",
    inScene(async (scene) => {
      await fill(scene, "small");
      const before = await content(databaseOf(scene));
      const artifact = { ...await artifactOf(scene), options: options(scene) };
      const target = `${databaseOf(scene)} target's "name"`;
      const sqlTarget = `"${target.replaceAll('"', '""')}"`;
      const restore = (force: boolean) =>
        postgresEngine.restore(artifact, into("", { into: target, force }), new SecretContext(secrets));
      const restored = await restore(false);
      assert.equal(restored.item_count, artifact.item_count);
      assert.deepEqual(await content(target), before);
      await server.sql(target, "delete from people; create table mine as select 1 as a");
      await assert.rejects(restore(false), {
        kind: "conflict",
        message: `Cannot restore into database "${target}": it is not empty`,
      });
      assert.deepEqual(await server.sql(target, "select count(*) from people"), ["0"]);
      await restore(true);
      assert.deepEqual(await content(target), before);
      await server.sql("postgres", `drop database ${sqlTarget}`);
    }),
  );

  Deno.test(
    "postgres: a restore into a database that fails leaves none behind",
    inScene(async (scene) => {
      await fill(scene, "small");
      const artifact = { ...await artifactOf(scene), options: options(scene) };
      const target = `${databaseOf(scene)}-target`;
      const bytes = await Deno.readFile(artifact.path);
      bytes[bytes.length - 300]! ^= 0x55;
      await Deno.writeFile(artifact.path, bytes);
      await assert.rejects(
        postgresEngine.restore(artifact, into("", { into: target }), new SecretContext(secrets)),
        { kind: "conflict", code: "archive_damaged" },
      );
      await assert.rejects(
        postgresEngine.restore(
          { ...artifact, options: undefined },
          into("", { into: target }),
          new SecretContext(),
        ),
        { kind: "invalid" },
      );
      assert.deepEqual(
        await server.sql("postgres", `select 1 from pg_database where datname = '${target}'`),
        [],
      );
    }),
  );

  Deno.test(
    "postgres: patterns restore a part as SQL",
    inScene(async (scene) => {
      await fill(scene, "small");
      const artifact = await artifactOf(scene);
      const target = join(scene.dir, "part");
      const restored = await postgresEngine.restore(
        artifact,
        into(target, { patterns: ["public/people/TABLE", "public/people/TABLE DATA"] }),
        new SecretContext(),
      );
      assert.equal(restored.item_count, 2);
      const sql = await Deno.readTextFile(join(target, `${databaseOf(scene)}.sql`));
      assert.match(sql, /CREATE TABLE public\.people/);
      assert.match(sql, /COPY public\.people /);
      assert.doesNotMatch(sql, /measured/);
      await assert.rejects(
        postgresEngine.restore(artifact, into(target, { patterns: ["nothing"] }), new SecretContext()),
        { kind: "not_found" },
      );
    }),
  );

  for (const scope of ["globals", "all"] as const) {
    Deno.test(
      `postgres: scope ${scope} is SQL that psql takes, compressed and complete`,
      inScene(async (scene) => {
        await fill(scene, "small");
        const role = `keeper_${scene.dir.slice(-6).toLowerCase()}`;
        await server.sql("postgres", `create role "${role}" login password 'x'`);
        const { database: _, ...rest } = options(scene);
        const given = { ...rest, scope };
        const artifact = await postgresEngine.make(
          { options: given, name: "nightly-1", labels: {} },
          new SecretContext(secrets),
        );
        const stored = { ...artifact, options: given };
        assert.deepEqual((await postgresEngine.verify(stored, new SecretContext())).problems, []);
        const entries = await Array.fromAsync(postgresEngine.list(stored, new SecretContext()));
        assert.equal(entries.length, artifact.item_count);
        assert.ok(entries.some(({ path }) => path.endsWith(`ROLE ${role}`)), JSON.stringify(entries));
        const target = join(scene.dir, "restored");
        await postgresEngine.restore(stored, into(target), new SecretContext());
        const sql = await Deno.readTextFile(join(target, scope === "all" ? "cluster.sql" : "globals.sql"));
        assert.equal(sql.includes("COPY public.people"), scope === "all");
        assert.equal(await run("zstd", "-t", artifact.path), true);
        await assert.rejects(
          postgresEngine.restore(stored, into("", { into: "x" }), new SecretContext(secrets)),
          {
            kind: "invalid",
          },
        );
      }),
    );
  }
}
