/** Answers about routers, for the tables; only what the tables read. */
const at = "2030-01-14T01:00:00.000Z";
const ssh = {
  name: "ssh",
  protocol: "tcp",
  external_port: 32_000,
  internal_port: 22,
  enabled: true,
  source: null,
  rule: 10_000,
};

/** By operation. */
export const NETWORK_ANSWERS: Readonly<Record<string, unknown>> = {
  "network.vms.list": [
    { router: "default", name: "vm-17", address: "10.20.0.100", mac: "52:54:00:aa:bb:17", ports: [ssh] },
    { router: "default", name: "vm-18", address: "10.20.0.101", mac: null, ports: [] },
  ],
  "network.ports.list": [ssh, {
    ...ssh,
    name: "tcp-8080",
    internal_port: 8080,
    external_port: 32_001,
    enabled: false,
  }],
  "network.pools.list": [{
    id: 1,
    router: "default",
    name: "lan",
    kind: "ip",
    ranges: ["10.20.0.100-10.20.0.199"],
    used: 2,
    free: 98,
    is_default: false,
    exhausted_at: at,
  }],
  "network.changes.list": [{
    id: 12,
    created_at: at,
    kind: "provision",
    subject: "vm-17",
    status: "saved",
    requested_by: "key:portal",
    router: "default",
  }],
  "network.drift": {
    drift: true,
    routers: [
      {
        router: "default",
        error: null,
        differences: [{
          kind: "disabled",
          machine: "vm-17",
          detail: "forward vm-17/ssh was disabled on the router",
        }],
      },
      { router: "branch", error: "no answer", differences: [] },
    ],
  },
};
