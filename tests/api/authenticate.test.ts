import assert from "node:assert/strict";
import { clientAddress, trustedProxies } from "../../src/api/authenticate.ts";
import { localIdentity } from "../../src/lib/caller.ts";

Deno.test("without trusted proxies nobody's X-Forwarded-For counts", () => {
  assert.equal(trustedProxies([]), null);
  assert.equal(clientAddress("198.51.100.1", "203.0.113.9", null), "198.51.100.1");
  assert.equal(clientAddress(null, "203.0.113.9", trustedProxies(["10.0.0.0/8"])), null);
});

Deno.test("the client is the nearest hop that is no trusted proxy, whatever the hops before it claim", () => {
  const trusted = trustedProxies(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
  const rows: [peer: string, header: string | null, expected: string][] = [
    ["10.0.0.1", null, "10.0.0.1"],
    ["10.0.0.1", "203.0.113.9", "203.0.113.9"],
    ["10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"],
    ["192.0.2.7", " 203.0.113.9 ,10.0.0.2 ", "203.0.113.9"],
    ["192.0.2.8", "203.0.113.9", "192.0.2.8"],
    // Spoofed: the client wrote the first hops itself.
    ["198.51.100.1", "127.0.0.1", "198.51.100.1"],
    ["10.0.0.1", "127.0.0.1, 203.0.113.9", "203.0.113.9"],
    ["10.0.0.1", "10.0.0.5, 203.0.113.9, 10.0.0.2", "203.0.113.9"],
    ["10.0.0.1", "junk, 203.0.113.9", "203.0.113.9"],
    ["10.0.0.1", "junk", "10.0.0.1"],
    ["10.0.0.1", "203.0.113.9, junk", "10.0.0.1"],
    ["10.0.0.1", "203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"],
    ["10.0.0.1", "", "10.0.0.1"],
    ["10.0.0.1", ",", "10.0.0.1"],
    // A client inside the trusted networks is still the farthest hop known.
    ["10.0.0.1", "10.9.9.9, 10.0.0.2", "10.9.9.9"],
    ["10.0.0.1", "203.0.113.9:54321", "203.0.113.9"],
    ["10.0.0.1", "[2001:db9::1]:443", "2001:db9::1"],
    ["10.0.0.1", "2001:db9::1", "2001:db9::1"],
    ["2001:db8::5", "203.0.113.9", "203.0.113.9"],
    ["2001:db9::5", "203.0.113.9", "2001:db9::5"],
    // A listener on :: sees IPv4 peers in this form.
    ["::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"],
    ["::ffff:198.51.100.1", "203.0.113.9", "::ffff:198.51.100.1"],
  ];
  for (const [peer, header, expected] of rows) {
    assert.equal(clientAddress(peer, header, trusted), expected, `${peer} with "${header}"`);
  }
});

Deno.test("the name claimed on the socket is a note: it cannot be another kind of caller, nor drive a terminal", () => {
  assert.equal(localIdentity("ada").name, "local:ada");
  for (const claimed of [null, "", "a b", "x\n", "ada\x1b[2J", "é", "a".repeat(65), "key:1"]) {
    assert.equal(localIdentity(claimed).name, "local:unknown");
  }
  assert.deepEqual(
    [localIdentity("ada").kind, localIdentity("ada").role, localIdentity("ada").on_host],
    ["local", "admin", true],
  );
});
