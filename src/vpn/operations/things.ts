/** List, show, create, change and delete things of every kind: made from the table of resources. */
import { z } from "zod";
import { type FlagSpec, operation } from "../../lib/operation.ts";
import { type Resource } from "../resource.ts";
import { RESOURCES } from "../resources.ts";
import { flagsOf, OfTenant, parseConnector, ref, tenant, type VpnApp, type VpnOperation } from "./common.ts";

/** Names that read well in examples. */
const EXAMPLE_NAMES: Readonly<Record<Resource["word"], string>> = {
  networks: "hq",
  "network-connectors": "hq-2",
  "network-routes": "10.20.0.0/24",
  "network-ip-services": "wiki",
  "network-applications": "intranet",
  hosts: "db",
  "host-connectors": "db-2",
  "host-ip-services": "sql",
  "host-applications": "admin",
  users: "ada@example.org",
  "user-groups": "engineers",
  devices: "laptop",
  "device-postures": "managed",
  "location-contexts": "office",
  "dns-records": "wiki.example.org",
  "access-groups": "everybody",
};

/** The flag that names a new connector and its region in one word. */
const CONNECTOR: FlagSpec = {
  flag: "--connector <name:region>...",
  description: "Connector to create with it, and the region it connects to",
  parse: parseConnector,
};

/** Changes that read well in examples. */
const CHANGE: Partial<Record<Resource["word"], string>> = {
  "network-connectors": "--vpn-region-id it-mxp",
  "host-connectors": "--vpn-region-id it-mxp",
  users: "--role ADMIN",
  "user-groups": "--max-device 5",
  "dns-records": "--ipv4-addresses 10.20.0.10",
};

function operationsOn(resource: Resource): VpnOperation[] {
  const { word, one, many, parent, columns, item } = resource;
  const path = `/api/v1/vpn/${word}`;
  const called = EXAMPLE_NAMES[word];
  const a = /^[AEIO]/i.test(one) ? `an ${one}` : `a ${one}`;
  const belongs = (required: boolean): Record<string, z.ZodType> => {
    if (parent === undefined) return {};
    const text = z.string().min(1).describe(`Name or id of the ${parent.flag} it belongs to`);
    return { [parent.flag]: required ? text : text.optional() };
  };
  const parentOf = (input: Record<string, unknown>) => {
    const value = parent === undefined ? undefined : input[parent.flag];
    return typeof value === "string" ? value : undefined;
  };
  const Named = z.strictObject({ ref, ...belongs(false), tenant });
  const bodyOf = ({ tenant: _, ref: __, ...input }: Record<string, unknown>) => {
    if (parent !== undefined) delete input[parent.flag];
    return input;
  };
  const refFlag = { ref: { flag: "--name <name>" } };
  const parentFlag = parent === undefined ? {} : { [parent.flag]: { flag: `--${parent.flag} <name>` } };
  const createFlags = {
    ...flagsOf(resource.create_schema),
    ...("connectors" in resource.create_schema.shape ? { connectors: CONNECTOR } : {}),
    ...parentFlag,
  };
  const updateFlags = { ...flagsOf(resource.update_schema), ...refFlag, ...parentFlag };
  const ofParent = parent === undefined || word !== "devices" ? "" : " --user ada@example.org";
  const list = operation({
    name: `vpn.${word}.list`,
    route: `GET ${path}`,
    role: "operator",
    standalone: true,
    summary: `List ${many}`,
    input: OfTenant.extend(belongs(false)),
    output: z.array(item),
    cli: { columns, flags: parentFlag, examples: [`holdfast vpn ${word} list`] },
    run: async (app: VpnApp, input, { signal }) =>
      (await app.vpn.things(tenantOf(input), signal)).list(resource, parentOf(input)),
  });
  const get = operation({
    name: `vpn.${word}.get`,
    route: `GET ${path}/{ref}`,
    role: "operator",
    standalone: true,
    summary: `Show one ${one}`,
    description: "Pre-shared keys and the like are left out.",
    input: Named,
    output: item,
    cli: {
      args: ["ref"],
      flags: { ...refFlag, ...parentFlag },
      examples: [`holdfast vpn ${word} get ${called}`],
    },
    run: async (app: VpnApp, input, { signal }) =>
      (await app.vpn.things(tenantOf(input), signal)).get(resource, {
        ref: input.ref,
        parent: parentOf(input),
      }),
  });
  const create = operation({
    name: `vpn.${word}.create`,
    route: `POST ${path}`,
    role: "operator",
    standalone: true,
    summary: `Create ${a}`,
    input: resource.create_schema.extend({ ...belongs(true), tenant }),
    output: item,
    status: 201,
    cli: {
      flags: createFlags,
      examples: [`holdfast vpn ${word} create ${resource.example}`],
      text: (thing) => `Created ${one} "${String(thing[resource.labels[0]] ?? thing.id)}" (id ${thing.id})`,
    },
    run: async (app: VpnApp, input, { signal }) =>
      (await app.vpn.things(tenantOf(input), signal)).create(resource, bodyOf(input), parentOf(input)),
  });
  const update = operation({
    name: `vpn.${word}.update`,
    route: `PUT ${path}/{ref}`,
    role: "operator",
    standalone: true,
    summary: `Change ${a}`,
    description: "Only what is given changes.",
    input: resource.update_schema.partial().extend({ ref, ...belongs(false), tenant }),
    output: item,
    cli: {
      args: ["ref"],
      flags: updateFlags,
      examples: [`holdfast vpn ${word} update ${called} ${CHANGE[word] ?? "--description 'As agreed'"}`],
      text: (thing) => `Changed ${one} "${String(thing[resource.labels[0]] ?? thing.id)}" (id ${thing.id})`,
    },
    run: async (app: VpnApp, input, { signal }) =>
      (await app.vpn.things(tenantOf(input), signal))
        .update(resource, { ref: String(input.ref), parent: parentOf(input) }, bodyOf(input)),
  });
  const remove = operation({
    name: `vpn.${word}.delete`,
    route: `DELETE ${path}/{ref}`,
    role: "operator",
    standalone: true,
    summary: `Delete ${a}${resource.takes === undefined ? "" : `, and with it ${resource.takes}`}`,
    input: Named,
    output: z.null(),
    status: 204,
    cli: {
      args: ["ref"],
      flags: { ...refFlag, ...parentFlag },
      confirm: `Delete this ${one}${resource.takes === undefined ? "" : `, and with it ${resource.takes}`}?`,
      text: () => `Deleted the ${one}`,
      examples: [`holdfast vpn ${word} delete ${called}${ofParent} --yes`],
    },
    run: async (app: VpnApp, input, { signal }) => {
      const things = await app.vpn.things(input.tenant, signal);
      await things.delete(resource, { ref: input.ref, parent: parentOf(input) });
      return null;
    },
  });
  return [list, get, create, update, remove];
}

/** The input of a request whose fields come from the table. */
function tenantOf(input: Record<string, unknown>): string | undefined {
  return typeof input.tenant === "string" ? input.tenant : undefined;
}

export const thingOperations: readonly VpnOperation[] = RESOURCES.flatMap(operationsOn);
