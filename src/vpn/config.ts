/** Settings of CloudConnexa tenants: section `vpn`. */
import { z } from "zod";

/** Releases that can be stated; as in `versions.ts`, which a configuration must not load. */
const RELEASES = ["1.0", "1.1.0", "1.1.1", "1.1.6", "1.2.0", "1.2.3"] as const;

const Name = z.string().regex(
  /^[a-z0-9]+(-[a-z0-9]+)*$/,
  "must be names of lower-case letters, digits and hyphens",
);

/** What is known of one tenant; only the one without a name has variables of its own. */
const tenant = (alone: boolean) => {
  const aliases = (...names: string[]) => alone ? { aliases: names } : {};
  return {
    cloud_id: z.string().min(1).nullable().default(null).meta({
      description: "Cloud ID of the tenant, the first part of its address",
      ...aliases("CLOUDCONNEXA_CLOUD_ID"),
    }),
    url: z.string().min(1).nullable().default(null).meta({
      description: "Address instead of https://CLOUD_ID.api.openvpn.com; plain http only to this host",
      ...aliases("CLOUDCONNEXA_URL"),
    }),
    client_id: z.string().min(1).nullable().default(null).meta({
      description: "Id of the API key",
      ...aliases("CLOUDCONNEXA_CLIENT_ID"),
    }),
    client_secret: z.string().min(1).nullable().default(null).meta({
      description: "Secret of the API key",
      secret: true,
      ...aliases("CLOUDCONNEXA_CLIENT_SECRET"),
    }),
    key_expires_at: z.string().regex(/^\d{4}-\d\d-\d\d$/, "must be a day such as 2027-01-31").nullable()
      .default(null).meta({
        description: "Day the API key ends, as the portal says; a warning comes two weeks before",
      }),
    release: z.enum(RELEASES).nullable().default(null).meta({
      description: "Release of the API the tenant runs; null is found out where it matters",
    }),
    ca_file: z.string().min(1).nullable().default(null).meta({
      description: "Certificate authorities (PEM) to believe instead of the system's",
      path: true,
    }),
    desired_dir: z.string().min(1).nullable().default(null).meta({
      description: "Directory of an export the tenant should be equal to; what differs is told as drift",
      path: true,
    }),
  };
};

export const TenantSettings = z.strictObject(tenant(false));
export type TenantSettings = z.output<typeof TenantSettings>;

export const VpnConfig = z.strictObject({
  ...tenant(true),
  tenants: z.record(Name, TenantSettings).default({}),
  feed_days: z.int().min(1).max(30).default(7).meta({
    description: "How far back the feeds of sessions and of the audit log begin at the first time",
  }),
}).superRefine((vpn, context) => {
  for (const [name, settings] of Object.entries(vpn.tenants)) {
    const missing = (key: string, message: string) =>
      context.addIssue({ code: "custom", path: ["tenants", name, key], message });
    if (settings.url === null && settings.cloud_id === null) missing("cloud_id", "is needed, or url");
    for (const key of ["client_id", "client_secret"] as const) {
      if (settings[key] === null) missing(key, "is needed");
    }
  }
});
export type VpnConfig = z.output<typeof VpnConfig>;
