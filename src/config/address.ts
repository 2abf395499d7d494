/**
 * What a command has to know that only asks a daemon: where it is. Reading all settings of all slices would take such
 * a command a third of its time; the daemon, `config check` and everything that works without a daemon read them.
 */
import { z } from "zod";
import { ApiConfig, DataDir } from "./api.ts";
import { assemble, computePlaces, type Loaded } from "./assemble.ts";
import type { ConfigSources } from "./layers.ts";
import { type ConfigLeaf, leavesOf } from "./leaves.ts";
import { Names } from "./names.ts";
import type { Config } from "./schema.ts";

const Address = z.strictObject({ data_dir: DataDir, api: ApiConfig });
type Address = z.output<typeof Address>;

/** Settings that say where to find a daemon or a data directory; they may differ from the daemon's own. */
export const ADDRESSING: ReadonlySet<string> = new Set([
  "data_dir",
  "api.socket",
  "api.url",
  "api.key",
  "api.allow_plain_http",
]);

/** Every other section. */
const ELSEWHERE = {
  auth: true,
  servers: true,
  backups: true,
  schedules: true,
  monitor: true,
  veeam: true,
  network: true,
  notify: true,
  veeam_one: true,
  vpn: true,
  history: true,
  store: true,
  log: true,
  metrics: true,
  health: true,
} satisfies Record<Exclude<keyof Config, keyof Address>, true>;

/** The variables of earlier tools that set something there; tests/config/address.test.ts compares them. */
export const EARLIER_VARIABLES: ReadonlySet<string> = new Set([
  "ADMIN_EMAIL_RECIPIENT",
  "BACKUP_STORAGE_ROOT",
  "CLOUDCONNEXA_CLIENT_ID",
  "CLOUDCONNEXA_CLIENT_SECRET",
  "CLOUDCONNEXA_CLIENT_SECRET_FILE",
  "CLOUDCONNEXA_CLOUD_ID",
  "CLOUDCONNEXA_URL",
  "EMAIL_HOST",
  "EMAIL_PASSWORD",
  "EMAIL_PASSWORD_FILE",
  "EMAIL_PORT",
  "EMAIL_SENDER",
  "EMAIL_USERNAME",
  "MAX_STATUS_FILE_AGE_DAYS",
  "SCANNER_INTERVAL_MINUTES",
  "SCANNER_REPORT_COLLECTION_WINDOW_MINUTES",
  "SMTP_FROM",
  "SMTP_HOST",
  "SMTP_PASSWORD",
  "SMTP_PASSWORD_FILE",
  "SMTP_PORT",
  "SMTP_TO",
  "SMTP_USER",
  "SMTP_USERNAME",
  "VALIDATED_BACKUPS_BASE_PATH",
  "VEEAM_API_HOST",
  "VEEAM_API_PASSWORD",
  "VEEAM_API_PASSWORD_FILE",
  "VEEAM_API_PORT",
  "VEEAM_API_URL",
  "VEEAM_API_USER",
  "VEEAM_API_USERNAME",
  "VEEAM_CA_FILE",
  "VEEAM_FINGERPRINT",
  "VEEAM_HOST",
  "VEEAM_INSECURE",
  "VEEAM_ONE_CA_FILE",
  "VEEAM_ONE_FINGERPRINT",
  "VEEAM_ONE_HOST",
  "VEEAM_ONE_INSECURE",
  "VEEAM_ONE_PASSWORD",
  "VEEAM_ONE_PASSWORD_FILE",
  "VEEAM_ONE_USER",
  "VEEAM_ONE_USERNAME",
  "VEEAM_PASSWORD",
  "VEEAM_PASSWORD_FILE",
  "VEEAM_PORT",
  "VEEAM_REVISION",
  "VEEAM_TAPE_EXPORT",
  "VEEAM_USER",
  "VEEAM_USERNAME",
  "VYOS_API_KEY",
  "VYOS_API_KEY_FILE",
  "VYOS_CA_FILE",
  "VYOS_IP",
  "VYOS_PIN",
  "VYOS_URL",
  "VYOS_WAN_INTERFACE",
]);

let leaves: ConfigLeaf[] | undefined;

/** The settings of a daemon's address, and of the section they are in. */
export function addressLeaves(): readonly ConfigLeaf[] {
  return leaves ??= leavesOf(Address);
}

/**
 * Reads as much of the configuration as says where the daemon is. Undefined when there is more to say: a flag or a
 * variable with another setting, which has to be compared with the daemon's, a file of `--config`, or anything that
 * is wrong or dubious. Then the whole configuration counts, and tells it.
 */
export async function loadAddress(sources: ConfigSources): Promise<Loaded<Address> | undefined> {
  const names = new Names(addressLeaves(), Object.keys(ELSEWHERE));
  const { env, configFile } = sources;
  const isMore = ([name, value]: [string, string]) =>
    value !== "" && (EARLIER_VARIABLES.has(name) || names.isElsewhere(name));
  if (configFile !== undefined || Object.entries(env).some(isMore)) return undefined;
  const { config, layers, warnings, files } = await assemble(Address, names, sources, (values) => {
    computePlaces(values, sources);
  });
  if (config === undefined || warnings.length > 0) return undefined;
  const isCompared = [...layers].some(([key, { name }]) =>
    (name === "flag" || name === "environment") && !ADDRESSING.has(key)
  );
  return isCompared ? undefined : { config, layers, warnings, files };
}
