/** Settings of routers: section `network`. */
import { z } from "zod";

/** Addresses of this host, which need no encryption on the way. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

const RouterSettings = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: "must be an http or https address" }).refine(
    (text) => !text.startsWith("http:") || LOOPBACK.test(URL.canParse(text) ? new URL(text).hostname : ""),
    "must be https: plain http would show the API key on the way; it is for loopback only",
  ).meta({
    description: "Address of the router's API",
    aliases: ["VYOS_URL", { name: "VYOS_IP", read: (text: string) => `https://${text}` }],
  }),
  api_key: z.string().min(1).nullable().default(null).meta({
    description: "Key of the router's API",
    secret: true,
    aliases: ["VYOS_API_KEY"],
  }),
  ca_file: z.string().min(1).nullable().default(null).meta({
    description: "Authorities (PEM) that are believed instead of the system's",
    path: true,
    aliases: ["VYOS_CA_FILE"],
  }),
  pin: z.string().regex(/^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$/, "must be a SHA-256 fingerprint in hex")
    .nullable()
    .default(null).meta({
      description: "SHA-256 fingerprint of the router's certificate, which is then the only one believed",
      aliases: ["VYOS_PIN"],
    }),
  release: z.enum(["auto", "1.3", "1.4", "1.5", "rolling"]).default("auto").meta({
    description: "Release whose syntax is written; auto asks the router",
  }),
  wan_interface: z.string().min(1).max(32).nullable().default(null).meta({
    description: "Outside interface of forwards whose port pool names none",
    aliases: ["VYOS_WAN_INTERFACE"],
  }),
  wan_address: z.string().regex(/^\d{1,3}(\.\d{1,3}){3}$/, "must be an IPv4 address").nullable().default(null)
    .meta({
      description: "Outside address, for machines that are reached by it from inside (NAT reflection)",
    }),
  nat_rules: z.string().regex(/^\d{1,6}-\d{1,6}$/, "must be a range such as 10000-19999").default(
    "10000-19999",
  ).meta({
    description: "Numbers of NAT rules that may be used",
  }),
  timeout_seconds: z.int().min(5).max(3600).default(660).meta({
    description: "Longest wait for a commit; the router's own proxy gives up after 600 s",
  }),
  confirm_minutes: z.int().min(0).max(1440).default(5).meta({
    description:
      "Time after which an unconfirmed change goes back by itself, where the release can; 0 does without",
  }),
  allow_reboot: z.boolean().default(false).meta({
    description: "Change a router that would reboot to go back from an unconfirmed change",
  }),
  repair: z.boolean().default(false).meta({
    description: "Put drift of own rules right when the scheduled check finds it, instead of only telling",
  }),
});

/** Section `network`. */
export const NetworkConfig = z.strictObject({
  routers: z.record(z.string(), RouterSettings).default({}),
  keep_versions: z.int().min(1).max(10_000).default(200).meta({
    description: "Versions of each router's configuration that are kept",
  }),
  check_minutes: z.int().min(1).max(1440).default(15).meta({
    description: "How often each router is compared with what it should be",
  }),
});

export type NetworkConfig = z.output<typeof NetworkConfig>;
export type RouterSettings = z.output<typeof RouterSettings>;
