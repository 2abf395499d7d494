/** Where a tenant answers, and what may stand in a path. */
import { isLoopbackAddress } from "../lib/address.ts";
import { ValidationError } from "./errors.ts";

/** How a tenant is named: by its Cloud ID, or by the whole address. */
export interface TenantAddress {
  /** The tenant's Cloud ID: letters, digits and hyphens. */
  cloudId?: string | undefined;
  /** Address to use instead of `https://CLOUD_ID.api.openvpn.com`. */
  url?: string | undefined;
  /** Allows plain http to this host, for tests against a mock; other hosts need https in any case. */
  allowLoopbackHttp?: boolean | undefined;
}

const CLOUD_ID = /^[a-z0-9]+(-[a-z0-9]+)*$/i;

/** The origin of a tenant; path, query and fragment of an address are dropped. Errors: `ValidationError`. */
export function originOf({ cloudId, url, allowLoopbackHttp = false }: TenantAddress): string {
  if (url === undefined) {
    if (cloudId === undefined || cloudId === "") throw bad("give the tenant's Cloud ID, or its address");
    if (!CLOUD_ID.test(cloudId) || cloudId.length > 63) {
      throw bad(`Cloud ID "${cloudId}" is not letters, digits and hyphens`);
    }
    return `https://${cloudId.toLowerCase()}.api.openvpn.com`;
  }
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(url) || !URL.canParse(url)) {
    throw bad(`"${withoutUser(url)}" is no address such as https://acme.api.openvpn.com`);
  }
  const parsed = new URL(url);
  if (parsed.username !== "" || parsed.password !== "") {
    throw bad("the address holds a user name or password: give the key apart");
  }
  if (parsed.hostname === "") throw bad(`"${url}" names no host`);
  if (parsed.protocol === "https:") return parsed.origin;
  if (parsed.protocol !== "http:") throw bad(`"${url}" is neither https nor http`);
  if (!isLoopbackAddress(parsed.hostname)) throw bad(`"${url}" is not https, and not on this host`);
  if (!allowLoopbackHttp) throw bad(`"${url}" is not https: allowLoopbackHttp lets it be, on this host only`);
  return parsed.origin;
}

/** An address that may be shown: a user name and password in it are struck out. */
export function withoutUser(url: string): string {
  return url.replace(/^([^/]*\/\/)?[^/@]*@/, "$1***@");
}

function bad(reason: string): ValidationError {
  return new ValidationError(`Cannot use the CloudConnexa tenant: ${reason}`);
}

/**
 * A path with ids in place of `{name}`, each escaped into one segment. Errors: `ValidationError` for an id that no address
 * can carry, before any call.
 */
export function pathOf(template: string, ids: Readonly<Record<string, string>>, action: string): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => segment(ids[name] ?? "", action));
}

function segment(id: string, action: string): string {
  if (id === "" || id === "." || id === "..") {
    throw new ValidationError(`Cannot ${action}: ${id === "" ? "the id is empty" : `"${id}" is no id`}`);
  }
  return encodeURIComponent(id);
}
