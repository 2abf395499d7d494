/** The routes of the earlier provisioning API, over HTTP, with their bodies and answers. */
import assert from "node:assert/strict";
import { testApp } from "../support/app.ts";
import { FakeVyos } from "../support/vyos.ts";
import { serveVyos } from "../support/vyos_server.ts";
import { handmade } from "./samples.ts";

Deno.test("callers of the earlier API get its answers, with a key or a token of ours", async () => {
  const router = new FakeVyos({ config: handmade("rolling"), background: false });
  await using server = serveVyos(router);
  await using app = await testApp({ VYOS_URL: server.url, VYOS_API_KEY: router.key });
  const admin = await app.keyFor("admin");
  const operator = await app.keyFor("operator");
  const ask = async (method: string, path: string, json?: unknown, key = operator) => {
    const response = await app.request(method, path, { headers: { "x-api-key": key }, json });
    const text = await response.text();
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  };
  const ip = { name: "main", base_ip: "10.20.0.", start_octet: 100, end_octet: 101, is_active: true };
  const { id: _, created_at: __, updated_at: ___, ...pool } =
    (await ask("POST", "/v1/admin/ip-pools", ip, admin)).body;
  assert.deepEqual(pool, ip);
  await ask("POST", "/v1/admin/port-pools", { name: "out", start_port: 32_000, end_port: 32_010 }, admin);
  assert.equal((await ask("POST", "/v1/admin/ip-pools", ip, operator)).status, 403);
  assert.equal((await ask("POST", "/v1/admin/ip-pools", ip, admin)).status, 409);

  const made = await ask("POST", "/v1/provision", { vm_name: "vm-18" });
  assert.deepEqual(made.body, {
    status: "success",
    internal_ip: "10.20.0.100",
    external_ports: { ssh: 32_000, http: 32_001, https: 32_002 },
    nat_rule_base: 10_000,
    reservation: false,
    message: "no mac_address was given, so no DHCP reservation was made",
  });
  assert.equal(router.commits.length, 1, "one commit for all three");
  const bearer = await app.request("GET", "/v1/status/vm/vm-18", { token: await app.tokenFor("operator") });
  assert.equal((await bearer.json()).internal_ip, "10.20.0.100");
  assert.deepEqual(router.saved, router.running);
  const second = await ask("POST", "/v1/vms/provision", {
    vm_name: "vm-19",
    mac_address: "52:54:00:aa:bb:19",
    source_ip: "203.0.113.7",
    protocol: "all",
    port_range: { start: 40_000, end: 40_010 },
  });
  assert.deepEqual([second.body.reservation, second.body.external_ports.ssh], [true, 40_000]);
  assert.equal((await ask("POST", "/v1/provision", { vm_name: "vm-20" })).status, 507);

  const paused = await ask("POST", "/v1/vms/vm-18/ports/template", {
    action: "pause",
    ports: ["ssh", "http"],
  });
  assert.deepEqual([paused.body.status, paused.body.ports_affected], ["completed", ["ssh", "http"]]);
  assert.deepEqual(paused.body.action_results[0], {
    port: "ssh",
    status: "success",
    external_port: 32_000,
    nat_rule: 10_000,
  });
  await ask("POST", "/v1/vms/vm-18/ports/template", { action: "delete", ports: ["http"] });
  const one = await ask("POST", "/v1/vms/vm-18/ports/ssh", { action: "enable" });
  assert.deepEqual(one.body, { status: "success", machine_id: "vm-18", port: "ssh", action: "enable" });
  assert.equal((await ask("POST", "/v1/vms/vm-18/ports/http", { action: "enable" })).status, 404);
  assert.equal((await ask("POST", "/v1/vms/vm-18/ports/ftp", { action: "create" })).status, 400);
  assert.equal((await ask("POST", "/v1/vms/nobody/ports/ssh", { action: "enable" })).status, 404);
  await ask("POST", "/v1/vms/vm-18/ports/http", { action: "set", custom_description: "the shop" });

  const all = (await ask("GET", "/v1/status/all")).body;
  assert.deepEqual((await ask("GET", "/v1/ports/status")).body, all);
  assert.deepEqual(all[0].ports.http, {
    status: "enabled",
    external_port: 32_001,
    nat_rule_number: 10_001,
    protocol: "tcp",
    source_ip: null,
    custom_description: "the shop",
  });
  assert.deepEqual((await ask("GET", "/v1/status/vm/vm-18")).body, all[0]);

  // A rule that a person made is looked at and left alone, whatever its description.
  router.edit("delete nat destination rule 10000");
  const before = JSON.stringify(router.running.nat);
  const synced = await ask("POST", "/v1/admin/sync-vyos-config", {}, admin);
  assert.deepEqual([synced.body.report.added, synced.body.report.deleted], [["forward vm-18/ssh"], []]);
  assert.ok(before.includes("mail by hand") && JSON.stringify(router.running.nat).includes("mail by hand"));

  const key =
    (await ask("POST", "/v1/admin/api-keys", { description: "Portal", is_admin: false }, admin)).body;
  assert.match(key.api_key, /^hf_/);
  assert.equal((await ask("GET", "/v1/status/all", undefined, key.api_key)).status, 200);
  assert.equal((await ask("GET", `/v1/admin/api-keys/${key.id}`, undefined, admin)).body.api_key, null);
  const next = (await ask("PUT", `/v1/admin/api-keys/${key.id}`, { expires_in_days: 30 }, admin)).body;
  assert.notEqual(next.expires_at, null);
  assert.equal((await ask("GET", "/v1/status/all", undefined, key.api_key)).status, 401);

  for (const name of ["vm-18", "vm-19"]) {
    assert.equal((await ask("DELETE", `/v1/vms/${name}/decommission`)).status, 200);
  }
  assert.deepEqual(router.running.nat, handmade("rolling").nat);
  const health = (await ask("GET", "/v1/health")).body;
  assert.ok(health.checks.some((check: { name: string }) => check.name === "router default"));
  const metrics = await (await app.request("GET", "/metrics", { token: admin })).text();
  assert.match(metrics, /holdfast_network_router_up\{router="default"\} 1/);
  assert.match(metrics, /holdfast_network_pool_free\{router="default",kind="ip",pool="main"\} 2/);
});
