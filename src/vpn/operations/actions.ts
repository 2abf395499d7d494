/** What is done with connectors, users, devices and access groups. */
import { z } from "zod";
import { type Operation, operation, type Role } from "../../lib/operation.ts";
import type { CloudConnexaClient } from "../client.ts";
import type { CallOptions } from "../connection.ts";
import type { Target } from "../actions.ts";
import { type Resource, type Word } from "../resource.ts";
import { resourceOf } from "../resources.ts";
import { AccessDestinationRequest, AccessGroup, AccessSourceRequest } from "../schemas/access.ts";
import { WORDS } from "../schemas/fields.ts";
import { flagsOf, ref, tenant, type VpnApp, type VpnOperation } from "./common.ts";

const Done = z.object({ id: z.string(), name: z.string(), done: z.string() });
const Issued = z.object({
  id: z.string(),
  name: z.string(),
  path: z.string().nullable().describe("File it was written to; null where it is in the answer"),
  content: z.string().nullable().describe("The credential; null where it is in a file"),
});

const to = z.string().min(1).optional().describe("File to write it to, readable by its owner only");

/** One action: the word after the resource's, and what it calls. */
interface Action {
  word: Word;
  verb: string;
  summary: string;
  /** `Suspended`. */
  done: string;
  confirm?: string;
  call(client: CloudConnexaClient, target: Target, options: CallOptions): Promise<unknown>;
}

/** A credential: the word after the resource's, and what makes it. */
interface Credential {
  word: Word;
  verb: string;
  summary: string;
  /** Further fields of the input. */
  fields?: Record<string, z.ZodType>;
  example: string;
  make(
    client: CloudConnexaClient,
    target: Target,
    options: CallOptions,
    input: Record<string, unknown>,
  ): Promise<string>;
}

const connectorActions = (["network", "host"] as const).flatMap((kind): Action[] => {
  const word: Word = `${kind}-connectors`;
  return [
    {
      word,
      verb: "activate",
      summary: "Let a suspended connector connect again",
      done: "Activated",
      call: (client, { id }, options) => client.connectors[kind].activate(id, options),
    },
    {
      word,
      verb: "suspend",
      summary: "Keep a connector from connecting",
      done: "Suspended",
      confirm: "Suspend this connector? What is behind it cannot be reached then.",
      call: (client, { id }, options) => client.connectors[kind].suspend(id, options),
    },
    {
      word,
      verb: "revoke",
      summary: "Revoke the profile of a connector",
      done: "Revoked the profile of",
      confirm: "Revoke the profile of this connector? It needs a new one to connect.",
      call: (client, { id }, options) => client.profiles.revokeOfConnector(kind, id, options),
    },
  ];
});

const ACTIONS: readonly Action[] = [
  ...connectorActions,
  {
    word: "network-connectors",
    verb: "start",
    summary: "Connect an IPsec connector",
    done: "Started",
    call: (client, { id }, options) => client.connectors.network.startIpSec(id, options),
  },
  {
    word: "network-connectors",
    verb: "stop",
    summary: "Disconnect an IPsec connector",
    done: "Stopped",
    confirm: "Disconnect this connector?",
    call: (client, { id }, options) => client.connectors.network.stopIpSec(id, options),
  },
  {
    word: "users",
    verb: "activate",
    summary: "Let a suspended user in again",
    done: "Activated",
    call: (client, { id }, options) => client.users.activate(id, options),
  },
  {
    word: "users",
    verb: "suspend",
    summary: "Keep a user out",
    done: "Suspended",
    confirm: "Suspend this user?",
    call: (client, { id }, options) => client.users.suspend(id, options),
  },
  {
    word: "users",
    verb: "reset-mfa",
    summary: "Let a user set up the second factor anew",
    done: "Reset the second factor of",
    confirm: "Reset the second factor of this user?",
    call: (client, { id }, options) => client.users.resetMfa(id, options),
  },
  {
    word: "users",
    verb: "resend-invitation",
    summary: "Send a user the invitation again",
    done: "Sent the invitation again to",
    call: (client, { id }, options) => client.users.resendInvitation(id, options),
  },
  {
    word: "users",
    verb: "force-password-change",
    summary: "Make a user choose a new password; sessions end",
    done: "A new password is asked of",
    confirm: "Make this user choose a new password? Sessions end.",
    call: (client, { id }, options) => client.users.forcePasswordChange(id, options),
  },
  {
    word: "devices",
    verb: "revoke",
    summary: "Revoke the profile of a device",
    done: "Revoked the profile of",
    confirm: "Revoke the profile of this device?",
    call: (client, { id, parent }, options) =>
      client.profiles.revokeOfDevice({ userId: parent, deviceId: id }, options),
  },
];

const CREDENTIALS: readonly Credential[] = [
  ...(["network", "host"] as const).flatMap((kind): Credential[] => {
    const word: Word = `${kind}-connectors`;
    const name = kind === "network" ? "hq-1" : "db-1";
    return [
      {
        word,
        verb: "profile",
        summary: "Make the profile (.ovpn) of a connector",
        example: `${name} --to ${name}.ovpn`,
        make: (client, { id }, options) => client.profiles.ofConnector(kind, id, options),
      },
      {
        word,
        verb: "token",
        summary: "Make a token that sets a connector up",
        example: `${name} --to ${name}.token`,
        make: (client, { id }, options) => client.profiles.tokenOfConnector(kind, id, options),
      },
      {
        word,
        verb: "bundle",
        summary: "Make an address to download a connector's program",
        fields: { type: z.enum(WORDS.bundle).describe("For macOS (DMG) or Windows (MSI)") },
        example: `${name} --type MSI`,
        make: (client, { id }, options, { type }) =>
          client.profiles.bundleOfConnector(kind, id, type === "DMG" ? "DMG" : "MSI", options),
      },
    ];
  }),
  {
    word: "devices",
    verb: "profile",
    summary: "Make the profile (.ovpn) of a device",
    fields: { region: z.string().min(1).describe("Region it connects to, see: vpn regions list") },
    example: "laptop --user ada@example.org --region eu-central-1 --to laptop.ovpn",
    make: (client, { id, parent }, options, { region }) =>
      client.profiles.ofDevice({ userId: parent, deviceId: id }, String(region), options),
  },
];

function named({ parent }: Resource) {
  const belongs: Record<string, z.ZodType> = parent === undefined ? {} : {
    [parent.flag]: z.string().min(1).optional().describe(`Name or id of the ${parent.flag} it belongs to`),
  };
  return z.strictObject({ ref, ...belongs, tenant });
}

function refOf({ parent }: Resource, input: Record<string, unknown>) {
  const of = parent === undefined ? undefined : input[parent.flag];
  return {
    ref: String(input.ref),
    ...(typeof of === "string" ? { parent: of } : {}),
    ...(typeof input.tenant === "string" ? { tenant: input.tenant } : {}),
  };
}

function flagsFor({ parent }: Resource) {
  return {
    ref: { flag: "--name <name>" },
    ...(parent === undefined ? {} : { [parent.flag]: { flag: `--${parent.flag} <name>` } }),
  };
}

function shared(word: Word, verb: string, summary: string, role: Role) {
  return {
    name: `vpn.${word}.${verb}`,
    route: `POST /api/v1/vpn/${word}/{ref}/${verb}`,
    role,
    standalone: true,
    summary,
  };
}

/** Names that read well in examples. */
const EXAMPLES: Partial<Record<Word, string>> = {
  "network-connectors": "hq-1",
  "host-connectors": "db-1",
  users: "ada@example.org",
  devices: "laptop",
};

function actionOperation({ word, verb, summary, done, confirm, call }: Action): VpnOperation {
  const resource = resourceOf(word);
  const example = ["start", "stop"].includes(verb) ? "vault-1" : EXAMPLES[word];
  return operation({
    ...shared(word, verb, summary, "operator"),
    input: named(resource),
    output: Done,
    cli: {
      args: ["ref"],
      flags: flagsFor(resource),
      ...(confirm === undefined ? {} : { confirm }),
      text: ({ done, name }) => `${done} "${name}"`,
      examples: [`holdfast vpn ${word} ${verb} ${example}${confirm === undefined ? "" : " --yes"}`],
    },
    run: (app: VpnApp, input, caller) =>
      app.vpn.actions.run(word, refOf(resource, input), done, call, caller),
  });
}

function credentialOperation({ word, verb, summary, fields = {}, example, make }: Credential): VpnOperation {
  const resource = resourceOf(word);
  return operation({
    ...shared(word, verb, summary, "admin"),
    description:
      "What it makes is a secret: it goes into a file with mode 0600, or is printed where no file is named.",
    input: named(resource).extend({ ...fields, to }),
    output: Issued,
    cli: {
      args: ["ref"],
      flags: { ...flagsFor(resource), to: { flag: "--to <file>", path: true } },
      text: ({ path, content, name }) =>
        path === null ? (content ?? "").trimEnd() : `Wrote what "${name}" connects with to ${path}`,
      examples: [`holdfast vpn ${word} ${verb} ${example}`],
    },
    run: (app: VpnApp, input, caller) =>
      app.vpn.actions.issue(
        word,
        refOf(resource, input),
        typeof input.to === "string" ? input.to : undefined,
        (client, target, options) => make(client, target, options, input),
        caller,
      ),
  });
}

/** Edits of one side of an access group, which leave the rest of the group alone. */
const sides = (["source", "destination"] as const).flatMap((side): VpnOperation[] => {
  const item = side === "source" ? AccessSourceRequest : AccessDestinationRequest;
  const what = side === "source" ? "who may reach the destinations" : "what may be reached";
  const route = `/api/v1/vpn/access-groups/{ref}/${side}`;
  const Match = z.strictObject({
    type: z.string().min(1).describe("Kind: everything of it goes unless more is given"),
    parent: z.string().min(1).optional().describe("Id of the network or host"),
    child: z.string().min(1).optional().describe("Id of the group, service or application"),
  });
  const refFlag = { ref: { flag: "--name <name>" } };
  return [
    operation({
      name: `vpn.access-groups.add-${side}`,
      route: `POST ${route}`,
      role: "operator",
      standalone: true,
      summary: `Add to ${what}`,
      input: item.extend({ ref, tenant }),
      output: AccessGroup,
      cli: {
        args: ["ref"],
        flags: { ...flagsOf(item), ...refFlag },
        text: ({ name }) => `Changed access group "${name}"`,
        examples: [`holdfast vpn access-groups add-${side} everybody --type USER_GROUP --all-covered`],
      },
      run: async (app: VpnApp, { ref, tenant, ...body }, { signal }) => {
        const [client, things] = [await app.vpn.client(tenant), await app.vpn.things(tenant, signal)];
        const id = await things.idOf("access-groups", ref);
        return await client.accessGroups[side === "source" ? "addSource" : "addDestination"](id, body, {
          signal,
        });
      },
    }),
    operation({
      name: `vpn.access-groups.remove-${side}`,
      route: `DELETE ${route}`,
      role: "operator",
      standalone: true,
      summary: `Take from ${what}`,
      input: Match.extend({ ref, tenant }),
      output: AccessGroup,
      cli: {
        args: ["ref"],
        flags: refFlag,
        confirm: "Take this from the access group?",
        text: ({ name }) => `Changed access group "${name}"`,
        examples: [`holdfast vpn access-groups remove-${side} everybody --type USER_GROUP --yes`],
      },
      run: async (app: VpnApp, { ref, tenant, type, parent, child }, { signal }) => {
        const [client, things] = [await app.vpn.client(tenant), await app.vpn.things(tenant, signal)];
        const id = await things.idOf("access-groups", ref);
        const match = { type, parentId: parent, childId: child };
        return await client.accessGroups[side === "source" ? "removeSource" : "removeDestination"](
          id,
          match,
          {
            signal,
          },
        );
      },
    }),
  ];
});

export const actionOperations: readonly Operation<VpnApp>[] = [
  ...ACTIONS.map(actionOperation),
  ...CREDENTIALS.map(credentialOperation),
  ...sides,
];
