/** The one schema of the configuration: the sections of the slices, and those that no slice owns. */
import { z } from "zod";
import { AuthConfig } from "../auth/config.ts";
import { BackupsConfig } from "../backups/config.ts";
import { MonitorConfig } from "../monitor/config.ts";
import { NetworkConfig } from "../network/config.ts";
import { NotifyConfig } from "../notify/config.ts";
import { SchedulesConfig } from "../schedules/config.ts";
import { ServersConfig } from "../servers/config.ts";
import { VeeamOneConfig } from "../veeam-one/config.ts";
import { VpnConfig } from "../vpn/config.ts";
import { VeeamConfig } from "../veeam/config.ts";
import { ApiConfig, DataDir } from "./api.ts";
import { type ConfigLeaf, leavesOf, sectionsOf } from "./leaves.ts";
import { HealthConfig, HistoryConfig, LogConfig, MetricsConfig, StoreConfig } from "./sections.ts";

/** Everything that can be set. `loadConfig()` fills in what is computed; all else has a default here. */
export const Config = z.strictObject({
  data_dir: DataDir,
  api: ApiConfig.meta({ description: "How the daemon is reached" }),
  auth: AuthConfig.prefault({}).meta({ description: "Logins" }),
  servers: ServersConfig.prefault({}).meta({ description: "The registry of what is backed up" }),
  backups: BackupsConfig.meta({ description: "What backups may touch" }),
  schedules: SchedulesConfig.prefault({}).meta({ description: "When backups run, and how many at once" }),
  monitor: MonitorConfig.prefault({}).meta({ description: "What is expected to arrive" }),
  veeam: VeeamConfig.prefault({}).meta({ description: "Veeam Backup & Replication servers" }),
  network: NetworkConfig.prefault({}).meta({ description: "VyOS routers, and machines behind them" }),
  notify: NotifyConfig.prefault({}).meta({ description: "Who is told what, when and how" }),
  veeam_one: VeeamOneConfig.prefault({}).meta({ description: "Veeam ONE servers" }),
  vpn: VpnConfig.prefault({}).meta({ description: "CloudConnexa tenants, and the API keys to reach them" }),
  history: HistoryConfig.prefault({}).meta({ description: "What is remembered, and how long" }),
  store: StoreConfig.prefault({}).meta({ description: "Holdfast's own database" }),
  log: LogConfig.prefault({}).meta({ description: "What the daemon logs" }),
  metrics: MetricsConfig.prefault({}).meta({ description: "Numbers for Prometheus" }),
  health: HealthConfig.prefault({}).meta({ description: "When the daemon calls itself healthy" }),
});

export type Config = z.output<typeof Config>;

let leaves: ConfigLeaf[] | undefined;

/** Every setting of {@linkcode Config}. */
export function configLeaves(): readonly ConfigLeaf[] {
  return leaves ??= leavesOf(Config);
}

/** What each section is about, by its key. */
export function configSections(): ReadonlyMap<string, string> {
  return sectionsOf(Config);
}

export type { Alias, ConfigLeaf, LeafType } from "./leaves.ts";
