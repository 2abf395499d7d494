/** The sections no slice owns: how Holdfast is reached, what it remembers, what it says about itself. */
import { z } from "zod";
import { isLoopbackAddress } from "../lib/loopback.ts";
import { parseListen } from "./listen.ts";

const Days = z.int().min(0).max(36_500);

/** Section `api`: the listeners of the daemon, and where the command line finds one. */
export const ApiConfig = z.strictObject({
  listen: z.string().refine(
    (text) => parseListen(text) !== undefined,
    "must be an address and a port, such as 127.0.0.1:8420 or [::1]:8420",
  ).default("127.0.0.1:8420").meta({ description: "Address and port the daemon listens on" }),
  socket: z.string().min(1).meta({
    description: "Unix socket of the daemon, which the command line on this host talks to",
    path: true,
    example: "/var/lib/holdfast/holdfast.sock",
    computed: "<data_dir>/holdfast.sock",
  }),
  url: z.url({ protocol: /^https?$/, error: "must be an http or https address" }).nullable().default(null)
    .meta({
      description: "Daemon the command line talks to instead of the one on this host",
    }),
  key: z.string().min(1).nullable().default(null).meta({
    description: "API key for api.url",
    secret: true,
  }),
  tls: z.strictObject({
    cert_file: z.string().min(1).nullable().default(null).meta({
      description: "Certificate chain (PEM) for HTTPS; read again when it changes",
      path: true,
    }),
    key_file: z.string().min(1).nullable().default(null).meta({
      description: "Private key (PEM) of the certificate",
      path: true,
    }),
  }).prefault({}).meta({ description: "HTTPS of the daemon" }),
  allow_plain_http: z.boolean().default(false).meta({
    description: "Listen on other than loopback addresses without TLS, as behind a proxy that adds it",
  }),
  trusted_proxies: z.array(z.string().refine(isNetwork, "must be an address or network such as 10.0.0.0/8"))
    .default([]).meta({
      description: "Addresses or networks of proxies whose X-Forwarded-For header counts",
    }),
  cors_origins: z.array(z.string().refine(isOrigin, "must be an origin such as https://ui.example.org, or *"))
    .default([]).meta({
      description: "Origins whose web pages may call the API",
      aliases: ["CORS_ORIGINS"],
    }),
  max_body_bytes: z.int().min(1024).max(1_073_741_824).default(1_048_576).meta({
    description: "Largest request body accepted",
  }),
  rate_per_minute: z.int().min(1).max(1_000_000).default(1200).meta({
    description: "Requests a minute per caller; beyond it the answer is 429",
  }),
  rate_burst: z.int().min(1).max(1_000_000).default(200).meta({
    description: "Requests a caller may send at once before the rate counts",
  }),
}).superRefine((api, context) => {
  const { cert_file, key_file } = api.tls;
  if ((cert_file === null) !== (key_file === null)) {
    const missing = cert_file === null ? "cert_file" : "key_file";
    const given = cert_file === null ? "key_file" : "cert_file";
    context.addIssue({
      code: "custom",
      path: ["tls", given],
      message: `needs api.tls.${missing} too`,
    });
  }
  const address = parseListen(api.listen);
  if (
    address !== undefined && !isLoopbackAddress(address.hostname) && cert_file === null &&
    !api.allow_plain_http
  ) {
    context.addIssue({
      code: "custom",
      path: ["listen"],
      message:
        `"${api.listen}" is reachable from other hosts: set api.tls.cert_file and api.tls.key_file, or api.allow_plain_http`,
    });
  }
});

/** Section `history`: how long what is kept of the past stays. */
export const HistoryConfig = z.strictObject({
  keep_days: z.strictObject({
    runs: Days.default(730).meta({ description: "Runs of schedules" }),
    run_lines: Days.default(90).meta({ description: "Log lines of runs" }),
    ledger: Days.default(1095).meta({
      description: "Outcomes of due instants; pruned days leave a summary that can still be verified",
    }),
    audit: Days.default(1095).meta({ description: "Audit lines" }),
    notifications: Days.default(90).meta({ description: "Messages that were sent, and alerts that ended" }),
    entries: Days.default(1095).meta({ description: "Entries and findings of expected backups" }),
    pings: Days.default(30).meta({ description: "Pings, with what they sent" }),
    deleted_backups: Days.default(365).meta({
      description: "Catalogue entries of backups that were deleted",
    }),
  }).prefault({}).meta({ description: "Days that records are kept, by kind; 0 keeps them for ever" }),
});

/** Section `store`: copies of Holdfast's own database. */
export const StoreConfig = z.strictObject({
  backup_every_seconds: z.int().min(0).max(31_536_000).default(86_400).meta({
    description: "How often Holdfast backs up its own database into the data directory; 0 never does",
  }),
  backup_keep: z.int().min(1).max(1000).default(7).meta({
    description: "Copies of its own database that are kept",
  }),
});

/** Section `log`: the lines of the daemon; commands log nothing. */
export const LogConfig = z.strictObject({
  level: z.enum(["debug", "info", "warning", "error"]).default("info").meta({
    description: "Least important lines that are logged",
  }),
  format: z.enum(["json", "text"]).default("json").meta({
    description: "Form of the daemon's log lines",
  }),
  file: z.string().min(1).nullable().default(null).meta({
    description: "File to append log lines to, instead of standard error",
    path: true,
  }),
});

/** Section `metrics`: what Prometheus may read. */
export const MetricsConfig = z.strictObject({
  public: z.boolean().default(false).meta({
    description: "Serve /metrics without a login or key",
  }),
});

/** Section `health`: where "ok" ends. */
export const HealthConfig = z.strictObject({
  min_free_bytes: z.int().min(0).default(536_870_912).meta({
    description: "Free space below which the file system of the data directory makes health degraded",
  }),
});

function isNetwork(text: string): boolean {
  return [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()].some((type) => type.safeParse(text).success);
}

function isOrigin(text: string): boolean {
  return text === "*" || (URL.canParse(text) && new URL(text).origin === text);
}
