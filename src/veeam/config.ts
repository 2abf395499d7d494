/** Settings of the Veeam Backup & Replication servers that are watched: section `veeam`. */
import { z } from "zod";

/** One Veeam server. */
export const VeeamServerSettings = z.strictObject({
  host: z.string().min(1).nullable().default(null).meta({
    description: "Veeam server: host, host:port or address; plain http only to this host itself",
    aliases: ["VEEAM_HOST", "VEEAM_API_HOST", "VEEAM_API_URL"],
  }),
  port: z.int().min(1).max(65_535).nullable().default(null).meta({
    description: "Port of its REST API, where host names none; null is 9419",
    aliases: ["VEEAM_PORT", "VEEAM_API_PORT"],
  }),
  username: z.string().min(1).nullable().default(null).meta({
    description: "User name there; with multi-factor authentication a service account",
    aliases: ["VEEAM_USER", "VEEAM_USERNAME", "VEEAM_API_USER", "VEEAM_API_USERNAME"],
  }),
  password: z.string().min(1).nullable().default(null).meta({
    description: "Password there",
    secret: true,
    aliases: ["VEEAM_PASSWORD", "VEEAM_API_PASSWORD"],
  }),
  ca_file: z.string().min(1).nullable().default(null).meta({
    description: "Certificate authorities (PEM) to believe, instead of pinning the certificate at first use",
    path: true,
    aliases: ["VEEAM_CA_FILE"],
  }),
  fingerprint: z.string().regex(/^([0-9a-fA-F]{2}:?){32}$/, "must be a SHA-256 fingerprint in hex").nullable()
    .default(null).meta({
      description: "SHA-256 fingerprint of its certificate, instead of the one pinned at first use",
      aliases: ["VEEAM_FINGERPRINT"],
    }),
  insecure: z.boolean().default(false).meta({
    description: "Believe any certificate; whoever is in between sees the password",
    aliases: ["VEEAM_INSECURE"],
  }),
  revision: z.string().regex(/^\d+\.\d+-rev\d+$/, "must be a revision such as 1.3-rev1").nullable().default(
    null,
  ).meta({
    description: "Revision of the API to speak (x-api-version); null finds out and remembers",
    aliases: ["VEEAM_REVISION"],
  }),
});
export type VeeamServerSettings = z.output<typeof VeeamServerSettings>;

export const VeeamConfig = z.strictObject({
  servers: z.record(z.string(), VeeamServerSettings).default({}),
  sync_every_seconds: z.int().min(60).max(86_400).default(300).meta({
    description: "How often the daemon reads the state of each Veeam server",
  }),
  history_days: z.int().min(1).max(3650).default(30).meta({
    description: "How many days of sessions and restore points the first reading goes back",
  }),
  keep_days: z.int().min(1).max(3650).default(400).meta({
    description: "How long sessions, restore points and the fill of repositories are kept",
  }),
  alerts: z.boolean().default(true).meta({
    description: "Tell the channels of notify of jobs that failed, and of servers that cannot be read",
  }),
  timeout_seconds: z.number().min(1).max(3600).default(120).meta({
    description: "How long one answer of a Veeam server may take",
  }),
  page_size: z.int().min(1).max(5000).default(500).meta({
    description: "Rows asked for at a time",
  }),
  tape_export: z.string().min(1).nullable().default(null).meta({
    description: "Tape libraries, drives and media as JSON, written by the script of veeam tapes script",
    path: true,
    aliases: ["VEEAM_TAPE_EXPORT"],
  }),
}).superRefine((veeam, context) => {
  for (const [name, { host, fingerprint, ca_file, insecure }] of Object.entries(veeam.servers)) {
    const refuse = (field: string, message: string) =>
      context.addIssue({ code: "custom", path: ["servers", name, field], message });
    if (host === null) refuse("host", "must be set: host, host:port or address");
    else if (!/^\s*(https?:\/\/)?(\[[0-9a-fA-F:.]+\]|[^\s/:@[\]]+)(:\d{1,5})?(\/\S*)?\s*$/i.test(host)) {
      refuse("host", "must be a host, host:port, or an http or https address without user name");
    } else if (
      /^\s*http:/i.test(host) && !/^\s*http:\/\/(localhost|127(\.\d+){3}|\[::1\])([:/]|\s*$)/i.test(host)
    ) {
      refuse("host", "must not be plain http: the password would be readable on the way; use https");
    }
    const ways = [fingerprint !== null, ca_file !== null, insecure].filter(Boolean).length;
    if (ways > 1) refuse("fingerprint", "only one of fingerprint, ca_file and insecure can be set");
  }
});
export type VeeamConfig = z.output<typeof VeeamConfig>;
