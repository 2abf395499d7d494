/** Answers of the operations on Veeam servers, as the fake server of one fixed morning gives them. */
import { FakeClock } from "../clock.ts";
import type { VeeamConfig } from "../../../src/veeam/config.ts";
import { processMemory } from "./memory.ts";
import { tapesOf } from "../../../src/veeam/tapes.ts";
import { Veeam } from "../../../src/veeam/veeam.ts";
import { FakeVeeam } from "./fake.ts";
import { never } from "./client.ts";

/** A service whose servers are these fakes, by name. */
export function serviceOf(
  fakes: Record<string, FakeVeeam>,
  settings: Partial<VeeamConfig> = {},
  options: Partial<ConstructorParameters<typeof Veeam>[0]> = {},
): Veeam {
  const [first] = Object.values(fakes);
  return new Veeam({
    settings: {
      servers: Object.fromEntries(Object.entries(fakes).map(([name, fake]) => [name, fake.settings])),
      sync_every_seconds: 300,
      history_days: 30,
      keep_days: 400,
      alerts: true,
      timeout_seconds: 20,
      page_size: 500,
      tape_export: null,
      ...settings,
    },
    clock: first!.clock,
    memory: processMemory(),
    note: () => {},
    mailer: () => Promise.resolve(),
    fetchOf: (name) => fakes[name]!.fetch,
    ...options,
  });
}

/** By the names of the operations. */
export async function veeamAnswers(): Promise<Record<string, unknown>> {
  const fake = new FakeVeeam({ clock: new FakeClock("2030-01-15T06:00:00Z"), jobs: 3, sessions: 6 });
  fake.addSession({
    job: 1,
    result: "Failed",
    message: "Processing db-01 failed: there is no space left on the disk",
  });
  const veeam = serviceOf({ "vbr-1": fake });
  const signal = never();
  const since = "24h";
  const [first] = await veeam.sessions({ since }, signal);
  return {
    "veeam.jobs.list": await veeam.jobs({}, signal),
    "veeam.jobs.get": await veeam.job({ job: "Daily VMs", since }, signal),
    "veeam.sessions.list": await veeam.sessions({ since }, signal),
    "veeam.sessions.get": await veeam.session({ session: first!.id }, signal),
    "veeam.repos.list": await veeam.repositories({}, signal),
    "veeam.backups.list": await veeam.backups({}, signal),
    "veeam.proxies.list": await veeam.proxies({}, signal),
    "veeam.servers.list": await veeam.managedServers({}, signal),
    "veeam.tapes.list": tapesOf({
      libraries: [{ Name: "Library 1", Type: "Automated", State: "Online" }],
      drives: { Name: "Drive 1", State: "Loaded", Library: "Library 1" },
      media: [{
        Name: "T00001L8",
        Barcode: "T00001L8",
        Capacity: 12_000_000_000_000,
        Free: 4_000_000_000_000,
      }],
    }, "2030-01-15T05:00:00.000Z"),
  };
}
