/** An operator over HTTP must not become root of the host: commands, paths, links and what is imported. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { type TestApp, testApp } from "../support/app.ts";
import { type World, world } from "../support/world.ts";
import { problemOf } from "./problem.ts";

const BASE = "/api/v1/backup-scheduler";
const SERVERS = "/api/v1/servers";

/** A directory that no allowed root contains, with a secret in it. */
async function outside() {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "holdfast-outside-" }));
  await Deno.writeTextFile(join(path, "shadow"), "root:secret");
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Ways out of the allowed root, by name; the links are made. */
async function waysOut(w: World, target: string): Promise<Record<string, string>> {
  const link = join(w.files, w.fresh("link"));
  const nested = join(w.files, w.fresh("nested"));
  const dangling = join(w.files, w.fresh("dangling"));
  await Deno.symlink(target, link);
  await Deno.mkdir(nested);
  await Deno.symlink(dirname(target), join(nested, "up"));
  await Deno.symlink(join(target, "later"), dangling);
  return {
    plain: target,
    root: "/",
    "a sibling whose name begins alike": `${w.files}-sibling`,
    "the directory above": dirname(w.files),
    "two dots": join(w.files, "data") + "/../../" + target.split("/").at(-1),
    "a link": link,
    "below a link": join(link, "sub"),
    "a link on the way": join(nested, "up", target.split("/").at(-1)!),
    "a link to what is not there yet": dangling,
  };
}

async function shadowIsUntouched(target: string): Promise<void> {
  assert.deepEqual((await Array.fromAsync(Deno.readDir(target))).map((entry) => entry.name), ["shadow"]);
  assert.equal(await Deno.readTextFile(join(target, "shadow")), "root:secret");
}

Deno.test("running checks that run a command are set by administrators only, and only where commands are allowed", async () => {
  const running_check = { kind: "command", command: ["true"] };
  const json = { name: "web-1", host: "127.0.0.1", running_check };
  for (
    const [allowed, role, status] of [
      ["false", "operator", 403],
      ["false", "admin", 403],
      ["true", "operator", 403],
      ["true", "admin", 201],
    ] as const
  ) {
    await using t = await testApp({ "backups.allow_commands": allowed });
    const token = await t.keyFor(role);
    const made = await t.request("POST", SERVERS, { token, json });
    if (status === 403) await problemOf(made, 403);
    else {
      assert.equal(made.status, status);
      const checked = await t.request("POST", `${SERVERS}/web-1/check`, {
        token: await t.keyFor("operator"),
      });
      assert.equal((await checked.json()).last_check_running, true);
    }
    await t.local("POST", SERVERS, { name: "web-2", host: "127.0.0.1" });
    const changed = await t.request("PUT", `${SERVERS}/web-2`, { token, json: { running_check } });
    assert.equal(changed.status, status === 403 ? 403 : 200);
  }
});

Deno.test("an operator may change a server beside its command, and never the command", async () => {
  await using t = await testApp({ "backups.allow_commands": "true" });
  const running_check = { kind: "command", command: ["true"] };
  await t.local("POST", SERVERS, { name: "web-1", host: "127.0.0.1", running_check });
  const token = await t.keyFor("operator");
  const put = (json: object) => t.request("PUT", `${SERVERS}/web-1`, { token, json });
  assert.equal((await put({ description: "fine" })).status, 200);
  assert.equal((await put({ host: "192.0.2.1" })).status, 200);
  for (const command of [["false"], ["true", "--more"], ["sh", "-c", "id"]]) {
    await problemOf(await put({ running_check: { kind: "command", command } }), 403);
  }
  const { running_check: kept } = await t.local("GET", `${SERVERS}/web-1`);
  assert.deepEqual(kept, running_check);
});

Deno.test("an operator's checks knock on the server's own host and nowhere else", async () => {
  await using t = await testApp();
  const token = await t.keyFor("operator");
  const make = (running_check: object) =>
    t.request("POST", SERVERS, { token, json: { name: "web-1", host: "192.0.2.7", running_check } });
  for (
    const check of [
      { kind: "tcp", port: 22, host: "127.0.0.1" },
      { kind: "http", url: "http://127.0.0.1:8420/" },
      { kind: "http", url: "http://192.0.2.7@127.0.0.1/" },
      { kind: "http", url: "http://[::1]/" },
      { kind: "http", url: "http://0x7f000001/" },
    ]
  ) await problemOf(await make(check), 403);
  for (const url of ["file:///etc/passwd", "ftp://192.0.2.7/", "unix:/run/x.sock"]) {
    await problemOf(await make({ kind: "http", url }), 400);
  }
  assert.equal((await make({ kind: "http", url: "http://192.0.2.7/" })).status, 201);
});

Deno.test("sources and destinations over the network lie in allowed roots, however they are written", async () => {
  await using w = await world();
  await using o = await outside();
  await Deno.mkdir(`${w.files}-sibling`);
  const data = join(w.files, "data");
  const good = join(w.files, "backups");
  for (const role of ["operator", "admin"] as const) {
    const token = await w.keyFor(role);
    for (const [name, way] of Object.entries(await waysOut(w, o.path))) {
      for (
        const engine_options of [{ sources: [way], destination: good }, {
          sources: [data, way],
          destination: good,
        }, {
          sources: [data],
          destination: way,
        }]
      ) {
        const body = { engine: "archive", engine_options };
        const schedule = { server_id: 1, name: "out", interval_hours: 1, ...body };
        const server = { default_engine: "archive", default_engine_options: engine_options };
        for (
          const [method, path, json] of [
            ["POST", `${BASE}/schedules`, schedule],
            ["PUT", `${BASE}/schedules/${w.own.schedule}`, body],
            ["POST", SERVERS, { name: "out", host: "a", ...server }],
            ["PUT", `${SERVERS}/web-1`, server],
          ] as const
        ) {
          const problem = await problemOf(await w.request(method, path, { token, json }), 403);
          assert.equal(problem.code, "outside_allowed_roots", `${role} ${method} ${path} ${name}`);
        }
      }
    }
  }
  await Deno.remove(`${w.files}-sibling`);
  await shadowIsUntouched(o.path);
});

Deno.test("without allowed roots nothing is allowed over the network, and everything on the host", async () => {
  await using t = await testApp();
  await using o = await outside();
  await t.local("POST", SERVERS, { name: "web-1", host: "127.0.0.1" });
  const json = {
    server_id: 1,
    name: "nightly",
    interval_hours: 24,
    engine: "archive",
    engine_options: { sources: [o.path], destination: join(t.dir, "backups") },
  };
  await problemOf(
    await t.request("POST", `${BASE}/schedules`, { token: await t.keyFor("admin"), json }),
    403,
  );
  assert.equal((await t.local("POST", `${BASE}/schedules`, json)).name, "nightly");
});

Deno.test("Holdfast's own keys and database are out of reach, even where everything is allowed", async () => {
  await using t = await testApp({ "backups.allowed_roots": "/" });
  await using o = await outside();
  await t.local("POST", SERVERS, { name: "web-1", host: "127.0.0.1" });
  const token = await t.keyFor("admin");
  const state = join(t.dir, "state");
  await Deno.symlink(state, join(o.path, "link"));
  const create = (engine_options: object) => {
    const json = { server_id: 1, name: "own", interval_hours: 24, engine: "archive", engine_options };
    return t.request("POST", `${BASE}/schedules`, { token, json });
  };
  for (
    const path of [state, join(state, "keys"), t.dir, "/", join(o.path, "link"), join(o.path, "link/keys")]
  ) {
    for (
      const options of [{ sources: [path], destination: "/srv/backups" }, {
        sources: [o.path],
        destination: path,
      }]
    ) assert.equal((await problemOf(await create(options), 403)).code, "data_directory", path);
  }
  const directory = await t.request("POST", "/api/v1/backups/import", { token, json: { directory: state } });
  assert.equal((await problemOf(directory, 403)).code, "data_directory");
  const copy = await t.request("POST", "/api/v1/db/backup", {
    token,
    json: { path: join(o.path, "copy.db") },
  });
  await problemOf(copy, 403);
});

/** Puts a link to somewhere else in the place of a directory, as somebody with a shell there could. */
async function swap(directory: string, target: string): Promise<void> {
  await Deno.rename(directory, `${directory}-before`);
  await Deno.symlink(target, directory);
}

Deno.test("a path that was judged and then became a link is refused when its time comes", async () => {
  await using w = await world();
  await using o = await outside();
  const token = await w.keyFor("operator");
  const changing = join(w.files, "changing");
  await Deno.mkdir(changing);
  const engine_options = { sources: [changing], destination: join(w.files, "backups") };
  const create = async (path: string, json: object) => {
    const answer = await w.request("POST", path, { token, json });
    assert.equal(answer.status, 201, await answer.clone().text());
    return (await answer.json()).id;
  };
  const own = await create(`${BASE}/schedules`, {
    server_id: 1,
    name: "own",
    interval_hours: 1,
    engine: "archive",
    engine_options,
  });
  const server_id = await create(SERVERS, {
    name: "inherits",
    host: "127.0.0.1",
    default_engine: "archive",
    default_engine_options: engine_options,
  });
  const inherited = await create(`${BASE}/schedules`, { server_id, name: "inherited", interval_hours: 1 });
  await swap(changing, o.path);
  for (const id of [own, inherited]) {
    const triggered = await w.request("POST", `${BASE}/schedules/${id}/trigger`, { token });
    const { run_id } = await triggered.json();
    await w.app.services.schedules.idle();
    const log = await w.local("GET", `${BASE}/logs/${run_id}`);
    assert.deepEqual([log.status, log.outcome, log.backup_id], ["failed", "refused", null]);
    assert.match(log.error_message, /not inside backups\.allowed_roots/);
  }
});

Deno.test("what was set on the host keeps the host's rights, and an operator cannot bend it", async () => {
  await using w = await world();
  await using o = await outside();
  const token = await w.keyFor("operator");
  const engine_options = { sources: [o.path], destination: join(w.files, "backups") };
  const id = await w.schedule(w.own, { engine_options });
  const put = (json: object) => w.request("PUT", `${BASE}/schedules/${id}`, { token, json });
  assert.equal((await put({ name: "renamed", max_backups: 3 })).status, 200);
  assert.equal((await put({ engine_options })).status, 200);
  for (
    const changed of [
      { ...engine_options, destination: join(w.files, "elsewhere") },
      { ...engine_options, excludes: ["*.tmp"] },
      { ...engine_options, sources: [o.path, join(w.files, "data")] },
    ]
  ) await problemOf(await put({ engine_options: changed }), 403);
  await w.run(id);
  await shadowIsUntouched(o.path);
});

Deno.test("restores over the network stay in allowed roots, and bring no owners and no ways out", async () => {
  await using w = await world();
  await using o = await outside();
  const restore = (token: string, json: object) =>
    w.request("POST", `/api/v1/backups/${w.own.backup}/restore`, { token, json });
  const operator = await w.keyFor("operator");
  for (const token of [operator, await w.keyFor("admin")]) {
    for (const [name, to] of Object.entries(await waysOut(w, o.path))) {
      const answer = await restore(token, { to, force: true });
      assert.ok([400, 403].includes(answer.status), `${name}: ${await answer.clone().text()}`);
      await problemOf(answer, answer.status);
    }
  }
  for (const option of ["owners", "outside_links"]) {
    await problemOf(await restore(operator, { to: join(w.files, "restored"), [option]: true }), 403);
  }
  await assert.rejects(Deno.lstat(join(w.files, "restored")), Deno.errors.NotFound);
  await shadowIsUntouched(o.path);
});

Deno.test("what is restored never goes through links that lie in the target", async () => {
  await using w = await world();
  await using o = await outside();
  const token = await w.keyFor("operator");
  const to = join(w.files, "restored");
  const inside = join(to, w.files.slice(1));
  await Deno.mkdir(inside, { recursive: true });
  await Deno.symlink(o.path, join(inside, "data"));
  const answer = await w.request("POST", `/api/v1/backups/${w.own.backup}/restore`, {
    token,
    json: { to, force: true },
  });
  const { item_count, warnings } = await answer.json();
  assert.equal(item_count, 0);
  assert.match(warnings.join(), /nothing is written through links/);
  await shadowIsUntouched(o.path);
});

Deno.test("an import takes what lies in the directory, and nothing a link or a manifest points at elsewhere", async () => {
  await using w = await world();
  await using o = await outside();
  const token = await w.keyFor("operator");
  const importFrom = (directory: string) =>
    w.request("POST", "/api/v1/backups/import", { token, json: { directory } });
  for (const [name, directory] of Object.entries(await waysOut(w, o.path))) {
    const answer = await importFrom(directory);
    assert.ok([400, 403].includes(answer.status), name);
    await problemOf(answer, answer.status);
  }
  const { path } = await w.local("GET", `/api/v1/backups/${w.own.backup}`);
  const trap = join(w.files, "trap");
  await Deno.mkdir(trap);
  const manifest = JSON.parse(await Deno.readTextFile(`${path}.manifest.json`));
  await Deno.writeTextFile(join(trap, "linked.tar.zst.manifest.json"), JSON.stringify(manifest));
  await Deno.symlink(join(o.path, "shadow"), join(trap, "linked.tar.zst"));
  const forged = {
    ...manifest,
    artifact: join(o.path, "shadow"),
    path: join(o.path, "shadow"),
    name: "../shadow",
  };
  await Deno.writeTextFile(join(trap, "forged.tar.zst.manifest.json"), JSON.stringify(forged));
  await Deno.writeTextFile(join(trap, "forged.tar.zst"), "no archive");
  const answer = await importFrom(trap);
  assert.equal(answer.status, 200);
  const { imported } = await answer.json();
  for (const backup of imported) {
    assert.equal(dirname(backup.path), trap);
    assert.ok(!backup.path.includes("linked"));
    await w.request("DELETE", `/api/v1/backups/${backup.id}?force=true`, { token });
  }
  await shadowIsUntouched(o.path);
});

Deno.test("nobody gives more than they have: keys, roles and passwords are for administrators", async () => {
  await using t: TestApp = await testApp();
  const token = await t.keyFor("operator");
  for (
    const [method, path, json] of [
      ["POST", "/api/v1/api-keys", { name: "mine", role: "admin" }],
      ["POST", "/api/v1/users", { name: "eve", role: "admin", password: "a long password" }],
      ["PUT", "/api/v1/secrets/db", { value: "x" }],
      ["POST", "/api/v1/auth/rotate-key", {}],
      ["GET", "/api/v1/config", undefined],
      ["GET", "/api/v1/audit", undefined],
    ] as const
  ) await problemOf(await t.request(method, path, { token, json }), 403);
  const admin = await t.keyFor("admin");
  const limited = { name: "limited", role: "admin", servers: [1] };
  await t.local("POST", SERVERS, { name: "web-1", host: "127.0.0.1" });
  await problemOf(await t.request("POST", "/api/v1/api-keys", { token: admin, json: limited }), 403);
});
