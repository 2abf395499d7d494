import assert from "node:assert/strict";
import { Upstream, type UpstreamRequest } from "../../src/lib/upstream.ts";

/** The request that a call makes. */
async function sent(call: Partial<UpstreamRequest>, baseUrl = "https://example.org/base"): Promise<Request> {
  const requests: Request[] = [];
  await using upstream = new Upstream({
    name: "example",
    baseUrl,
    headers: { "user-agent": "holdfast", Accept: "*/*" },
    fetch: (url, init) => {
      requests.push(new Request(url, init));
      return new Response("{}");
    },
  });
  await upstream.request({ method: "GET", path: "/x", ...call });
  return requests[0]!;
}

Deno.test("whatever a path holds, the call goes to the host of the base address", async () => {
  for (
    const [path, url] of [
      ["/x", "https://example.org/base/x"],
      ["x:y", "https://example.org/base/x:y"],
      ["//evil.example/x", "https://example.org/base/evil.example/x"],
      ["https://evil.example/x", "https://example.org/base/https://evil.example/x"],
      ["@evil.example", "https://example.org/base/@evil.example"],
      ["\\\\evil.example/x", "https://example.org/base///evil.example/x"],
    ] as const
  ) {
    assert.equal((await sent({ path })).url, url);
  }
});

Deno.test("a query is escaped, may follow one in the path, and the base address has none", async () => {
  const query = { name: "a&b=ü ?#", ids: ["1", "2"], none: undefined, page: 0, all: true };
  const { url } = await sent({ path: "/x?a=1", query }, "https://example.org?lost=1");
  assert.deepEqual([...new URL(url).searchParams], [
    ["a", "1"],
    ["name", "a&b=ü ?#"],
    ["ids", "1"],
    ["ids", "2"],
    ["page", "0"],
    ["all", "true"],
  ]);
  assert.equal(new URL(url).pathname, "/x");
});

Deno.test("a call's headers count over those of every call, and over what its body is", async () => {
  const { headers } = await sent({ method: "POST", json: {}, headers: { accept: "text/csv" } });
  assert.deepEqual(Object.fromEntries(headers), {
    accept: "text/csv",
    "content-type": "application/json",
    "user-agent": "holdfast",
  });
  const own = await sent({ method: "POST", text: "<x/>", headers: { "Content-Type": "application/xml" } });
  assert.equal(own.headers.get("content-type"), "application/xml");
});
