/** Where a daemon is, and how it is reached: all that a command has to know which only asks one. */
import { z } from "zod";
import { isLoopbackAddress } from "../lib/loopback.ts";
import { dataDirOf } from "./database_url.ts";
import { parseListen } from "./listen.ts";

/** The setting `data_dir`. */
export const DataDir = z.string().min(1).meta({
  description: "Directory of the database, keys and socket",
  path: true,
  example: "/var/lib/holdfast",
  aliases: [{ name: "DATABASE_URL", read: dataDirOf }],
  computed: "$STATE_DIRECTORY, else /var/lib/holdfast for root, else $XDG_STATE_HOME/holdfast",
});

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

function isNetwork(text: string): boolean {
  return [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()].some((type) => type.safeParse(text).success);
}

function isOrigin(text: string): boolean {
  return text === "*" || (URL.canParse(text) && new URL(text).origin === text);
}
