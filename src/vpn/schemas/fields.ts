/**
 * How the API's shapes are stated: what is sent is exact, what comes is taken as it comes.
 *
 * Of answers every field may be missing (IPv4-only tenants leave out each IPv6 field), words may be new, and what nobody knows
 * is left out. Requests are strict, and their descriptions are what `--help` and the API document say.
 */
import { z } from "zod";

/** A text of an answer. */
export const text = z.string().nullish();
export const flag = z.boolean().nullish();
export const count = z.number().nullish();
export const texts = z.array(z.string()).nullish();

/** A text of a request. */
export function optionalText(description: string) {
  return z.string().optional().describe(description);
}

export function optionalFlag(description: string) {
  return z.boolean().optional().describe(description);
}

export function optionalTexts(description: string) {
  return z.array(z.string()).optional().describe(description);
}

/** One of the API's words; open, because releases add words. */
export function word(words: readonly string[], description: string) {
  return z.string().min(1).optional().describe(`${description}: ${words.join(", ")}`);
}

/** One page of a collection. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    content: z.array(item),
    totalElements: z.number().nullish(),
    totalPages: z.number().nullish(),
    numberOfElements: z.number().nullish(),
    page: z.number().nullish(),
    size: z.number().nullish(),
  });
}

/** The API's words, as far as they are known. */
export const WORDS = {
  internetAccess: ["SPLIT_TUNNEL_ON", "SPLIT_TUNNEL_OFF", "RESTRICTED_INTERNET"],
  connectAuth: ["NO_AUTH", "ON_PRIOR_AUTH", "EVERY_TIME"],
  connectionStatus: ["ONLINE", "OFFLINE", "ONLINE_WITH_ISSUES"],
  tunnelingProtocol: ["OPENVPN", "IPSEC"],
  role: ["OWNER", "ADMIN", "MEMBER"],
  userStatus: ["INVITED", "ACTIVE", "SUSPENDED", "SUSPENDED_IDP"],
  sessionStatus: ["ACTIVE", "COMPLETED", "FAILED"],
  ipServiceType: ["IP_SOURCE", "SERVICE_DESTINATION"],
  serviceType: [
    "ANY",
    "CUSTOM",
    "BGP",
    "DHCP",
    "DNS",
    "FTP",
    "HTTP",
    "HTTPS",
    "IMAP",
    "IMAPS",
    "NTP",
    "POP3",
    "POP3S",
    "SMTP",
    "SMTPS",
    "SNMP",
    "SSH",
    "TELNET",
    "TFTP",
  ],
  protocol: ["TCP", "UDP", "ICMP"],
  sourceType: ["USER_GROUP", "NETWORK_SERVICE", "HOST"],
  destinationType: ["USER_GROUP", "NETWORK_SERVICE", "HOST_SERVICE", "PUBLISHED_SERVICE"],
  removedSourceType: ["USER_GROUP", "NETWORK", "NETWORK_SERVICE", "HOST"],
  versionCondition: ["GTE", "LTE", "EQUAL"],
  antivirus: [
    "AVAST",
    "AVG",
    "AVIRA",
    "BITDEFENDER",
    "CROWDSTRIKE_FALCON",
    "ESET",
    "MALWAREBYTES",
    "MCAFEE",
    "MICROSOFT_DEFENDER",
    "NORTON",
    "SENTINEL_ONE",
  ],
  diskEncryption: ["FULL_DISK", "SPECIFIC_VOLUME"],
  platform: ["AWS", "CISCO", "AZURE", "GCP", "OTHER"],
  authenticationType: ["SHARED_SECRET", "CERTIFICATE"],
  bundle: ["DMG", "MSI"],
} as const;

/** Older tenants answer in lower case. */
export function isOnline(status: string | null | undefined): boolean {
  return status?.toUpperCase().startsWith("ONLINE") === true;
}
