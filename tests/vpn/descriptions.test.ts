/** The client and the fake tenant, held to the vendor's descriptions of the API. */
import assert from "node:assert/strict";
import type { FakeCloudConnexa } from "../support/cloudconnexa.ts";
import { CALLS } from "./calls.ts";
import { Description } from "./conformance.ts";
import { clientOf, description, furnish, tenantAndClient } from "./fixture.ts";

const DESCRIBED = [
  { version: "1.1.0", file: "cloudconnexa-1.1.0.mock.json", operations: 144 },
  { version: "1.2.3", file: "cloudconnexa-1.2.3-reconstructed.yaml", operations: 163 },
] as const;

/** Paths the vendor's document has twice: the token, which the client gets by itself. */
const TOKEN = "POST /oauth/token";

function described(file: string): Description | undefined {
  const text = description(file);
  if (text === undefined) console.log(`skipped: ../shared/specs/${file} is not here`);
  return text === undefined ? undefined : new Description(text);
}

for (const { version, file, operations } of DESCRIBED) {
  Deno.test(`the client has a method for every operation of release ${version}`, () => {
    const api = described(file);
    if (api === undefined) return;
    assert.equal(api.operations.length, operations);
    const covered = new Set([TOKEN, ...CALLS.map((call) => call.operation)]);
    assert.deepEqual(api.operations.filter((one) => !covered.has(one)), []);
  });

  Deno.test(`every request and every answer of the fake tenant fits release ${version}`, async () => {
    const api = described(file);
    if (api === undefined) return;
    const { tenant, client } = tenantAndClient({ version });
    const ids = furnish(tenant);
    fillLogs(tenant);
    const known = new Set(api.operations);
    for (const { operation, call } of CALLS) {
      if (!known.has(operation)) continue;
      const before = tenant.exchanges.length;
      await call(client, ids);
      const { status = 0 } = tenant.exchanges.at(-1) ?? {};
      assert.ok(tenant.exchanges.length > before && status < 300, `${operation} answered ${status}`);
    }
    assert.deepEqual(tenant.exchanges.flatMap((exchange) => api.problemsOf(exchange)), []);
  });
}

Deno.test("no method calls what no description knows", () => {
  const api = described("cloudconnexa-1.2.3-reconstructed.yaml");
  if (api === undefined) return;
  const known = new Set(api.operations);
  assert.deepEqual(CALLS.filter((call) => !known.has(call.operation)), []);
});

Deno.test("each call of the table is one request for the operation it names", async () => {
  const { tenant } = tenantAndClient();
  const ids = furnish(tenant);
  const client = clientOf(tenant);
  await client.regions.listAll();
  for (const { operation, call } of CALLS) {
    const before = tenant.exchanges.length;
    await call(client, ids);
    const [made, ...more] = tenant.exchanges.slice(before);
    assert.deepEqual(more, [], operation);
    const path = made?.path.replace("/api/v1", "").replaceAll(/[0-9a-f-]{36}/g, "{id}");
    assert.equal(`${made?.method} ${path}`, operation);
  }
});

function fillLogs(tenant: FakeCloudConnexa): void {
  tenant.sessions.push({
    id: "session-1",
    userName: "ada",
    region: "eu-central-1",
    sessionStartTime: new Date(Date.now() - 60_000).toISOString(),
    status: "ACTIVE",
    bytesIn: 1,
    bytesOut: 2,
  });
  tenant.dnsLog.push({
    time: Date.parse("2026-01-05T10:30:00Z"),
    domain: "wiki.example",
    memberId: "ada@acme",
    internalDomain: true,
    allowedCount: 1,
    blockedCount: 0,
    failedCount: 0,
  });
}

Deno.test("a call that does not fit is noticed", async () => {
  const api = described("cloudconnexa-1.2.3-reconstructed.yaml");
  if (api === undefined) return;
  const { tenant, client } = tenantAndClient();
  await client.networks.create({ name: "hq" });
  const created = tenant.exchanges.at(-1)!;
  assert.deepEqual(api.problemsOf(created), []);
  for (
    const wrong of [
      { body: '{"name": 5}' },
      { answer: '{"id": 5}' },
      { status: 418 },
      { query: { networkId: "x" } },
      { path: "/api/v1/nowhere" },
    ]
  ) assert.equal(api.problemsOf({ ...created, ...wrong }).length, 1, JSON.stringify(wrong));
});
