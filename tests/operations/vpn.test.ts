import { FakeCloudConnexa } from "../support/cloudconnexa.ts";
import { furnish } from "../vpn/fixture.ts";
import { testRows } from "./matrix.ts";
import { vpnRows } from "./rows/vpn.ts";

const tenant = new FakeCloudConnexa();
furnish(tenant);
tenant.store.where("user-groups", "name", "engineers")[0]!.maxDevice = 100;
const server = tenant.serve();
// The test ends with the file; so does what it asks.
globalThis.addEventListener("unload", () => void server[Symbol.asyncDispose]());

testRows("tenants", vpnRows, {
  CLOUDCONNEXA_URL: server.url,
  CLOUDCONNEXA_CLIENT_ID: tenant.door.clientId,
  CLOUDCONNEXA_CLIENT_SECRET: tenant.door.clientSecret,
  "api.rate_per_minute": "1000000",
  "api.rate_burst": "1000000",
});
