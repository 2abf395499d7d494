/** Machines and routers that tests start from. */
import type { IpPool, MachineWish, PortPool, PortWish } from "../../src/network/draft.ts";
import { type Drafting, draftMachine } from "../../src/network/draft.ts";
import { type Claim, claimsOf, type Machine } from "../../src/network/machine.ts";
import { type Abilities, profileOf, type Release } from "../../src/network/release.ts";
import { Taken } from "../../src/network/taken.ts";
import type { Tree } from "../../src/network/tree.ts";

export const NOW = "2026-03-01T12:00:00.000Z";
export const MAC = "52:54:00:aa:bb:17";

export const SSH: PortWish = {
  name: "ssh",
  protocol: "tcp",
  internal_port: 22,
  external_port: null,
  source: null,
  description: null,
  enabled: true,
};

export const LAN: IpPool = {
  name: "lan",
  cidr: "10.20.0.0/24",
  ranges: ["10.20.0.100-10.20.0.199"],
  exclusions: [],
  shared_network: "LAB",
  interface: "eth1",
  manage_subnet: false,
};

export const WAN: PortPool = { name: "wan", ranges: ["32000-33000"], interface: "eth0" };

export function wish(changes: Partial<MachineWish> = {}): MachineWish {
  return {
    name: "vm-17",
    mac: MAC,
    address: null,
    host_name: null,
    hairpin: false,
    ports: [SSH],
    ...changes,
  };
}

/** A router somebody set up: a subnet with a range, a forward and a reservation made by hand. */
export function handmade(release: Release): Tree {
  const kea = release === "1.5" || release === "rolling";
  const on = release === "1.3" ? "eth0" : { name: "eth0" };
  return {
    interfaces: { ethernet: { eth0: { address: "192.0.2.1/24" }, eth1: { address: "10.20.0.1/24" } } },
    nat: {
      destination: {
        rule: {
          "100": {
            description: "mail by hand",
            destination: { port: "25,465" },
            "inbound-interface": on,
            protocol: "tcp",
            translation: { address: "10.20.0.5" },
          },
        },
      },
    },
    service: {
      "dhcp-server": {
        "shared-network-name": {
          LAB: {
            subnet: {
              "10.20.0.0/24": {
                ...(kea ? { "subnet-id": "1", option: { "default-router": "10.20.0.1" } } : {
                  "default-router": "10.20.0.1",
                }),
                range: { dynamic: { start: "10.20.0.10", stop: "10.20.0.50" } },
                "static-mapping": {
                  printer: {
                    "ip-address": "10.20.0.6",
                    [kea ? "mac" : "mac-address"]: "52:54:00:00:00:06",
                  },
                },
              },
            },
          },
        },
      },
    },
    ...(release === "rolling"
      ? {
        system: {
          "config-management": { "commit-confirm": { action: "reload" }, "commit-revisions": "100" },
        },
      }
      : {}),
  };
}

export function claimMap(machines: readonly Machine[]): Map<string, string> {
  return new Map(
    machines.flatMap((machine) => claimsOf(machine).map((claim: Claim) => [claim, machine.name])),
  );
}

export function drafting(
  release: Release,
  live: Tree,
  machines: readonly Machine[] = [],
  changes: Partial<Drafting> = {},
  can?: Abilities,
): Drafting {
  return {
    router: "default",
    profile: profileOf(release, can),
    live,
    taken: new Taken(claimMap(machines), live),
    ipPool: LAN,
    portPool: WAN,
    rules: [10_000, 19_999],
    externalAddress: "192.0.2.1",
    wanInterface: null,
    now: NOW,
    ...changes,
  };
}

export function machine(
  release: Release,
  changes: Partial<MachineWish> = {},
  live = handmade(release),
): Machine {
  return draftMachine(wish(changes), drafting(release, live));
}
