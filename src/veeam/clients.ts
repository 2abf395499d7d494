/** The configured servers and a connection to each, opened when first asked. */
import type { Clock } from "../lib/clock.ts";
import { HoldfastError, nearest } from "../lib/errors.ts";
import type { Fetch } from "../lib/upstream.ts";
import { VeeamClient } from "./client.ts";
import type { VeeamConfig } from "./config.ts";
import type { Memory } from "./memory.ts";

/** What connections are made of. */
export interface ClientsOptions {
  settings: VeeamConfig;
  clock: Clock;
  memory: Memory;
  note: (sentence: string) => void;
  /** Instead of the network, by server name; in tests. */
  fetchOf?: (name: string) => Fetch;
}

/** Which servers a question is about. */
export interface Choice {
  server?: string | undefined;
  all?: boolean | undefined;
}

export class Clients implements AsyncDisposable {
  readonly #options: ClientsOptions;
  readonly #open = new Map<string, VeeamClient>();

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  /** Names of the servers, in order. */
  get names(): string[] {
    return Object.keys(this.#options.settings.servers).toSorted();
  }

  /** The servers a question is about. Errors: `invalid` when none is configured or none was chosen, `not_found`. */
  choose({ server, all }: Choice): string[] {
    const { names } = this;
    if (names.length === 0) {
      throw new HoldfastError("invalid", "Cannot ask Veeam: no server is configured", {
        hint: "set VEEAM_HOST, VEEAM_USER and VEEAM_PASSWORD, or veeam.servers in the configuration",
      });
    }
    if (server !== undefined) {
      if (names.includes(server)) return [server];
      const meant = nearest(server, names);
      throw new HoldfastError("not_found", `Cannot find Veeam server "${server}"`, {
        hint: meant === undefined ? `there are: ${names.join(", ")}` : `did you mean "${meant}"?`,
      });
    }
    if (all === true || names.length === 1) return names;
    throw new HoldfastError("invalid", "Cannot choose a Veeam server: there are several", {
      hint: `add --server with one of ${names.join(", ")}, or --all`,
    });
  }

  /** The one server a question is about. Errors: as {@linkcode choose}. */
  one(server: string | undefined): VeeamClient {
    return this.of(this.choose({ server })[0]!);
  }

  of(name: string): VeeamClient {
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    const { settings, clock, memory, note, fetchOf } = this.#options;
    const server = settings.servers[name];
    if (server === undefined) throw new HoldfastError("not_found", `Cannot find Veeam server "${name}"`);
    const client = new VeeamClient({
      name,
      settings: server,
      clock,
      memory,
      note,
      timeoutMs: settings.timeout_seconds * 1000,
      pageSize: settings.page_size,
      ...(fetchOf === undefined ? {} : { fetch: fetchOf(name) }),
    });
    this.#open.set(name, client);
    return client;
  }

  /** Ends the logins. */
  async [Symbol.asyncDispose](): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map((client) => client[Symbol.asyncDispose]()));
  }
}
