/** Access visibility: whether the tenant records who reached what. Release 1.1.1. */
import { z } from "zod";
import type { CallOptions, Connection } from "../connection.ts";

const PATH = "/access-visibility";

export class AccessVisibility {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  isEnabled(options: CallOptions = {}): Promise<boolean> {
    const call = { ...options, action: "read the state of access visibility", since: "1.1.1" } as const;
    return this.#connection.json({ ...call, method: "GET", path: `${PATH}/enabled` }, z.boolean());
  }

  enable(options: CallOptions = {}): Promise<void> {
    const call = { ...options, action: "switch access visibility on", since: "1.1.1" } as const;
    return this.#connection.done({ ...call, method: "PUT", path: `${PATH}/enable` });
  }

  disable(options: CallOptions = {}): Promise<void> {
    const call = { ...options, action: "switch access visibility off", since: "1.1.1" } as const;
    return this.#connection.done({ ...call, method: "PUT", path: `${PATH}/disable` });
  }
}
