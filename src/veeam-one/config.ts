/** Settings of the Veeam ONE servers that are asked: section `veeam_one`. */
import { z } from "zod";

/** One Veeam ONE server. */
export const OneServerSettings = z.strictObject({
  host: z.string().min(1).nullable().default(null).meta({
    description: "Veeam ONE server: host, host:port or address; plain http only to this host itself",
    aliases: ["VEEAM_ONE_HOST"],
  }),
  username: z.string().min(1).nullable().default(null).meta({
    description: "User there, as DOMAIN\\user or user@domain; one that no other program uses",
    aliases: ["VEEAM_ONE_USER", "VEEAM_ONE_USERNAME"],
  }),
  password: z.string().min(1).nullable().default(null).meta({
    description: "Password there",
    secret: true,
    aliases: ["VEEAM_ONE_PASSWORD"],
  }),
  ca_file: z.string().min(1).nullable().default(null).meta({
    description: "Certificate authorities (PEM) to believe, instead of pinning the certificate at first use",
    path: true,
    aliases: ["VEEAM_ONE_CA_FILE"],
  }),
  fingerprint: z.string().regex(/^([0-9a-fA-F]{2}:?){32}$/, "must be a SHA-256 fingerprint in hex").nullable()
    .default(null).meta({
      description: "SHA-256 fingerprint of its certificate, instead of the one pinned at first use",
      aliases: ["VEEAM_ONE_FINGERPRINT"],
    }),
  insecure: z.boolean().default(false).meta({
    description: "Believe any certificate; whoever is in between sees the password",
    aliases: ["VEEAM_ONE_INSECURE"],
  }),
});
export type OneServerSettings = z.output<typeof OneServerSettings>;

export const VeeamOneConfig = z.strictObject({
  servers: z.record(z.string(), OneServerSettings).default({}),
  timeout_seconds: z.number().min(1).max(3600).default(60).meta({
    description: "How long one answer of a Veeam ONE server may take",
  }),
  page_size: z.int().min(1).max(1000).default(100).meta({
    description: "Rows asked for at a time",
  }),
}).superRefine((one, context) => {
  for (const [name, { host, fingerprint, ca_file, insecure }] of Object.entries(one.servers)) {
    const refuse = (field: string, message: string) =>
      context.addIssue({ code: "custom", path: ["servers", name, field], message });
    if (host === null) refuse("host", "must be set: host, host:port or address");
    else if (!/^\s*(https?:\/\/)?(\[[0-9a-fA-F:.]+\]|[^\s/:@[\]]+)(:\d{1,5})?\/?\s*$/i.test(host)) {
      refuse("host", "must be a host, host:port, or an http or https address without path and user name");
    } else if (
      /^\s*http:/i.test(host) && !/^\s*http:\/\/(localhost|127(\.\d+){3}|\[::1\])([:/]|\s*$)/i.test(host)
    ) {
      refuse("host", "must not be plain http: the password would be readable on the way; use https");
    }
    if ([fingerprint !== null, ca_file !== null, insecure].filter(Boolean).length > 1) {
      refuse("fingerprint", "only one of fingerprint, ca_file and insecure can be set");
    }
  }
});
export type VeeamOneConfig = z.output<typeof VeeamOneConfig>;
