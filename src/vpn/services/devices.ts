/** Devices of users. Every call but the list names the user as well. */
import type { CallOptions, Connection } from "../connection.ts";
import { allPages, collect, type Page } from "../paging.ts";
import { checkDevice } from "../rules.ts";
import { Device, type DeviceRequest } from "../schemas/people.ts";
import { MAX_PAGE_SIZE, type PageQuery, requireId, Things } from "./things.ts";

/** A page of devices. */
export interface DeviceQuery extends PageQuery {
  /** Only those of this user; default: of all. */
  userId?: string | undefined;
}

export class Devices extends Things<Device, DeviceRequest, DeviceRequest> {
  constructor(connection: Connection) {
    super(connection, {
      path: "/devices",
      one: "device",
      many: "devices",
      item: Device,
      checkCreate: (device) => checkDevice(device),
      checkUpdate: (device) => checkDevice(device),
    });
  }

  /** One page; of one user, or of all. */
  list({ userId, ...query }: DeviceQuery = {}): Promise<Page<Device>> {
    return this.readPage(query, { userId });
  }

  listAll(query: CallOptions & { userId?: string | undefined } = {}): Promise<Device[]> {
    return collect(this.each(query));
  }

  each(query: CallOptions & { userId?: string | undefined } = {}): AsyncGenerator<Device> {
    return allPages((page) => this.list({ page, size: MAX_PAGE_SIZE, ...query }));
  }

  async get(userId: string, id: string, options: CallOptions = {}): Promise<Device> {
    return await this.read(id, options, userOf(userId, "read device"));
  }

  /** Refused when the user has as many devices as the group allows. */
  async create(userId: string, body: DeviceRequest, options: CallOptions = {}): Promise<Device> {
    return await this.insert(body, options, userOf(userId, "create device"));
  }

  async update(userId: string, id: string, body: DeviceRequest, options: CallOptions = {}): Promise<Device> {
    return await this.replace(id, body, options, userOf(userId, "update device"));
  }

  async delete(userId: string, id: string, options: CallOptions = {}): Promise<void> {
    await this.remove(id, options, userOf(userId, "delete device"));
  }
}

function userOf(userId: string, action: string): { userId: string } {
  requireId(userId, action, "userId");
  return { userId };
}
