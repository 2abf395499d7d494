import assert from "node:assert/strict";
import { systemClock } from "../../src/lib/clock.ts";
import { isVyos } from "../../src/network/envelope.ts";
import { VyosClient, type VyosOptions } from "../../src/network/client.ts";
import { RELEASES } from "../../src/network/release.ts";
import { Turns } from "../../src/network/turns.ts";
import { FakeVyos } from "../support/vyos.ts";
import { sayIfAbsent, schemaOf } from "../support/vyos_schema.ts";
import { handmade } from "./samples.ts";

const signal = new AbortController().signal;
const clock = { ...systemClock, sleep: () => Promise.resolve() };

function clientOf({ fetch, key: own }: Pick<Required<VyosOptions>, "fetch" | "key">, key = own): VyosClient {
  return new VyosClient({
    name: "edge",
    url: "http://127.0.0.1:8080",
    key,
    clock,
    fetch,
    timeoutMs: 60_000,
  });
}

const rule = ["nat", "destination", "rule", "7"];
const forward = [
  { op: "set" as const, path: [...rule, "protocol"], value: "tcp" },
  { op: "set" as const, path: [...rule, "translation", "address"], value: "10.20.0.7" },
];

/** What a call is refused with. */
async function failureOf(work: Promise<unknown>): Promise<Error & { code?: string; body?: string }> {
  return await work.then(() => assert.fail("it worked"), (error) => error);
}

for (const release of RELEASES) {
  Deno.test(`release ${release}: reads, changes, saves and shows`, async () => {
    if (schemaOf(release) === undefined) return sayIfAbsent();
    const router = new FakeVyos({ release, config: handmade(release) });
    await using client = clientOf(router);
    assert.equal(await client.showConfig(["vpn"], signal).catch(() => "invalid"), "invalid");
    assert.deepEqual(Object.keys(await client.showConfig(["nat"], signal)), ["destination"]);
    assert.deepEqual(await client.showConfig(["nat", "source"], signal), {});
    assert.equal(await client.returnValue([...rule.slice(0, 3), "100", "protocol"], signal), "tcp");
    assert.equal(await client.returnValue([...rule, "protocol"], signal), null);
    assert.deepEqual(await client.returnValues([...rule.slice(0, 3), "100", "protocol"], signal), ["tcp"]);
    assert.equal(await client.exists([...rule.slice(0, 3), "100"], signal), true);
    assert.match(await client.show(["version"], signal), /Version/);
    const on = release === "1.3" ? [...rule, "inbound-interface"] : [...rule, "inbound-interface", "name"];
    await client.configure([...forward, { op: "set", path: on, value: "eth0" }], {}, signal);
    assert.equal(router.commits.length, 1);
    assert.notDeepEqual(router.saved, router.running);
    await client.save(signal);
    assert.deepEqual(router.saved, router.running);
    assert.equal(
      (await client.info(signal))?.version,
      release === "rolling" ? router.version.slice(5) : undefined,
    );
    await client.settle(signal);
    assert.equal(router.commits.length, 1);
  });
}

Deno.test("all commands of a request are one commit, and one that fails takes all with it", async () => {
  if (schemaOf("rolling") === undefined) return sayIfAbsent();
  const router = new FakeVyos({ config: handmade("rolling") });
  await using client = clientOf(router);
  const bad = { op: "set" as const, path: [...rule, "destination", "port"], value: "not a port" };
  const error = await failureOf(client.configure([...forward, bad], {}, signal));
  assert.ok(isVyos(error, "refused"), error.message);
  assert.equal(router.commits.length, 0);
  assert.deepEqual(router.running, handmade("rolling"));
});

Deno.test("a change with a timer is confirmed once, and a second confirm finds nothing", async () => {
  const router = new FakeVyos({ config: handmade("rolling") });
  await using client = clientOf(router);
  assert.match(await client.configure(forward, { confirmMinutes: 5 }, signal), /commit-confirm/);
  assert.notEqual(router.pending, undefined);
  const pending = await failureOf(
    client.configure([{ ...forward[0]!, value: "udp" }], { confirmMinutes: 5 }, signal),
  );
  assert.ok(isVyos(pending, "confirm_pending"));
  assert.equal(await client.confirm(signal), true);
  assert.equal(await client.confirm(signal), false);
});

Deno.test("a job in the background is followed to its end", async () => {
  if (schemaOf("rolling") === undefined) return sayIfAbsent();
  const router = new FakeVyos({ config: handmade("rolling") });
  await using client = clientOf(router);
  await client.configure(forward, { background: true }, signal);
  assert.equal(router.commits.length, 1);
  const error = await failureOf(
    client.configure([{ op: "set", path: [...rule, "x"] }], { background: true }, signal),
  );
  assert.ok(isVyos(error, "refused"), error.message);
});

Deno.test("each way to fail has its own code", async () => {
  const router = new FakeVyos({ config: handmade("rolling") });
  await using client = clientOf(router);
  const write = () => failureOf(client.configure(forward, {}, signal));
  for (
    const [fault, code, done] of [
      ["locked", "locked", 0],
      ["502", "lost", 0],
      ["lost_undone", "lost", 0],
      ["unreachable", "connect", 0],
      ["504_done", "lost", 1],
      ["lost_done", "lost", 2],
    ] as const
  ) {
    router.fail(/configure/, fault);
    assert.equal((await write()).code, code, fault);
    assert.equal(router.commits.length, done, fault);
  }
  for (const _ of [1, 2]) router.fail(/retrieve/, "502");
  const read = await failureOf(client.showConfig(["nat"], signal));
  assert.equal(read.code, "proxy");
  assert.match(read.message, /page of its proxy/);
  await using wrong = clientOf(router, "another-key");
  assert.equal((await failureOf(wrong.showConfig(["nat"], signal))).code, "wrong_key");
});

Deno.test("an HTML page with status 200 and the bare error of release 1.3 are no answers", async () => {
  for (const text of ["<html>login</html>", '{"error":"API is not configured"}']) {
    const fetch = () => new Response(text, { headers: { "content-type": "text/html" } });
    await using client = clientOf({ fetch, key: "kkkk" });
    assert.equal((await failureOf(client.showConfig([], signal))).code, "proxy");
  }
});

Deno.test("sections, files, images and operational commands go to their own calls, the key in the body only", async () => {
  const sent: unknown[] = [];
  const fetch = (url: string, { body }: RequestInit) => {
    const form = new URLSearchParams(typeof body === "string" ? body : "");
    assert.equal(form.get("key"), "kkkk");
    sent.push([new URL(url).pathname + new URL(url).search, JSON.parse(form.get("data") ?? "")]);
    return Response.json({ success: true, data: "done", error: null });
  };
  await using client = clientOf({ fetch, key: "kkkk" });
  const commands = [{ op: "set" as const, path: ["nat"], section: { destination: {} } }];
  const said = [
    await client.configureSection(commands, signal),
    await client.load("/config/before.boot", signal),
    await client.images(signal),
    await client.generate(["pki", "wireguard"], signal),
    await client.reset(["dhcp", "server", "lease", "10.20.0.9"], signal),
  ];
  assert.deepEqual(said, Array(5).fill("done"));
  assert.deepEqual(sent, [
    ["/configure-section", { commands }],
    ["/config-file", { op: "load", file: "/config/before.boot" }],
    ["/show", { op: "show", path: ["system", "image"] }],
    ["/generate", { op: "generate", path: ["pki", "wireguard"] }],
    ["/reset", { op: "reset", path: ["dhcp", "server", "lease", "10.20.0.9"] }],
  ]);
});

Deno.test("the key is in no error, whatever the router echoes", async () => {
  const router = new FakeVyos({ config: handmade("rolling"), key: "very-secret-key" });
  await using client = clientOf(router);
  router.fail(/configure/, "echo_key");
  const error = await failureOf(client.configure(forward, {}, signal));
  assert.match(error.message, /\*\*\*/);
  assert.ok(!Deno.inspect(error, { depth: 9 }).includes("very-secret-key"));
});

Deno.test("changes take turns in order, reads wait for them, and who goes away gives its turn up", async () => {
  const turns = new Turns();
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  const work = (name: string, wait?: Promise<void>) => async () => {
    log.push(`${name} begins`);
    await wait;
    log.push(`${name} ends`);
  };
  const gone = new AbortController();
  const all = [
    turns.write(signal, work("first", gate.promise)),
    turns.read(signal, work("read")),
    turns.write(gone.signal, work("gone")).catch((error) => log.push(error.name)),
    turns.write(signal, work("second")),
    turns.read(signal, work("late")),
  ];
  assert.equal(turns.waiting, 4);
  gone.abort();
  gate.resolve();
  await Promise.all(all);
  assert.deepEqual(log.filter((line) => line !== "AbortError"), [
    "first begins",
    "first ends",
    "read begins",
    "read ends",
    "second begins",
    "second ends",
    "late begins",
    "late ends",
  ]);
  assert.ok(log.includes("AbortError"));
});
