/** The client's way to a tenant: addresses, keys, tokens, ids, and what goes wrong. */
import assert from "node:assert/strict";
import {
  ApiError,
  AuthenticationError,
  CloudConnexaClient,
  CloudConnexaError,
  type CloudConnexaOptions,
  NetworkError,
  NotFoundError,
  PermissionError,
  RateLimitError,
  ValidationError,
} from "../../src/vpn/mod.ts";
import { CALLS } from "./calls.ts";
import { clientOf, furnish, LeapingClock, tenantAndClient } from "./fixture.ts";

const KEY = { clientId: "i", clientSecret: "s" };
const NOW = "2026-01-05T10:00:00Z";

const REFUSED: readonly [title: string, options: Partial<CloudConnexaOptions>, message: RegExp][] = [
  ["an empty client id", { cloudId: "acme", clientId: " " }, /client id is empty/],
  ["an empty client secret", { cloudId: "acme", clientSecret: "" }, /client secret is empty/],
  ["neither Cloud ID nor address", {}, /Cloud ID, or its address/],
  ["a tenant name with slashes", { cloudId: "acme/../evil" }, /not letters, digits and hyphens/],
  ["a tenant name with a dot", { cloudId: "evil.example" }, /not letters, digits and hyphens/],
  [
    "plain http to another host",
    { url: "http://acme.api.openvpn.com", allowLoopbackHttp: true },
    /not on this host/,
  ],
  ["plain http to loopback without the switch", { url: "http://127.0.0.1:4010" }, /allowLoopbackHttp/],
  ["another scheme", { url: "ftp://acme.example" }, /neither https nor http/],
  ["an address without scheme", { url: "acme.api.openvpn.com" }, /no address such as/],
  ["an address without host", { url: "https://" }, /no address such as/],
  ["a name that only begins like loopback", {
    url: "http://127.0.0.1.evil.example",
    allowLoopbackHttp: true,
  }, /not on this host/],
];

for (const [title, options, message] of REFUSED) {
  Deno.test(`the client refuses ${title} before any call`, () => {
    const fetch = () => {
      throw new Error("called");
    };
    assert.throws(
      () => new CloudConnexaClient({ ...KEY, fetch, ...options }),
      (error) => error instanceof ValidationError && message.test(error.message),
    );
  });
}

Deno.test("the client refuses user info in an address and does not repeat the password", () => {
  assert.throws(
    () => new CloudConnexaClient({ ...KEY, url: "https://ada:hunter22@acme.example" }),
    (error) => error instanceof ValidationError && !error.message.includes("hunter22"),
  );
});

for (const host of ["localhost", "127.0.0.1", "127.3.4.5", "[::1]"]) {
  Deno.test(`plain http to ${host} is let through behind the switch; path, query and fragment are dropped`, async () => {
    const { tenant } = tenantAndClient();
    const seen: string[] = [];
    const client = clientOf(tenant, {
      cloudId: undefined,
      url: `http://${host}:4010/some/path/?a=b#c`,
      allowLoopbackHttp: true,
      fetch: (url, init) => {
        seen.push(url);
        return tenant.fetch(url, init);
      },
    });
    await client.regions.listAll();
    assert.deepEqual(seen, [`http://${host}:4010/api/v1/oauth/token`, `http://${host}:4010/api/v1/regions`]);
  });
}

Deno.test("a Cloud ID is the tenant's host", async () => {
  const { tenant } = tenantAndClient();
  const seen: string[] = [];
  const client = clientOf(tenant, {
    cloudId: "Acme-1",
    fetch: (url, init) => {
      seen.push(new URL(url).host);
      return tenant.fetch(url, init);
    },
  });
  await client.regions.listAll();
  assert.deepEqual([...new Set(seen)], ["acme-1.api.openvpn.com"]);
});

Deno.test("the key goes into the header of the token call, never into an address or a body", async () => {
  const { tenant, client } = tenantAndClient();
  await client.networks.listAll();
  const [token] = tenant.exchanges;
  assert.equal(
    token?.headers.authorization,
    `Basic ${btoa(`${tenant.door.clientId}:${tenant.door.clientSecret}`)}`,
  );
  assert.equal(token?.body, '{"grant_type":"client_credentials","scope":"default"}');
  for (const { path, query, body } of tenant.exchanges) {
    assert.ok(!JSON.stringify([path, query, body]).includes(tenant.door.clientSecret));
  }
});

Deno.test("parallel callers share one token", async () => {
  const { tenant, client } = tenantAndClient();
  await Promise.all([client.networks.list(), client.users.list(), client.hosts.list()]);
  assert.equal(tenant.door.tokensGiven, 1);
});

Deno.test("a process older than 12 hours gets a new token before the old one ends", async () => {
  const clock = new LeapingClock(NOW);
  const { tenant, client } = tenantAndClient({ clock });
  await client.networks.list();
  clock.advance(43_199_000 - 30_000);
  await client.networks.list();
  assert.equal(tenant.door.tokensGiven, 2);
  assert.ok(tenant.exchanges.every(({ status }) => status === 200));
});

Deno.test("a token that is refused is renewed once, for all who call", async () => {
  const { tenant, client } = tenantAndClient();
  await client.networks.list();
  tenant.door.revokeTokens();
  await Promise.all([client.networks.list(), client.users.list()]);
  assert.equal(tenant.door.tokensGiven, 2);
});

Deno.test("a second 401 is an answer", async () => {
  const { tenant, client } = tenantAndClient();
  tenant.faults.push(
    (request) =>
      request.url.endsWith("/networks?page=0&size=100") ? new Response(null, { status: 401 }) : undefined,
  );
  await client.networks.list();
  tenant.faults.push(
    ...[1, 2].map(() => (request: Request) =>
      request.url.includes("/networks") ? new Response(null, { status: 401 }) : undefined
    ),
  );
  await assert.rejects(client.networks.list(), (error) => {
    assert.ok(error instanceof AuthenticationError);
    assert.equal(error.apiStatus, 401);
    assert.match(error.hint ?? "", /expired/);
    return true;
  });
});

for (
  const [title, spoil] of [
    ["a wrong secret", (door: { clientSecret: string }) => door.clientSecret = "another"],
    ["an expired key", (door: { keyExpiresAt: number | null }) => door.keyExpiresAt = 0],
    ["an API that is switched off", (door: { apiOff: boolean }) => door.apiOff = true],
  ] as const
) {
  Deno.test(`${title} is an authentication error that says what to look at, without the secret`, async () => {
    const { tenant, client } = tenantAndClient();
    const secret = tenant.door.clientSecret;
    spoil(tenant.door);
    await assert.rejects(client.networks.list(), (error) => {
      assert.ok(error instanceof AuthenticationError && error instanceof CloudConnexaError);
      assert.match(
        error.message,
        /^Cannot get a token at CloudConnexa tenant "acme.*": the API key was refused$/,
      );
      assert.match(error.hint ?? "", /expired.*API access is switched off/);
      assert.ok(!Deno.inspect(error, { depth: 20 }).includes(secret));
      return true;
    });
    assert.equal(tenant.calls, 0);
  });
}

/** Bodies of the token call that are none; a token of a status other than 2xx is not taken. */
for (
  const [title, response, kind] of [
    ["larger than 1 MB", () => new Response("x".repeat(1_000_001)), ApiError],
    ["empty", () => new Response(""), ApiError],
    ["HTML", () => new Response("<!doctype html><p>log in"), ApiError],
    ["without a token", () => Response.json({ token_type: "bearer" }), ApiError],
    [
      "a token in an answer of status 400",
      () => Response.json({ access_token: "x", expires_in: 9 }, { status: 400 }),
      AuthenticationError,
    ],
  ] as const
) {
  Deno.test(`an answer to the token call that is ${title} is refused`, async () => {
    const { tenant, client } = tenantAndClient();
    tenant.faults.push(response);
    await assert.rejects(client.networks.list(), kind);
  });
}

/** Answers that are no list of networks: what they are to the caller. */
const ANSWERS: readonly [
  title: string,
  response: () => Response,
  kind: new (message: string) => CloudConnexaError,
  says: RegExp,
][] = [
  [
    "HTML",
    () => new Response("<html>proxy</html>", { headers: { "content-type": "text/html" } }),
    ApiError,
    /HTML page/,
  ],
  ["empty", () => new Response(""), ApiError, /the answer is empty/],
  ["no JSON", () => new Response("hello"), ApiError, /not JSON/],
  ["larger than 10 MB", () => new Response("x".repeat(10_000_001)), ApiError, /larger than 10000000 bytes/],
  [
    "of another shape",
    () => Response.json({ content: [{ name: "x" }] }),
    ApiError,
    /not what it should be at content.0.id/,
  ],
  ["403", () => new Response(null, { status: 403 }), PermissionError, /may not do this/],
  ["404", () => new Response(null, { status: 404 }), NotFoundError, /there is none/],
  ["400 without a body", () => new Response(null, { status: 400 }), ValidationError, /refused it$/],
  ["400 with HTML", () => new Response("<html>", { status: 400 }), ValidationError, /HTML page/],
];
for (const [title, response, kind, says] of ANSWERS) {
  Deno.test(`an answer that is ${title} is a ${kind.name}`, async () => {
    const { tenant, client } = tenantAndClient();
    await client.regions.listAll();
    tenant.faults.push(response);
    await assert.rejects(client.networks.list(), (error) => {
      assert.ok(error instanceof kind, String(error));
      assert.match(error.message, says);
      return true;
    });
  });
}

Deno.test("a 500 carries status and body, after the tries it deserves", async () => {
  const clock = new LeapingClock(NOW);
  const { tenant, client } = tenantAndClient({ clock });
  await client.regions.listAll();
  const said = { errorDetails: {}, errorMessage: "database is away", statusError: "INTERNAL_SERVER_ERROR" };
  tenant.faults.push(...Array.from({ length: 9 }, () => () => Response.json(said, { status: 500 })));
  await assert.rejects(client.networks.list(), (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.apiStatus, 500);
    assert.match(error.body, /database is away/);
    return true;
  });
});

Deno.test("an address where nobody is, is told in words and soon", async () => {
  const clock = new LeapingClock(NOW);
  const waits: string[] = [];
  await using client = new CloudConnexaClient({
    // No test listens on that address: a port that was free a moment ago may be another test's by now.
    url: "http://127.9.9.9:47613",
    allowLoopbackHttp: true,
    clientId: "i",
    clientSecret: "s3cret",
    clock,
    onWait: (_, reason) => void waits.push(reason),
  });
  await assert.rejects(client.networks.list(), (error) => {
    assert.ok(error instanceof NetworkError);
    assert.match(
      error.message,
      /^Cannot reach CloudConnexa tenant ".*" at 127\.9\.9\.9:47613: nothing listens on that port$/,
    );
    return true;
  });
  assert.equal(waits.length, 2);
  assert.ok(waits.every((reason) => !reason.includes("://")), waits[0]);
});

Deno.test("a refusal that repeats a secret of the call is told without it", async () => {
  const { tenant, client } = tenantAndClient();
  furnish(tenant);
  const vault = tenant.store.where("networks", "name", "vault")[0]!;
  const preSharedKey = "a key of my own";
  const problem = {
    errorCode: "WEAK",
    message: `"${preSharedKey}" is weak`,
    params: { given: preSharedKey },
  };
  const said = { errorMessage: `preSharedKey ${preSharedKey} is weak`, errorDetails: { key: [problem] } };
  await client.regions.listAll();
  tenant.faults.push(() => Response.json(said, { status: 400 }));
  const ipSecConfig = {
    platform: "OTHER",
    authenticationType: "SHARED_SECRET",
    remoteSitePublicIp: "192.0.2.9",
    preSharedKey,
  } as const;
  const connector = { name: "vault-2", vpnRegionId: "eu-central-1", ipSecConfig };
  await assert.rejects(client.connectors.network.create(vault.id, connector), (error) => {
    assert.ok(error instanceof ValidationError);
    assert.match(error.message, /preSharedKey \*\*\* is weak/);
    assert.ok(!Deno.inspect(error, { depth: 20 }).includes(preSharedKey));
    return true;
  });
});

Deno.test("a refusal lists what the API says about each field", async () => {
  const { tenant, client } = tenantAndClient();
  furnish(tenant);
  const network = tenant.store.all("networks")[0]!;
  await assert.rejects(client.routes.create(network.id, { value: "10.201.4.0/24" }), (error) => {
    assert.ok(error instanceof ValidationError);
    assert.equal(error.apiStatus, 400);
    assert.equal(error.errorDetails.value?.[0]?.errorCode, "OVERLAP");
    assert.match(error.message, /overlaps 10.201.0.0\/16/);
    return true;
  });
});

Deno.test("nobody there is a network error", async () => {
  const clock = new LeapingClock(NOW);
  const { client } = tenantAndClient({ clock }, {
    fetch: () => {
      throw new TypeError("connection refused");
    },
  });
  await assert.rejects(client.networks.list(), NetworkError);
});

Deno.test("ids are escaped into one segment, and none leads elsewhere", async () => {
  const { tenant, client } = tenantAndClient();
  const ids = furnish(tenant);
  for (
    const [id, path] of [
      ["../admin", "..%2Fadmin"],
      ["a/b", "a%2Fb"],
      ["a b", "a%20b"],
      ["a?b=c", "a%3Fb%3Dc"],
      ["a#b", "a%23b"],
      ["ü", "%C3%BC"],
    ] as const
  ) {
    await assert.rejects(client.networks.get(id), NotFoundError);
    assert.equal(tenant.exchanges.at(-1)?.path, `/api/v1/networks/${path}`);
    // In the query the parent's id is escaped as well.
    await assert.rejects(client.routes.create(id, { value: "10.1.0.0/16" }), NotFoundError);
    assert.deepEqual(tenant.exchanges.at(-1)?.query, { networkId: id });
    await assert.rejects(client.devices.get(id, ids.device), NotFoundError);
    assert.deepEqual(tenant.exchanges.at(-1)?.query, { userId: id });
  }
});

for (const id of ["", ".", ".."]) {
  Deno.test(`the id "${id}" is refused without a call by every method that takes one`, async () => {
    const { tenant, client } = tenantAndClient();
    const ids = furnish(tenant);
    await client.regions.listAll();
    const before = tenant.exchanges.length;
    const wrong = Object.fromEntries(Object.keys(ids).map((key) => [key, id]));
    for (const { operation, call } of CALLS.filter((one) => one.operation.includes("{id}"))) {
      await assert.rejects(call(client, { ...ids, ...wrong }), ValidationError, operation);
    }
    assert.equal(tenant.exchanges.length, before);
  });
}

Deno.test("an abort ends a call", async () => {
  const { tenant, client } = tenantAndClient();
  const stop = new AbortController();
  tenant.faults.push(() => {
    stop.abort(new Error("gone"));
    return new Promise((resolve) => setTimeout(() => resolve(new Response("")), 5));
  });
  await assert.rejects(client.networks.list({ signal: stop.signal }), /gone/);
});

Deno.test("a 429 that never ends is a rate limit error with a time", async () => {
  const clock = new LeapingClock(NOW);
  const { tenant, client } = tenantAndClient({ clock });
  await client.regions.listAll();
  tenant.faults.push(...Array.from({ length: 30 }, () => () => new Response(null, { status: 429 })));
  await assert.rejects(client.networks.list(), (error) => {
    assert.ok(error instanceof RateLimitError);
    assert.ok((error.retryAfterSeconds ?? 0) > 0);
    return true;
  });
});
