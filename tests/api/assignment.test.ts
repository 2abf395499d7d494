/** Callers who are limited to servers, beyond what the matrix asks: what they can learn of the others. */
import assert from "node:assert/strict";
import { world } from "../support/world.ts";
import { problemOf } from "./problem.ts";

const BASE = "/api/v1/backup-scheduler";

Deno.test("a name that is nearly right is suggested to who may see it, and to nobody else", async () => {
  await using w = await world();
  await w.local("POST", "/api/v1/servers", { name: "confidential", host: "192.0.2.1" });
  const paths = [
    "/api/v1/servers/confidentia",
    `${BASE}/schedules?server_id=confidentia`,
    "/api/v1/backups?server=confidentia",
    `${BASE}/schedules/nightly-web-22`,
    `${BASE}/logs?schedule_id=nightly-web-22`,
    `${BASE}/ledger?server_id=confidentia`,
  ];
  const all = await w.keyFor("user");
  for (const role of ["user", "operator"] as const) {
    const limited = await w.keyFor(role, [w.own.id]);
    for (const path of paths) {
      assert.match(
        (await problemOf(await w.request("GET", path, { token: all }), 404)).hint ?? "",
        /did you mean/,
      );
      const told = await problemOf(await w.request("GET", path, { token: limited }), 404);
      assert.equal(told.hint, undefined, path);
    }
  }
});

Deno.test("a limited caller finds its own among things of the same name, and cannot move its own to another server", async () => {
  await using w = await world();
  const own = await w.schedule(w.own, { name: "same" });
  await w.schedule(w.foreign, { name: "same" });
  const token = await w.keyFor("operator", [w.own.id]);
  const found = await w.request("GET", `${BASE}/schedules/same`, { token });
  assert.equal((await found.json()).id, own);
  for (const server_id of [w.foreign.id, w.foreign.name]) {
    await problemOf(await w.request("PUT", `${BASE}/schedules/${own}`, { token, json: { server_id } }), 403);
  }
  for (const path of [`${BASE}/schedules/${w.foreign.schedule}`, `${BASE}/schedules/web-2%2Fsame`]) {
    await problemOf(await w.request("GET", path, { token }), 403);
    await problemOf(await w.request("DELETE", path, { token }), 403);
    await problemOf(await w.request("POST", `${path}/trigger`, { token }), 403);
  }
  await problemOf(await w.request("GET", `/api/v1/backups/${w.foreign.backup.slice(0, 6)}`, { token }), 403);
});

Deno.test("a caller who is assigned nothing sees nothing", async () => {
  await using w = await world();
  const token = await w.keyFor("user", [w.own.id]);
  await w.local("POST", "/api/v1/servers", { name: "web-3", host: "192.0.2.1" });
  const { id: empty } = await w.local("GET", "/api/v1/servers/web-3");
  const none = await w.keyFor("user", [empty]);
  for (const path of [`${BASE}/schedules`, "/api/v1/backups", `${BASE}/ledger`]) {
    assert.deepEqual(await (await w.request("GET", path, { token: none })).json(), []);
  }
  assert.equal((await (await w.request("GET", `${BASE}/logs`, { token: none })).json()).total, 0);
  const status = await (await w.request("GET", `${BASE}/scheduler/status`, { token: none })).json();
  assert.deepEqual([status.total_schedules, status.active_schedules, status.current_jobs], [0, 0, []]);
  assert.equal((await (await w.request("GET", `${BASE}/schedules`, { token })).json()).length, 1);
});
