import assert from "node:assert/strict";
import { join } from "node:path";
import { mysqlEngine, mysqlOn } from "../../../../src/backups/engines/mysql.ts";
import type { MysqlOptions } from "../../../../src/backups/engines/mysql/options.ts";
import { toolsOn } from "../../../../src/backups/engines/tools/find.ts";
import { type MariaDbServer, startMariaDb } from "../../../support/mariadb_server.ts";
import { until } from "../../../support/wait.ts";
import { inTempDir, run } from "../context.ts";
import {
  dumpConformance,
  type DumpFixture,
  type DumpScene,
  into,
  SecretContext,
} from "../dump_conformance.ts";
import { writeScript } from "../../../support/script.ts";

/** What a dump has to keep: odd names, binary data, views, routines, triggers, events. */
const SCHEMA = `
  create table people (id int auto_increment primary key, name varchar(200) not null, born date, photo blob) engine=InnoDB;
  create table \`odd \`\`table\` (a decimal(10,2), b timestamp(6) not null) engine=InnoDB;
  create table audit (what varchar(200)) engine=InnoDB;
  create view adults as select * from people where born < '2008-01-01';
  insert into people (name, born, photo) select concat('Ada ', seq, '\\t''ü😀\\n-- Table structure for'), '2000-01-01',
    unhex(md5(seq)) from seq_1_to_100;
  insert into people (name, photo) values ('binary', unhex('00ff0a0d1a275c22'));
  insert into \`odd \`\`table\` values (1.50, '2026-01-02 03:04:05.678901');
  delimiter //
  create trigger people_audit after insert on people for each row insert into audit values (new.name)//
  create procedure answer() begin select 42; end//
  create event tidy on schedule every 1 day do delete from audit//
  delimiter ;
`;

/** What a database holds, as text that is equal when the data is. */
const CONTENT = `
  select id, name, born, hex(photo) from people order by id; select * from \`odd \`\`table\`; select * from audit;
  select count(*) from adults; call answer();
  select trigger_name from information_schema.triggers where trigger_schema = database();
  select event_name from information_schema.events where event_schema = database();
`;

const found = await startMariaDb("mysql: everything");
if (found !== undefined) withServer(found);

function withServer(server: MariaDbServer): void {
  Deno.test.afterAll(() => server.stop());

  const databaseOf = ({ dir }: Pick<DumpScene, "dir">) => `shop-${dir.slice(-6)}`;
  const named = (name: string) => `\`${name.replaceAll("`", "``")}\``;
  const options = (scene: DumpScene): MysqlOptions => ({
    databases: [databaseOf(scene)],
    destination: scene.destination,
    host: "127.0.0.1",
    port: server.port,
    user: server.user,
    password: { secret: "MY" },
  });
  const secrets = { MY: server.password };
  const content = (database: string) => server.sql(database, CONTENT);
  let current = "";
  const fill = async (scene: DumpScene, size: "small" | "large") => {
    const database = databaseOf(scene);
    current = `${database}.sql`;
    await server.sql(undefined, `create database ${named(database)}`);
    await server.sql(database, SCHEMA);
    if (size === "small") return;
    await server.sql(
      database,
      `create table noise (i int primary key, t mediumtext) engine=InnoDB;
       insert into noise select seq, concat(${
        Array.from({ length: 64 }, (_, i) => `sha2(concat(seq, '-', ${i}), 512)`).join(", ")
      }) from seq_1_to_1500`,
    );
  };
  const make = (scene: DumpScene, overrides: Partial<MysqlOptions> = {}) =>
    mysqlEngine.make(
      { options: { ...options(scene), ...overrides }, name: "nightly-1", labels: {} },
      new SecretContext(secrets),
    );
  const inScene = (body: (scene: DumpScene) => Promise<void>) => () =>
    inTempDir(async (dir) => {
      const scene = { dir, destination: join(dir, "backups") };
      await Deno.mkdir(scene.destination);
      await body(scene);
    });

  const fixture: DumpFixture<MysqlOptions> = {
    engine: mysqlEngine,
    suffix: ".sql.zst",
    content: () => current,
    fill,
    options,
    secrets,
    async compare(scene, file) {
      const copy = `${databaseOf(scene)}-copy`;
      await server.sql(undefined, `drop database if exists ${named(copy)}; create database ${named(copy)}`);
      await server.sql(copy, await Deno.readTextFile(file));
      assert.deepEqual(await content(copy), await content(databaseOf(scene)));
    },
    gone: {
      options: (scene) => ({ ...options(scene), databases: ["gone"] }),
      says: /^Cannot dump database "gone": database "gone" does not exist$/,
    },
    wrong: {
      secrets: { MY: "not the password" },
      says: /^Cannot dump database "shop-.*": Access denied for user 'ada'@'127.0.0.1'$/,
    },
    without: {
      engine: mysqlOn(toolsOn(() => "/nowhere")),
      says: /mariadb-dump or mysqldump is not installed; install it: apt-get install mariadb-client/,
    },
  };
  dumpConformance(fixture);

  Deno.test(
    "mysql: a server that is not there is an error that says so",
    inScene(async (scene) => {
      await assert.rejects(make(scene, { port: 1 }), {
        kind: "upstream",
        code: "connect",
        message: /^Cannot dump database "shop-.*": the server cannot be reached \(Can't connect to .*\)$/,
      });
      assert.deepEqual([...Deno.readDirSync(scene.destination)], []);
    }),
  );

  Deno.test(
    "mysql: the password is in no argument and in no file that stays",
    inScene(async (scene) => {
      await fill(scene, "small");
      // A program in between that keeps what it was called with.
      const bin = join(scene.dir, "bin");
      await Deno.mkdir(bin);
      await writeScript(
        join(bin, "mariadb-dump"),
        `[ "$1" = --version ] && exec /usr/bin/mariadb-dump --version\nprintf '%s\\n' "$@" > ${scene.dir}/args
         file=\${1#*=}; stat -c '%a' "$file" "$(dirname "$file")" > ${scene.dir}/modes
         exec /usr/bin/mariadb-dump "$@"`,
      );
      const engine = mysqlOn(toolsOn(() => `${bin}:/usr/bin`));
      await engine.make(
        { options: options(scene), name: "nightly-1", labels: {} },
        new SecretContext(secrets),
      );
      const args = await Deno.readTextFile(join(scene.dir, "args"));
      assert.equal(args.includes("ss\\w"), false);
      assert.equal(await Deno.readTextFile(join(scene.dir, "modes")), "600\n700\n");
      const file = /^--defaults-extra-file=(.*)$/m.exec(args)![1]!;
      await assert.rejects(Deno.stat(file), Deno.errors.NotFound);
    }),
  );

  Deno.test(
    "mysql: a run cancelled in the middle ends the program and its connection",
    inScene(async (scene) => {
      await fill(scene, "large");
      const cancel = new AbortController();
      const reason = new Error("cancelled by a test");
      const context = new SecretContext(secrets, cancel.signal, (update) => {
        if (update.done_bytes > 0) cancel.abort(reason);
      });
      const given = { options: options(scene), name: "nightly-1", labels: {} };
      await assert.rejects(mysqlEngine.make(given, context), reason);
      assert.deepEqual([...Deno.readDirSync(scene.destination)], []);
      await until("the connection's end", async () => {
        const others = `select id from information_schema.processlist where db = '${databaseOf(scene)}'`;
        return (await server.sql(undefined, others)).length === 0;
      });
    }),
  );

  Deno.test(
    "mysql: a dump that ends too early is no backup",
    inScene(async (scene) => {
      const bin = join(scene.dir, "bin");
      await Deno.mkdir(bin);
      await writeScript(join(bin, "mariadb-dump"), "echo '-- MariaDB dump 10'\necho cut");
      const engine = mysqlOn(toolsOn(() => bin));
      await assert.rejects(
        engine.make({ options: options(scene), name: "nightly-1", labels: {} }, new SecretContext(secrets)),
        { code: "not_read_back", message: /its end is missing$/ },
      );
      assert.deepEqual([...Deno.readDirSync(scene.destination)], []);
    }),
  );

  Deno.test(
    "mysql: a dump is restored into a new database, and into one that holds something only when forced",
    inScene(async (scene) => {
      await fill(scene, "large");
      const before = await content(databaseOf(scene));
      const artifact = { ...await make(scene), options: options(scene) };
      const target = `${databaseOf(scene)} target's \`name\``;
      const restore = (force: boolean, into_ = target) =>
        mysqlEngine.restore(artifact, into("", { into: into_, force }), new SecretContext(secrets));
      const restored = await restore(false);
      assert.equal(restored.item_count, artifact.item_count);
      assert.deepEqual(await content(target), before);
      await server.sql(target, "delete from people");
      await assert.rejects(restore(false), { kind: "conflict", message: /is not empty$/ });
      assert.deepEqual(await server.sql(target, "select count(*) from people"), ["0"]);
      await restore(true);
      assert.deepEqual(await content(target), before);
      assert.deepEqual(
        await server.sql(target, "select count(*), md5(group_concat(t order by i)) from noise"),
        await server.sql(databaseOf(scene), "select count(*), md5(group_concat(t order by i)) from noise"),
      );

      await server.sql(undefined, `drop database ${named(target)}`);

      const bytes = await Deno.readFile(artifact.path);
      bytes[bytes.length >> 1]! ^= 0x55;
      await Deno.writeFile(artifact.path, bytes);
      await assert.rejects(restore(false, "never"), { kind: "conflict", code: "archive_damaged" });
      assert.deepEqual(await server.sql(undefined, "show databases like 'never'"), []);
    }),
  );

  Deno.test(
    "mysql: several databases and all of them are dumped with what makes them, through the socket too",
    inScene(async (scene) => {
      await fill(scene, "small");
      const second = `${databaseOf(scene)}-2`;
      await server.sql(undefined, `create database ${named(second)}`);
      await server.sql(second, "create table t as select 1 as a");
      const { host: _, port: __, ...rest } = options(scene);
      const socket = { ...rest, socket: server.socket };
      const several = {
        ...socket,
        databases: [databaseOf(scene), second],
        exclude_tables: [`${databaseOf(scene)}.audit`],
      };
      const artifact = await mysqlEngine.make(
        { options: several, name: "nightly-2", labels: {} },
        new SecretContext(secrets),
      );
      const paths = (await Array.fromAsync(mysqlEngine.list(artifact, new SecretContext()))).map(({ path }) =>
        path
      );
      assert.deepEqual(paths.toSorted(), [
        `${second}/t`,
        `${databaseOf(scene)}/odd \`table`,
        `${databaseOf(scene)}/people`,
      ]);
      const stored = { ...artifact, options: several };
      await assert.rejects(mysqlEngine.restore(stored, into("", { into: "x" }), new SecretContext(secrets)), {
        kind: "invalid",
      });
      const { databases: ___, ...all } = { ...socket, all_databases: true };
      const whole = await mysqlEngine.make(
        { options: all, name: "nightly-3", labels: {} },
        new SecretContext(secrets),
      );
      assert.ok(whole.item_count > artifact.item_count);
      assert.equal(await run("zstd", "-t", whole.path), true);
    }),
  );

  Deno.test("mysql: options name either databases or all of them", () => {
    const parse = (given: object) =>
      mysqlEngine.options.safeParse({ destination: "/srv/backups", ...given }).success;
    assert.equal(parse({ databases: ["a"] }), true);
    assert.equal(parse({ all_databases: true }), true);
    assert.equal(parse({}), false);
    assert.equal(parse({ databases: ["a"], all_databases: true }), false);
    assert.equal(parse({ databases: ["a"], host: "db.example.org", socket: "/run/s" }), false);
    assert.equal(parse({ databases: ["a"], password: "in the clear" }), false);
  });
}
