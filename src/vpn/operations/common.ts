/** What the operations on tenants share. */
import { z } from "zod";
import { fieldsOf } from "../../lib/fields.ts";
import type { FlagSpec, Operation } from "../../lib/operation.ts";
import type { Vpn } from "../vpn.ts";

/** What the operations need of the app. */
export interface VpnApp {
  vpn: Vpn;
}

export type VpnOperation = Operation<VpnApp>;

/** Which tenant is asked. */
export const tenant = z.string().min(1).optional().describe("Tenant, where several are configured");
export const OfTenant = z.strictObject({ tenant });

/** Which thing is meant. */
export const ref = z.string().min(1).describe("Name or id");

/** `vpnRegionId` as a flag: `vpn-region-id`. */
function kebab(name: string): string {
  return name.replaceAll(/([a-z0-9])([A-Z]+)/g, "$1-$2").replaceAll("_", "-").toLowerCase();
}

/** Flags for fields in the API's spelling, which has capital letters inside. */
export function flagsOf(schema: z.ZodObject): Record<string, FlagSpec> {
  const flags: Record<string, FlagSpec> = {};
  for (const field of fieldsOf(schema)) {
    // --config is the configuration file, everywhere.
    const word = field.name === "config" ? "services" : kebab(field.name);
    const value = field.type === "object" || field.item === "object" ? "json" : word.split("-").at(-1);
    if (field.type === "boolean") flags[field.name] = { flag: `--${word}` };
    else flags[field.name] = { flag: `--${word} <${value}>${field.type === "array" ? "..." : ""}` };
  }
  return flags;
}

/** `hq-1:eu-central-1` as a connector to create. */
export function parseConnector(text: string): unknown {
  const at = text.lastIndexOf(":");
  // What is none is left for the schema to refuse.
  return at < 1 ? text : { name: text.slice(0, at), vpnRegionId: text.slice(at + 1) };
}
