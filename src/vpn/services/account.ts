/** The account: making further tenants, where the vendor has enabled it. Release 1.1.6 at the latest. */
import type { CallOptions, Connection } from "../connection.ts";
import { NewTenant } from "../schemas/logs.ts";
import { requireId } from "./things.ts";

export class Account {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Makes a tenant with this Cloud ID. What comes back is the new tenant's key: a secret. */
  async createCloudId(id: string, options: CallOptions = {}): Promise<NewTenant> {
    const action = "create a Cloud ID";
    requireId(id, action, "the id");
    return await this.#connection.json(
      { ...options, action, method: "POST", path: "/account/cloud-id", query: { id }, since: "1.1.6" },
      NewTenant,
    );
  }
}
