/** A service on a real database, with a fake router behind it. */
import type { NetworkConfig } from "../../src/network/config.ts";
import { Network } from "../../src/network/mod.ts";
import type { AlertEvent } from "../../src/notify/mod.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { Database, migrate } from "../../src/store/mod.ts";
import { caller } from "../support/store.ts";
import { type FakeOptions, FakeVyos } from "../support/vyos.ts";
import { handmade } from "./samples.ts";
import { PortSpec } from "../../src/network/model.ts";

/** A clock in which waiting takes no time, but passes it. */
export class QuickClock implements Clock {
  time = Date.parse("2026-03-01T12:00:00Z");
  now(): number {
    return this.time;
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    this.time += ms;
    return Promise.resolve();
  }
}

export interface Rig extends AsyncDisposable {
  router: FakeVyos;
  network: Network;
  database: Database;
  clock: QuickClock;
  alerts: AlertEvent[];
  admin: ReturnType<typeof caller>;
  /** The service of the next process on the same database. */
  restart(): Network;
}

export const SETTINGS: NetworkConfig["routers"][string] = {
  url: "http://127.0.0.1:8080",
  api_key: "key-of-the-router",
  ca_file: null,
  pin: null,
  release: "auto",
  wan_interface: null,
  wan_address: "192.0.2.1",
  nat_rules: "10000-19999",
  timeout_seconds: 60,
  confirm_minutes: 5,
  allow_reboot: false,
  repair: false,
};

export async function rig(
  options: FakeOptions = {},
  settings: Partial<typeof SETTINGS> = {},
  pools = true,
): Promise<Rig> {
  const clock = new QuickClock();
  const database = new Database(":memory:", clock);
  await migrate(database, Deno.cwd(), clock);
  const release = options.release ?? "rolling";
  const router = new FakeVyos({ config: handmade(release), ...options });
  const alerts: AlertEvent[] = [];
  const make = () =>
    new Network({
      database,
      clock,
      settings: { routers: { edge: { ...SETTINGS, ...settings } }, keep_versions: 5, check_minutes: 15 },
      alerts: {
        enqueue: (_, event) => Promise.resolve(void alerts.push(event)),
      },
      fetch: router.fetch,
    });
  const networks = [make()];
  const network = networks[0]!;
  const admin = caller();
  if (pools) {
    const state = { is_default: false, is_active: true };
    await network.pools.createIp(
      {
        name: "lan",
        cidr: "10.20.0.0/24",
        ranges: ["10.20.0.100-10.20.0.219"],
        exclusions: [],
        shared_network: "LAB",
        interface: "eth1",
        manage_subnet: false,
        ...state,
      },
      undefined,
      admin,
    );
    const wan = { name: "wan", ranges: ["32000-33000"], interface: "eth0", ...state };
    await network.pools.createPorts(wan, undefined, admin);
  }
  return {
    router,
    network,
    database,
    clock,
    alerts,
    admin,
    restart() {
      const next = make();
      networks.push(next);
      return next;
    },
    async [Symbol.asyncDispose]() {
      for (const one of networks) await one.stop();
      await database.close();
    },
  };
}

/** A request for a machine with forwards in their short forms. */
export function request(name: string, ports: string[] = ["ssh"], mac: string = macOf(name)) {
  return {
    name,
    ports: ports.map((port) => PortSpec.parse(port)),
    hairpin: false,
    ...(mac === "" ? {} : { mac }),
  };
}

/** A MAC address that follows from a name. */
export function macOf(name: string): string {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + letter.charCodeAt(0)) % 0xffffff;
  return `52:54:00:${
    [16, 8, 0].map((shift) => (sum >> shift & 255).toString(16).padStart(2, "0")).join(":")
  }`;
}

/** What a call is refused with. */
export async function refusal(
  work: Promise<unknown>,
): Promise<{ kind: string; code: string; message: string }> {
  return await work.then((value) => {
    throw new Error(`it worked: ${Deno.inspect(value)}`);
  }, (error) => error);
}
