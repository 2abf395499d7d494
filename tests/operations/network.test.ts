import { handmade } from "../network/samples.ts";
import { FakeVyos } from "../support/vyos.ts";
import { serveVyos } from "../support/vyos_server.ts";
import { testRows } from "./matrix.ts";
import { networkRows } from "./rows/network.ts";

const router = new FakeVyos({ config: handmade("rolling"), background: false });
router.edit(
  "set nat destination rule 200 protocol tcp",
  "set nat destination rule 200 destination port 2525",
  "set nat destination rule 200 translation address 10.20.0.77",
);
router.leases =
  "IP Address    MAC address\n------------  -----------------\n10.20.0.11    52:54:00:00:00:11\n";
const server = serveVyos(router);
globalThis.addEventListener("unload", () => void server[Symbol.asyncDispose]());

testRows("routers", networkRows, {
  VYOS_URL: server.url,
  VYOS_API_KEY: router.key,
  "api.rate_per_minute": "1000000",
  "api.rate_burst": "1000000",
});
