/** A tenant as files: export, plan, apply and diff; what converges, what is refused, and what says why not. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { localIdentity } from "../../src/lib/caller.ts";
import type { Caller } from "../../src/lib/operation.ts";
import type { Progress } from "../../src/lib/progress.ts";
import { VpnConfig } from "../../src/vpn/config.ts";
import { Vpn } from "../../src/vpn/vpn.ts";
import { FakeCloudConnexa, type FakeOptions } from "../support/cloudconnexa.ts";
import { KINDS, type Thing } from "../support/cloudconnexa_store.ts";
import { furnish, LeapingClock } from "./fixture.ts";

const NOW = "2026-01-05T10:00:00Z";

function caller(onHost = true): Caller {
  return {
    ...localIdentity("ada"),
    on_host: onHost,
    request_id: "1",
    operation: "vpn.apply",
    signal: new AbortController().signal,
    trail: { lines: 0 },
  };
}

function slice(options: FakeOptions = {}): { tenant: FakeCloudConnexa; vpn: Vpn; clock: LeapingClock } {
  const clock = new LeapingClock(NOW);
  const tenant = new FakeCloudConnexa({ clock, ...options });
  const settings = VpnConfig.parse({
    cloud_id: "acme",
    client_id: tenant.door.clientId,
    client_secret: tenant.door.clientSecret,
  });
  return { tenant, clock, vpn: new Vpn({ settings, clock, fetch: tenant.fetch }) };
}

/** The whole tenant without ids and without what people and machines are doing, to be compared. */
function essence({ store, settings }: FakeCloudConnexa): unknown {
  const names = new Map<string, string>();
  const nameOf = (thing: Thing) => String(thing.name ?? thing.domain ?? thing.username ?? thing.subnet);
  for (const kind of KINDS) {
    for (const thing of store.all(kind)) names.set(thing.id, `${kind}/${nameOf(thing)}`);
  }
  const volatile = ["id", "status", "connectionStatus", "platform", "parentRouteId", "systemSubnets"];
  const plain = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(plain).map((item) => JSON.stringify(item)).sort()
      : typeof value === "object" && value !== null
      ? Object.fromEntries(
        // An empty text and none are the same.
        Object.entries(value).filter(([key, item]) => !volatile.includes(key) && item !== "").sort().map((
          [key, item],
        ) => [key, plain(item)]),
      )
      : names.get(String(value)) ?? value;
  return {
    things: Object.fromEntries(KINDS.map((kind) => [kind, plain(store.all(kind))])),
    settings: [...settings].map(([name, { value }]) => [name, value]),
  };
}

async function exported(vpn: Vpn, secrets = true): Promise<Record<string, string>> {
  const { files } = await vpn.keeper.export({ secrets }, caller());
  assert.ok(files !== null);
  return files;
}

/** Applies and sees that everything was done. */
async function applied(vpn: Vpn, files: Record<string, string>, remove = false): Promise<number> {
  const { steps } = await vpn.keeper.apply({ files, dry_run: false, delete: remove }, caller());
  assert.deepEqual(
    steps.filter(({ result }) => result !== "done").map(({ key, reason }) => [key, reason]),
    [],
  );
  return steps.length;
}

/** A tenant with what is hard: circles, names that several have, slashes, a suspended user. */
function furnishFully(tenant: FakeCloudConnexa): void {
  const ids = furnish(tenant);
  const { store } = tenant;
  const branch = tenant.create("networks", { name: "branch / north", routes: [{ value: "10.9.0.0/16" }] });
  store.get("networks", ids.network).gatewaysIds = [branch.id];
  branch.gatewaysIds = [ids.network];
  store.get("user-groups", ids.group).gatewaysIds = [branch.id];
  for (const cidr of ["10.9.1.0/24", "10.9.2.0/24"]) {
    tenant.create("networks/ip-services", { name: "twin", routes: [{ value: cidr }] }, branch.id);
  }
  tenant.create("users", { username: "grace", groupId: ids.group, secondaryGroupIds: [ids.emptyGroup] });
  store.where("users", "username", "grace")[0]!.status = "SUSPENDED";
  tenant.create("networks/connectors", { name: "north-1", vpnRegionId: "us-east-1" }, branch.id);
  tenant.settings.get("wpc/topology")!.value = "CUSTOM";
  tenant.settings.get("dns/custom-servers")!.value = { primaryIpV4: "192.0.2.53" };
}

Deno.test("export, wipe and apply give an equal tenant, and nothing is left to plan", async () => {
  const { tenant, vpn } = slice();
  furnishFully(tenant);
  const before = essence(tenant);
  const files = await exported(vpn);
  assert.deepEqual((await vpn.keeper.plan({ files }, caller())).steps, []);
  tenant.store.wipe();
  tenant.settings.get("wpc/topology")!.value = "FULL_MESH";
  await applied(vpn, files);
  assert.deepEqual(essence(tenant), before);
  assert.equal(tenant.store.where("users", "username", "grace")[0]!.status, "SUSPENDED");
  const again = await vpn.keeper.plan({ files }, caller());
  assert.deepEqual([again.steps, again.extra], [[], []]);
});

Deno.test("an export holds no secret unless it is asked for, and no profile is ever made for it", async () => {
  const { tenant, vpn } = slice();
  furnishFully(tenant);
  assert.ok(!JSON.stringify(await exported(vpn, false)).includes("a-shared-key"));
  assert.ok(JSON.stringify(await exported(vpn, true)).includes("a-shared-key"));
  assert.deepEqual([...new Set(tenant.exchanges.slice(1).map(({ method }) => method))], ["GET"]);
});

Deno.test("without the secret a connector that is there stays as it is, one that is not says why it cannot be made", async () => {
  const { tenant, vpn } = slice();
  furnishFully(tenant);
  const files = await exported(vpn, false);
  files["networks.yaml"] = files["networks.yaml"]!.replace("192.0.2.9", "192.0.2.10");
  await applied(vpn, files);
  const [vault] = tenant.store.where("networks/connectors", "name", "vault-1");
  assert.equal(Reflect.get(Object(vault?.ipSecConfig), "preSharedKey"), "a-shared-key");
  tenant.store.wipe();
  const { steps } = await vpn.keeper.apply({ files, dry_run: false }, caller());
  const blocked = steps.filter(({ result }) => result !== "done");
  assert.deepEqual(blocked.map(({ key }) => key), ["networks/vault/connectors/vault-1"]);
  assert.match(blocked[0]?.reason ?? "", /pre-shared key is missing/);
  assert.ok(!JSON.stringify(steps).includes("a-shared-key"));
});

Deno.test("a dry run and a plan change nothing; a plan tells the change without its secrets", async () => {
  const { tenant, vpn } = slice();
  furnishFully(tenant);
  const files = await exported(vpn);
  const changed = {
    ...files,
    "networks.yaml": files["networks.yaml"]!.replace("description: office", "description: Main").replace(
      "a-shared-key",
      "another-key",
    ),
  };
  const { steps } = await vpn.keeper.apply({ files: changed, dry_run: true }, caller());
  assert.deepEqual(steps.map(({ action, key, result }) => [action, key, result]), [
    ["update", "networks/hq", "planned"],
    ["update", "networks/vault/connectors/vault-1", "planned"],
  ]);
  assert.deepEqual(steps[0]?.changes, [{ field: "description", from: "office", to: "Main" }]);
  assert.ok(!/a-shared-key|another-key/.test(JSON.stringify(steps)));
  assert.ok(tenant.exchanges.every(({ method, path }) => method === "GET" || path.endsWith("/oauth/token")));
});

Deno.test("what is there under the name is adopted, and what is not in the files goes with the flag only", async () => {
  const { tenant, vpn } = slice();
  furnish(tenant);
  const files = {
    "dns-records.yaml":
      "- domain: a.example\n  ipv4Addresses: [192.0.2.9]\n- domain: new.example\n  ipv4Addresses: [192.0.2.3]\n",
  };
  tenant.create("dns-records", { domain: "old.example", ipv4Addresses: ["192.0.2.4"] });
  const { steps, extra } = await vpn.keeper.apply({ files, dry_run: false }, caller());
  assert.deepEqual(steps.map(({ action, name }) => [action, name]), [["update", "a.example"], [
    "create",
    "new.example",
  ]]);
  assert.deepEqual(extra, ["dns-records/old.example"]);
  assert.equal(tenant.store.where("dns-records", "domain", "old.example").length, 1);
  assert.equal(await applied(vpn, files, true), 1);
  assert.equal(tenant.store.where("dns-records", "domain", "old.example").length, 0);
  // Kinds without a file are nobody's business.
  assert.equal(tenant.store.all("networks").length, 2);
});

Deno.test("the owner, the default access group and what is deleted with its network are left alone", async () => {
  const { tenant, vpn } = slice();
  const files = await exported(vpn);
  furnish(tenant);
  const { steps } = await vpn.keeper.apply({ files, dry_run: false, delete: true }, caller());
  assert.ok(steps.every(({ action, kind }) => action === "delete" && !kind.includes("connectors")));
  assert.deepEqual(
    steps.filter(({ result }) => result !== "done").map(({ key, reason }) => [key, reason]),
    [],
  );
  assert.deepEqual(tenant.store.all("users").map(({ role }) => role), ["OWNER"]);
  const owner = { "users.yaml": files["users.yaml"]!.replace("firstName: Owner", "firstName: Eve") };
  const outcome = await vpn.keeper.apply({ files: owner, dry_run: false }, caller());
  assert.deepEqual(outcome.steps.map(({ result }) => result), ["blocked"]);
  assert.match(outcome.steps[0]?.reason ?? "", /owner of a tenant cannot be changed/);
});

Deno.test("a crash after any number of writes converges at the next run, without doubles", async () => {
  const source = slice();
  furnishFully(source.tenant);
  const files = await exported(source.vpn);
  const wanted = essence(source.tenant);
  for (const writes of [1, 2, 5, 9, 14, 20, 24]) {
    const { tenant, vpn } = slice();
    let left = writes;
    tenant.faults.push((request) => {
      if (request.method === "GET" || request.url.endsWith("/oauth/token") || left-- > 0) return undefined;
      throw new TypeError("the power failed");
    });
    await vpn.keeper.apply({ files, dry_run: false }, caller()).catch(() => {});
    tenant.faults.length = 0;
    await applied(vpn, files);
    assert.deepEqual(essence(tenant), wanted, `after ${writes} writes`);
  }
});

/** Lets so many writes through; what comes then is answered by `then`. */
function breakAfter(tenant: FakeCloudConnexa, writes: number, then: () => Response): void {
  let left = writes;
  const fault = (request: Request): Response | undefined => {
    if (request.method === "GET" || request.url.endsWith("/oauth/token") || left-- > 0) return undefined;
    // A fault is gone once it answered.
    tenant.faults.push(fault);
    return then();
  };
  tenant.faults.push(fault);
}

/** What ends an apply half-way, and how it is told. */
const ENDS: readonly [
  what: string,
  answer: (abort: AbortController) => Response,
  stopped: { kind: string; code: string; message: RegExp },
][] = [
  ["a key that is refused", () => new Response(null, { status: 401 }), {
    kind: "upstream",
    code: "vpn_authentication",
    message: /the API key was refused/,
  }],
  ["a rate limit without end", () => new Response(null, { status: 429 }), {
    kind: "rate_limited",
    code: "rate_limited",
    message: /rate limit of the key is used up/,
  }],
  ["an interruption", (abort) => {
    abort.abort(new Error("Ctrl-C"));
    return new Response(null, { status: 500 });
  }, { kind: "unavailable", code: "interrupted", message: /it may be done or not/ }],
];
for (const [what, answer, told] of ENDS) {
  Deno.test(`an apply that ${what} ends half-way tells what was done, what failed and what was left, and goes on at the next run`, async () => {
    const source = slice();
    furnishFully(source.tenant);
    const files = await exported(source.vpn);
    const { tenant, vpn } = slice();
    const abort = new AbortController();
    breakAfter(tenant, 4, () => answer(abort));
    const progress: string[] = [];
    const report = ({ phase, done_items, total_items }: Progress) =>
      void progress.push(`${phase} ${done_items}/${total_items}`);
    const { steps, stopped } = await vpn.keeper.apply({ files, dry_run: false }, {
      ...caller(),
      signal: abort.signal,
      report,
    });
    const results = steps.map(({ result }) => result);
    assert.deepEqual(results.slice(0, 6), ["done", "done", "done", "done", "failed", "skipped"]);
    assert.deepEqual([...new Set(results.slice(5))], ["skipped"]);
    assert.deepEqual([stopped?.kind, stopped?.code], [told.kind, told.code]);
    assert.match(stopped?.message ?? "", told.message);
    assert.equal(steps[4]?.reason, stopped?.message);
    assert.equal(progress[0], "read 0/38");
    assert.equal(progress.at(-1), `apply 4/${steps.length}`);
    tenant.faults.length = 0;
    await applied(vpn, files);
    assert.deepEqual(essence(tenant), essence(source.tenant));
  });
}

Deno.test("an apply that fails before anything was done is an error like any other", async () => {
  const { tenant, vpn } = slice();
  breakAfter(tenant, 0, () => new Response(null, { status: 401 }));
  const files = { "hosts.yaml": "- name: db\n- name: web\n" };
  await assert.rejects(vpn.keeper.apply({ files, dry_run: false }, caller()), { code: "vpn_authentication" });
});

Deno.test("random edits converge, or say why not", async () => {
  // A small generator: the same edits each time.
  let seed = 7;
  const random = (below: number) => ((seed = (seed * 1103515245 + 12345) % 2147483648) >>> 8) % below;
  const { tenant, vpn } = slice();
  furnishFully(tenant);
  const files = await exported(vpn);
  const wanted = essence(tenant);
  for (let round = 0; round < 40; round++) {
    for (let edits = 1 + random(6); edits > 0; edits--) {
      const kind = KINDS[random(KINDS.length)]!;
      const things = tenant.store.all(kind).filter(({ role, defaultGroup, _default }) =>
        role !== "OWNER" && defaultGroup !== true && _default !== true
      );
      const thing = things[random(Math.max(1, things.length))];
      if (thing === undefined) continue;
      if (kind === "user-groups") thing.maxDevice = 1 + random(9);
      else if (random(2) === 0) thing[kind === "users" ? "firstName" : "description"] = `edit ${round}`;
      else tenant.store.delete(kind, thing.id);
    }
    tenant.create("hosts", { name: `stray ${round}` });
    for (let run = 0; run < 3; run++) {
      const { steps } = await vpn.keeper.apply({ files, dry_run: false, delete: true }, caller());
      assert.deepEqual(steps.filter(({ result, reason }) => result !== "done" && reason === null), []);
      if (steps.length === 0) break;
    }
    assert.deepEqual(essence(tenant), wanted, `round ${round}`);
  }
});

Deno.test("a step that is refused keeps only what needs it from being done, and says why", async () => {
  const { vpn } = slice();
  const files = {
    "networks.yaml":
      "- name: hq\n  routes:\n    - value: 10.0.0.0/8\n- name: lab\n  routes:\n    - value: 10.1.0.0/16\n",
    "user-groups.yaml": "- name: nowhere\n- name: staff\n  allRegionsIncluded: true\n",
    "users.yaml": "- username: ada\n  groupId: nowhere\n- username: bo\n  groupId: staff\n",
  };
  const { steps } = await vpn.keeper.apply({ files, dry_run: false }, caller());
  const results = Object.fromEntries(steps.map(({ key, result }) => [key, result]));
  assert.equal(results["networks/lab/routes/10.1.0.0%2F16"], "failed");
  assert.equal(results["user-groups/nowhere"], "failed");
  assert.equal(results["users/ada"], "waits");
  assert.equal(results["users/bo"], "done");
  const reasons = steps.map(({ reason }) => reason).filter((reason) => reason !== null).join("\n");
  assert.match(reasons, /overlaps 10.0.0.0\/8/);
  assert.match(reasons, /vpnRegionIds is needed/);
  assert.match(reasons, /needs "user-groups\/nowhere"/);
});

/** What files may be wrong about: file and line, and what. */
const WRONG: readonly [file: string, text: string, place: string, says: RegExp][] = [
  ["users.yaml", "- username: ada\n  groupId: [\n", "users.yaml:3", /./],
  ["users.yaml", "- username: ada\n- username: bo\n  nickname: x\n", "users.yaml:2", /nickname/],
  ["users.yaml", "- username: ada\n  email: 5\n", "users.yaml:2", /email: .*string/],
  ["users.yaml", "- groupId: staff\n", "users.yaml:1", /username/],
  ["user-groups.yaml", "name: staff\n", "user-groups.yaml:1", /must be a list of user groups/],
  ["user-groups.yaml", "- staff\n", "user-groups.yaml:1", /must be a user group/],
  ["networks.yaml", "- name: hq\n  connectors:\n    - name: hq-1\n", "networks.yaml:3", /vpnRegionId/],
  [
    "networks.yaml",
    "- name: hq\n  gatewaysIds: [nowhere]\n",
    "networks.yaml:1",
    /names "nowhere", which is not there/,
  ],
  [
    "settings.yaml",
    "wpc/topology: CUSTOM\nwpc/topolgy: CUSTOM\n",
    "settings.yaml:2",
    /no setting "wpc\/topolgy"/,
  ],
  ["settings.yaml", "wpc/snat: maybe\n", "settings.yaml:1", /"maybe" is not what/],
  ["settings.yaml", "auth/saml/group-mappings: {}\n", "settings.yaml:1", /can only be read/],
  ["notes.yaml", "- x\n", "notes.yaml:1", /is not a file of a tenant/],
  ["users.yaml", "- username: a\n  username: b\n", "users.yaml:2", /unique/],
  ["users.yaml", "- username: &a ada\n  firstName: *a\n", "users.yaml:2", /must be written out/],
  ["settings.yaml", `wpc/topology: ${"[".repeat(5000)}${"]".repeat(5000)}\n`, "settings.yaml:1", /./],
];
for (const [file, text, place, says] of WRONG) {
  Deno.test(`wrong YAML is told with ${place}: ${says.source}`, async () => {
    const { tenant, vpn } = slice();
    await assert.rejects(vpn.keeper.apply({ files: { [file]: text }, dry_run: false }, caller()), (error) => {
      assert.ok(error instanceof Error);
      const [first] = Reflect.get(error, "errors");
      assert.equal(first.path, place);
      assert.match(first.message, says);
      assert.match(error.message, new RegExp(`^Cannot read the tenant's files: ${place}: `));
      return true;
    });
    assert.equal(tenant.exchanges.length, 0);
  });
}

Deno.test("a directory is written privately, read back, and refused to who is not on the host", async () => {
  const { tenant, vpn } = slice();
  furnishFully(tenant);
  const base = await Deno.makeTempDir({ prefix: "holdfast-vpn-" });
  const dir = join(base, "tenant");
  try {
    const { things, settings } = await vpn.keeper.export({ to: dir, secrets: true }, caller());
    assert.ok(things > 20 && settings > 15);
    for await (const { name } of Deno.readDir(dir)) {
      assert.equal((await Deno.stat(join(dir, name))).mode! & 0o777, 0o600);
    }
    assert.deepEqual((await vpn.keeper.plan({ from: dir }, caller())).steps, []);
    const elsewhere = caller(false);
    await assert.rejects(vpn.keeper.export({ to: dir, secrets: false }, elsewhere), /is not on it/);
    await assert.rejects(vpn.keeper.plan({ from: dir }, elsewhere), /is not on it/);
    await assert.rejects(
      vpn.keeper.plan({ from: join(base, "none") }, caller()),
      /Cannot read the tenant's files/,
    );
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});

Deno.test("a credential that cannot be kept is not made, and what is there stays", async () => {
  const { tenant, vpn } = slice();
  furnish(tenant);
  const base = await Deno.makeTempDir({ prefix: "holdfast-vpn-" });
  let made = 0;
  const issue = (to: string) =>
    vpn.actions.issue(
      "network-connectors",
      { ref: "hq-1" },
      to,
      () => Promise.resolve(`secret ${++made}`),
      caller(),
    );
  try {
    await assert.rejects(issue(join(base, "none", "x.ovpn")), /^HoldfastError: Cannot write/);
    await assert.rejects(issue(base), /Cannot write .*: it is a directory/);
    assert.equal(made, 0);
    const path = join(base, "x.ovpn");
    await Deno.writeTextFile(path, "old", { mode: 0o644 });
    const failing = () => Promise.reject(new Error("refused"));
    await assert.rejects(
      vpn.actions.issue("network-connectors", { ref: "hq-1" }, path, failing, caller()),
      /^Error: refused/,
    );
    assert.equal(await Deno.readTextFile(path), "old");
    assert.deepEqual(await issue(path).then((one) => [one.path, one.content]), [path, null]);
    assert.equal(await Deno.readTextFile(path), "secret 1");
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    assert.deepEqual((await Array.fromAsync(Deno.readDir(base))).map(({ name }) => name), ["x.ovpn"]);
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});

for (const version of ["1.1.0", "1.1.6", "1.2.3"]) {
  Deno.test(`export, wipe and apply work with release ${version}, IPv4 only`, async () => {
    const { tenant, vpn } = slice({ version, ipv4Only: true });
    furnish(tenant);
    const before = essence(tenant);
    const files = await exported(vpn);
    tenant.store.wipe();
    await applied(vpn, files);
    assert.deepEqual(essence(tenant), before);
  });
}
