/** What is done with things beside reading and changing them; what gives out a credential writes it to a private file or answers it once. */
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { CloudConnexaClient } from "./client.ts";
import type { CallOptions } from "./connection.ts";
import { labelOf, type Word } from "./resource.ts";
import { resourceOf } from "./resources.ts";
import type { Tenants } from "./tenants.ts";
import { type ThingRef, Things } from "./things.ts";

/** What an action is told of the thing. */
export interface Target {
  id: string;
  parent: string;
}

/** A thing an action was done with. */
export interface Done {
  id: string;
  name: string;
  done: string;
}

/** A credential that was made. */
export interface Issued {
  id: string;
  name: string;
  /** The file it was written to; null where it is in the answer. */
  path: string | null;
  /** The credential itself; null where it is in a file. */
  content: string | null;
}

/** Which thing of which tenant. */
export interface ActionRef extends ThingRef {
  tenant?: string | undefined;
}

export class Actions {
  readonly #tenants: Tenants;

  constructor(tenants: Tenants) {
    this.#tenants = tenants;
  }

  /** Does something with the thing that is named. */
  async run(
    word: Word,
    { tenant, ...named }: ActionRef,
    done: string,
    act: (client: CloudConnexaClient, target: Target, options: CallOptions) => Promise<unknown>,
    { signal }: Pick<Caller, "signal">,
  ): Promise<Done> {
    const { client } = await this.#tenants.get(tenant);
    const found = await new Things(client, signal).find(resourceOf(word), named);
    await act(client, { id: found.thing.id, parent: found.parent }, { signal });
    return { id: found.thing.id, name: labelOf(resourceOf(word), found.thing), done };
  }

  /** Makes a credential of the thing that is named. */
  async issue(
    word: Word,
    { tenant, ...named }: ActionRef,
    to: string | undefined,
    make: (client: CloudConnexaClient, target: Target, options: CallOptions) => Promise<string>,
    caller: Caller,
  ): Promise<Issued> {
    requireHost(to, caller);
    const { client } = await this.#tenants.get(tenant);
    const { signal } = caller;
    const found = await new Things(client, signal).find(resourceOf(word), named);
    const target = { id: found.thing.id, parent: found.parent };
    const handed = await handOut(() => make(client, target, { signal }), to);
    return { id: found.thing.id, name: labelOf(resourceOf(word), found.thing), ...handed };
  }

  /** Makes a tenant; its key is a credential. */
  async createTenant(
    cloudId: string,
    tenant: string | undefined,
    to: string | undefined,
    caller: Caller,
  ): Promise<Issued> {
    requireHost(to, caller);
    const { client } = await this.#tenants.get(tenant);
    const make = async () => {
      const { signal } = caller;
      const { clientId, clientSecret } = await client.account.createCloudId(cloudId, { signal });
      return `CLOUDCONNEXA_CLOUD_ID=${cloudId}\nCLOUDCONNEXA_CLIENT_ID=${clientId}\n` +
        `CLOUDCONNEXA_CLIENT_SECRET=${clientSecret}\n`;
    };
    return { id: cloudId, name: cloudId, ...await handOut(make, to) };
  }
}

/** Files are written for who is on this host. Errors: `forbidden`. */
export function requireHost(path: string | undefined, caller: Caller): void {
  if (path === undefined || caller.on_host) return;
  throw new HoldfastError(
    "forbidden",
    `Cannot use a path of the daemon's host: "${caller.name}" is not on it`,
    {
      hint: "leave it out: the answer holds what would be in the file",
    },
  );
}

/** A credential is given out once: where it cannot be kept it is not made. */
async function handOut(
  make: () => Promise<string>,
  to: string | undefined,
): Promise<Pick<Issued, "path" | "content">> {
  if (to === undefined) return { path: null, content: await make() };
  await writePrivately(to, make);
  return { path: to, content: null };
}

/**
 * Writes a file only its owner may read; the old one or the new one is there, never half of it. The text is made once it is
 * known that there is a place for it. Errors: `invalid`, and those of `make`.
 */
export async function writePrivately(path: string, make: () => string | Promise<string>): Promise<void> {
  const partial = `${path}.partial`;
  const told = (error: unknown) =>
    new HoldfastError("invalid", `Cannot write "${path}": ${messageOf(error)}`, { cause: error });
  using file = await openPartial(path, partial).catch((error) => {
    throw told(error);
  });
  try {
    const bytes = new TextEncoder().encode(await make());
    await writeAll(file, bytes).then(() => Deno.rename(partial, path)).catch((error) => {
      throw told(error);
    });
  } catch (error) {
    await Deno.remove(partial).catch(() => {});
    throw error;
  }
}

async function openPartial(path: string, partial: string): Promise<Deno.FsFile> {
  const there = await Deno.stat(path).catch(() => undefined);
  if (there?.isDirectory === true) throw new Error("it is a directory");
  // A file that is there keeps its mode, so that an old one must go first.
  await Deno.remove(partial).catch(() => {});
  return await Deno.open(partial, { write: true, createNew: true, mode: 0o600 });
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
