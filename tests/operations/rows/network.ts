/** Rows about routers, on a fake one that serves every call; the earlier API's at the end. */
import type { World } from "../../support/world.ts";
import type { Row, Rows } from "../row.ts";

const nothing = () => ({});
const operator = (input: Row["input"] = nothing): Row => ({ role: "operator", limited: "free", input });
const admin = (input: Row["input"] = nothing): Row => ({ role: "admin", limited: "never", input });

/** A machine of its own, with a forward for ssh. */
async function vm(w: World, ports = ["ssh"]): Promise<string> {
  await pools(w);
  const name = w.fresh("vm");
  await w.local("POST", "/api/v1/network/vms", { name, ports });
  return name;
}

/** The pools that machines are drawn from. */
async function pools(w: World): Promise<void> {
  const known = await w.local("GET", "/api/v1/network/pools");
  if (known.some((pool: { name: string }) => pool.name === "lan")) return;
  await w.local("POST", "/api/v1/network/pools/ip", {
    name: "lan",
    cidr: "10.20.0.0/24",
    ranges: ["10.20.0.100-10.20.0.250"],
    is_default: true,
  });
  const wan = { name: "wan", ranges: ["32000-33000"], interface: "eth0", is_default: true };
  await w.local("POST", "/api/v1/network/pools/ports", wan);
}

let nets = 0;

/** A pool that nobody draws from. */
async function spare(w: World, kind: "ip" | "ports"): Promise<string> {
  const name = w.fresh("pool");
  const n = ++nets;
  await w.local("POST", `/api/v1/network/pools/${kind}`, {
    name,
    ...(kind === "ip" ? { cidr: `10.77.${n}.0/24` } : { ranges: [`${40_000 + n}`], interface: "eth7" }),
  });
  return name;
}

const ipFields = (w: World) => ({
  name: w.fresh("pool"),
  base_ip: `10.78.${++nets}.`,
  start_octet: 10,
  end_octet: 20,
});
const portFields = (w: World) => {
  const port = 41_000 + ++nets;
  return { name: w.fresh("pool"), start_port: port, end_port: port };
};
const change = async (w: World) => {
  await vm(w);
  const [newest] = await w.local("GET", "/api/v1/network/changes");
  return { change: newest.id };
};
const ports = (...more: string[]) => async (w: World) => ({
  vm: await vm(w, ["ssh", ...more]),
  ports: ["ssh"],
});
const version = async (w: World) => ({
  version: (await w.local("POST", "/api/v1/network/config/versions")).id,
});
const key = async (w: World) => ({
  key: String((await w.local("POST", "/api/v1/api-keys", { name: w.fresh("k") })).id),
});

export const networkRows: Rows = {
  "network.status": operator(),
  "network.leases": operator(),
  "network.statistics": operator(),
  "network.save": operator(),
  "network.drift": operator(),
  "network.repair": operator(),
  "network.adopt": operator(() => ({ rule: 200, vm: "mail", port: "smtp", dry_run: true })),
  "network.changes.list": operator(),
  "network.changes.get": { ...operator(change), missing: false },
  "network.rollback": { ...operator(change), missing: false },
  "network.config.history": operator(),
  "network.config.keep": operator(),
  "network.config.diff": operator(async (w) => {
    await version(w);
    return {};
  }),
  "network.config.restore": admin(version),
  "network.pools.list": operator(),
  "network.pools.get": operator(async (w) => ({ pool: await spare(w, "ip") })),
  "network.pools.create-ip": admin((w) => ({ name: w.fresh("pool"), cidr: `10.79.${++nets}.0/24` })),
  "network.pools.create-ports": admin((w) => ({ name: w.fresh("pool"), ranges: [String(42_000 + ++nets)] })),
  "network.pools.update": admin(async (w) => ({ pool: await spare(w, "ports"), is_active: false })),
  "network.pools.delete": admin(async (w) => ({ pool: await spare(w, "ip") })),
  "network.vms.list": operator(),
  "network.vms.get": operator(async (w) => ({ vm: await vm(w) })),
  "network.vms.provision": operator(async (w) => {
    await pools(w);
    return { name: w.fresh("vm"), ports: ["ssh"] };
  }),
  "network.vms.provision-many": operator(async (w) => {
    await pools(w);
    return { vms: [{ name: w.fresh("vm") }, { name: w.fresh("vm"), ports: ["https"] }] };
  }),
  "network.vms.update": operator(async (w) => ({ vm: await vm(w), mac: `52:54:00:00:${hex()}:${hex()}` })),
  "network.vms.decommission": operator(async (w) => ({ vm: await vm(w) })),
  "network.ports.list": operator(async (w) => ({ vm: await vm(w) })),
  "network.ports.create": operator(async (w) => ({ vm: await vm(w), ports: ["https"] })),
  "network.ports.enable": operator(ports()),
  "network.ports.disable": operator(ports()),
  "network.ports.pause": operator(ports("https")),
  "network.ports.remove": operator(ports("https")),
  "network.earlier.provision": operator(async (w) => {
    await pools(w);
    return { vm_name: w.fresh("vm") };
  }),
  "network.earlier.template": operator(async (w) => ({
    machine_id: await vm(w),
    action: "pause",
    ports: ["ssh"],
  })),
  "network.earlier.port": operator(async (w) => ({
    machine_id: await vm(w),
    port_name: "ssh",
    action: "disable",
  })),
  "network.earlier.decommission": operator(async (w) => ({ machine_id: await vm(w) })),
  "network.earlier.status": operator(),
  "network.earlier.vm": operator(async (w) => ({ machine_id: await vm(w) })),
  "network.earlier.ip-pools.list": admin(),
  "network.earlier.ip-pools.get": admin(async (w) => ({ name: await spare(w, "ip") })),
  "network.earlier.ip-pools.create": admin(ipFields),
  "network.earlier.ip-pools.update": admin(async (w) => ({ ...ipFields(w), name: await spare(w, "ip") })),
  "network.earlier.ip-pools.delete": admin(async (w) => ({ name: await spare(w, "ip") })),
  "network.earlier.port-pools.list": admin(),
  "network.earlier.port-pools.get": admin(async (w) => ({ name: await spare(w, "ports") })),
  "network.earlier.port-pools.create": admin(portFields),
  "network.earlier.port-pools.update": admin(async (w) => ({
    ...portFields(w),
    name: await spare(w, "ports"),
  })),
  "network.earlier.port-pools.delete": admin(async (w) => ({ name: await spare(w, "ports") })),
  "network.earlier.api-keys.list": admin(),
  "network.earlier.api-keys.get": admin(key),
  "network.earlier.api-keys.create": admin((w) => ({ description: w.fresh("agent"), expires_in_days: 30 })),
  "network.earlier.api-keys.update": admin(key),
  "network.earlier.api-keys.delete": admin(key),
  "network.earlier.sync": admin(),
};

/** Two digits that were not used before. */
function hex(): string {
  return (++nets % 256).toString(16).padStart(2, "0");
}
