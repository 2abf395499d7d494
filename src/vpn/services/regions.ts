/** Regions a tenant can connect to. */
import { z } from "zod";
import type { CallOptions, Connection } from "../connection.ts";
import { Region } from "../schemas/logs.ts";

export class Regions {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** All of them; the API has no pages here. */
  listAll(options: CallOptions = {}): Promise<Region[]> {
    return this.#connection.json(
      { ...options, action: "list regions", method: "GET", path: "/regions" },
      z.array(Region),
    );
  }

  /** One region, or undefined when there is none: the API reads no single one. */
  async get(id: string, options: CallOptions = {}): Promise<Region | undefined> {
    return (await this.listAll(options)).find((region) => region.id === id);
  }
}
