/** Cyber Shield: domains that are always let through or always blocked. The lists can be written and not read. */
import type { CallOptions, Connection } from "../connection.ts";
import { checkDomains } from "../rules.ts";
import { refuse } from "./things.ts";

/** A domain, and why it is on the list. Of duplicates the last one counts. */
export interface ListedDomain {
  domain: string;
  comment?: string | undefined;
}

/** Which list. */
export type ShieldList = "allow" | "block";

export class CyberShield {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Adds at most 1000 domains; domain and comment have 150 characters together. */
  async add(list: ShieldList, domains: readonly ListedDomain[], options: CallOptions = {}): Promise<void> {
    const action = `add domains to the ${list} list`;
    refuse(action, checkDomains(domains));
    await this.#connection.done({
      ...options,
      action,
      method: "POST",
      path: `/cybershield/${list}-list-add-domains`,
      json: { domainAndComments: domains },
    });
  }

  async remove(list: ShieldList, domains: readonly string[], options: CallOptions = {}): Promise<void> {
    const action = `remove domains from the ${list} list`;
    refuse(action, checkDomains(domains.map((domain) => ({ domain }))));
    await this.#connection.done({
      ...options,
      action,
      method: "POST",
      path: `/cybershield/${list}-list-remove-domains`,
      json: { domains },
    });
  }
}
