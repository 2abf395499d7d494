/** From what the API answers to what it takes: an update replaces the whole thing, and an export is what creates it anew. */
import { fieldsOf } from "../lib/fields.ts";
import type { Resource, Thing } from "./resource.ts";

type Body = Record<string, unknown>;

/** Fields of a thing that a request may hold, in a request's shape; what is unset is left out. */
export function requestOf(
  resource: Pick<Resource, "word" | "update_schema" | "create_schema">,
  thing: Thing,
): Body {
  const shaped = SHAPES[resource.word]?.(thing) ?? thing;
  const known = new Set(
    [...fieldsOf(resource.update_schema), ...fieldsOf(resource.create_schema)].map((field) => field.name),
  );
  const body: Body = {};
  for (const [key, value] of Object.entries(shaped)) {
    if (known.has(key) && !PARTS.has(key)) body[key] = compact(value);
  }
  return withoutUnset(body);
}

/** What belongs to a thing and is a thing of its own. */
const PARTS: ReadonlySet<string> = new Set(["connectors", "devices"]);

/** Kinds whose answers have other shapes than their requests. */
const SHAPES: Partial<Record<Resource["word"], (thing: Thing) => Body>> = {
  networks: ({ routes: _, ...thing }) => thing,
  "network-routes": ({ subnet, description }) => ({ value: subnet, description }),
  "network-ip-services": (thing) => ({
    ...thing,
    routes: objects(thing.routes).map(({ subnet }) => ({ value: subnet })),
  }),
  "network-applications": (thing) => ({ ...thing, routes: objects(thing.routes).map(domain) }),
  "host-applications": (thing) => ({ ...thing, routes: objects(thing.routes).map(domain) }),
  // Read only in it, and refused when it is sent.
  "network-connectors": ({ ipSecConfig, ...thing }) => ({ ...thing, ipSecConfig: ipSec(ipSecConfig) }),
  "access-groups": ({ defaultGroup: _, ...thing }) => thing,
};

function domain({ domain, allowEmbeddedIp, exactMatch }: Body): Body {
  return { value: domain, allowEmbeddedIp, exactMatch };
}

const IPSEC_READ_ONLY = [
  "connectorState",
  "pairedAwsConnectorId",
  "serverId",
  "serverIp",
  "caCertificateFileName",
];

function ipSec(config: unknown): unknown {
  if (typeof config !== "object" || config === null) return undefined;
  return Object.fromEntries(Object.entries(config).filter(([key]) => !IPSEC_READ_ONLY.includes(key)));
}

function objects(value: unknown): Body[] {
  return Array.isArray(value) ? value : [];
}

/** Without nulls, at any depth. */
function compact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(compact);
  if (typeof value !== "object" || value === null) return value ?? undefined;
  return withoutUnset(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, compact(item)])));
}

function withoutUnset(body: Body): Body {
  return Object.fromEntries(
    Object.entries(body).filter(([, value]) => value !== undefined && value !== null),
  );
}
