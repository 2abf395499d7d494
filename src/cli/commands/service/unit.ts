/** The text of the systemd unit: as little of the host as the daemon needs, and why. */
import { commandWord, pathWord, programWord } from "./escape.ts";
import type { Grants } from "./grants.ts";

/** What the text depends on. */
export interface UnitOptions {
  /** The program. */
  binary: string;
  /** Flags after `serve`. */
  flags: readonly string[];
  /** System user the daemon runs for. */
  user: string;
  grants: Grants;
  /** `schedules.shutdown_grace_seconds`. */
  graceSeconds: number;
  /** True when the listener's port is below 1024. */
  lowPort: boolean;
  /** Secrets systemd hands over: setting -> file that only root can read. */
  credentials: Readonly<Record<string, string>>;
}

/** Seconds without a sign of life after which systemd restarts the daemon. */
const WATCHDOG_SECONDS = 60;
/** Seconds beyond the grace of runs in which cancelled runs tidy up. */
const TIDY_SECONDS = 30;

/** The unit. Errors: `invalid` for a path with control characters. */
export function unitText(options: UnitOptions): string {
  return [
    "# Made by: holdfast service install. Run it again with other flags to change it; local changes belong in",
    "# /etc/systemd/system/holdfast.service.d/*.conf (systemctl edit holdfast), which it leaves alone.",
    "[Unit]",
    "Description=Holdfast: schedules, verifies, restores and proves backups",
    "Wants=network-online.target",
    "After=network-online.target local-fs.target remote-fs.target time-sync.target",
    "",
    "[Service]",
    ...process(options),
    "",
    "StateDirectory=holdfast",
    "StateDirectoryMode=0700",
    "ConfigurationDirectory=holdfast",
    "ConfigurationDirectoryMode=0755",
    "RuntimeDirectory=holdfast",
    "RuntimeDirectoryMode=0700",
    "",
    ...credentials(options.credentials),
    "",
    ...reach(options),
    "",
    ...sandbox(options),
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
}

function process({ binary, flags, user, graceSeconds }: UnitOptions): string[] {
  return [
    "Type=notify",
    "NotifyAccess=main",
    `ExecStart=${[programWord(binary), "serve", ...flags.map(commandWord)].join(" ")}`,
    "# A fixed user: files that backups leave outside the data directory keep an owner that stays theirs,",
    "# which the changing number of DynamicUser= would not be.",
    `User=${user}`,
    `Group=${user}`,
    "UMask=0077",
    "Restart=on-failure",
    "RestartSec=5",
    `WatchdogSec=${WATCHDOG_SECONDS}`,
    "# Migrations copy the database first, which takes a while on a large one.",
    "TimeoutStartSec=600",
    "# schedules.shutdown_grace_seconds, and time to tidy up; until then only the daemon itself is asked to stop,",
    "# so that the commands of runs may finish.",
    `TimeoutStopSec=${graceSeconds + TIDY_SECONDS}`,
    "KillMode=mixed",
    "LimitNOFILE=65536",
  ];
}

function credentials(given: Readonly<Record<string, string>>): string[] {
  const entries = Object.entries(given);
  return [
    "# Secrets: a file called as its setting, readable by root alone, such as",
    "# LoadCredential=api.key:/etc/holdfast/credentials/api.key (holdfast service install --credential api.key=FILE)",
    ...entries.map(([setting, file]) => `LoadCredential=${setting}:${file.replaceAll("%", "%%")}`),
  ];
}

function reach({ grants, lowPort }: UnitOptions): string[] {
  const capabilities = [...grants.capabilities, ...(lowPort ? ["CAP_NET_BIND_SERVICE"] : [])];
  return [
    "# What is backed up and restored: --source and --write of holdfast service install. A missing path must not",
    "# keep the daemon from starting, hence the hyphens.",
    "ProtectSystem=strict",
    `ProtectHome=${grants.protectHome}`,
    "PrivateTmp=yes",
    ...list("ReadOnlyPaths", grants.readOnly),
    ...list("ReadWritePaths", grants.readWrite),
    ...list("BindReadOnlyPaths", grants.bindReadOnly),
    ...list("BindPaths", grants.bind),
    `CapabilityBoundingSet=${capabilities.join(" ")}`,
    `AmbientCapabilities=${capabilities.join(" ")}`,
  ];
}

function list(setting: string, paths: readonly string[]): string[] {
  return paths.map((path) => `${setting}=${pathWord(`-${path}`)}`);
}

function sandbox({ grants }: UnitOptions): string[] {
  const owners = grants.capabilities.includes("CAP_CHOWN");
  return [
    "NoNewPrivileges=yes",
    "PrivateDevices=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "LockPersonality=yes",
    "RemoveIPC=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    ...(owners ? ["# Restored files may carry these bits."] : []),
    `RestrictSUIDSGID=${owners ? "no" : "yes"}`,
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged",
    "# Restores give files their group, and their owner where the capability allows it.",
    "SystemCallFilter=@chown",
    "SystemCallErrorNumber=EPERM",
    "# V8 compiles JavaScript into memory that it then runs.",
    "MemoryDenyWriteExecute=no",
  ];
}
