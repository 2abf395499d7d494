/** Exports a tenant into a directory and prints the most memory that took, in bytes. Arguments: address, id, secret, directory. */
import { localIdentity } from "../../src/lib/caller.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { VpnConfig } from "../../src/vpn/config.ts";
import { Vpn } from "../../src/vpn/mod.ts";

const [url, client_id, client_secret, to] = Deno.args;
const vpn = new Vpn({ settings: VpnConfig.parse({ url, client_id, client_secret }), clock: systemClock });
await vpn.keeper.export({ to, secrets: false }, {
  ...localIdentity("bench"),
  request_id: "bench",
  operation: "vpn.export",
  signal: new AbortController().signal,
  trail: { lines: 0 },
});
await vpn.close();
const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await Deno.readTextFile("/proc/self/status")) ?? [];
console.log(Number(kibibytes) * 1024);
