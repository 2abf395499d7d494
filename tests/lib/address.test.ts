import assert from "node:assert/strict";
import { addressGroup } from "../../src/lib/address.ts";

Deno.test("an IPv6 customer counts as one address, an IPv4 address as itself", () => {
  const rows: [string | null, string][] = [
    [null, "local"],
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::1", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002:aaaa::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["somewhere", "somewhere"],
  ];
  for (const [address, expected] of rows) assert.equal(addressGroup(address), expected, String(address));
});
