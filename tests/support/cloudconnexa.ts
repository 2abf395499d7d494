/**
 * A CloudConnexa tenant in memory: what the vendor's API answers, as far as its description and what others saw tell it.
 *
 * It keeps state, pages, cursors, tokens that end and a token bucket per key; it runs as release 1.1.0, 1.1.6 or 1.2.3, with or
 * without IPv6, and refuses what the real one refuses without its description saying so. A test holds each request and each
 * answer to the vendor's descriptions.
 */
import { Hono } from "hono";
import type { Context } from "hono";
import { type Clock, systemClock } from "../../src/lib/clock.ts";
import type { Fetch } from "../../src/lib/upstream.ts";
import { type BucketSettings, FakeBucket, FakeDoor, GENEROUS } from "./cloudconnexa_limits.ts";
import { type Body, fieldsOf, shown } from "./cloudconnexa_rules.ts";
import { bodyOf, page, PREFIX, reply } from "./cloudconnexa_replies.ts";
import { routeActions, routeLogs, routeSettings } from "./cloudconnexa_routes.ts";
import { type FakeSetting, freshSettings } from "./cloudconnexa_settings.ts";
import { FakeStore, type Kind, KINDS, Refusal, type Thing } from "./cloudconnexa_store.ts";

/** What makes a fake tenant. */
export interface FakeOptions {
  clock?: Clock;
  /** 1.1.0, 1.1.6 or 1.2.3 (default). */
  version?: string;
  ipv4Only?: boolean;
  /** One bucket for all calls of the key. */
  limits?: BucketSettings;
  /** A bucket of its own for everything that is no GET. */
  writeLimits?: BucketSettings;
}

/** One call and its answer. */
export interface Exchange {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  body: string;
  status: number;
  answer: string;
  type: string;
}

type Parent = { key: "networkId" | "hostId" | "userId"; kind: Kind };

/** Whose things are parts of which. */
const PARENTS: Partial<Record<Kind, Parent>> = {
  "networks/routes": { key: "networkId", kind: "networks" },
  "networks/connectors": { key: "networkId", kind: "networks" },
  "networks/ip-services": { key: "networkId", kind: "networks" },
  "networks/applications": { key: "networkId", kind: "networks" },
  "hosts/connectors": { key: "hostId", kind: "hosts" },
  "hosts/ip-services": { key: "hostId", kind: "hosts" },
  "hosts/applications": { key: "hostId", kind: "hosts" },
  devices: { key: "userId", kind: "users" },
};

/** Kinds that answer 200 where others answer 201 and 204. */
const PLAIN: readonly Kind[] = ["device-postures", "location-contexts"];

/** The tenant. */
export class FakeCloudConnexa {
  readonly store = new FakeStore();
  readonly door: FakeDoor;
  readonly settings: Map<string, FakeSetting> = freshSettings();
  readonly sessions: Body[] = [];
  readonly auditLog: Body[] = [];
  readonly dnsLog: Body[] = [];
  readonly shield = { allow: new Map<string, string>(), block: new Map<string, string>() };
  readonly switches = { "access-visibility": false, "dns-log/user-dns-resolutions": false };
  readonly regions: Body[] = REGIONS.map(([id, continent, country, countryIso, regionName]) => ({
    id,
    continent,
    country,
    countryIso,
    regionName,
  }));
  readonly exchanges: Exchange[] = [];
  /** Answers instead of the tenant, once per entry that answers something. */
  readonly faults: ((request: Request) => Response | undefined | Promise<Response | undefined>)[] = [];
  version: string;
  ipv4Only: boolean;
  /** A tenant may make tenants only where the vendor lets it. */
  mayMakeTenants = true;
  readonly #app = new Hono();
  readonly #buckets: { read: FakeBucket; write: FakeBucket };
  readonly clock: Clock;

  constructor(options: FakeOptions = {}) {
    const { clock = systemClock, version = "1.2.3", ipv4Only = false, limits = GENEROUS } = options;
    this.clock = clock;
    this.version = version;
    this.ipv4Only = ipv4Only;
    this.door = new FakeDoor(clock);
    const read = new FakeBucket(limits, clock);
    const write = options.writeLimits === undefined ? read : new FakeBucket(options.writeLimits, clock);
    this.#buckets = { read, write };
    this.#furnish();
    this.#route();
  }

  /** As `fetch`; each call is recorded. */
  readonly fetch: Fetch = async (url, init) => {
    const request = new Request(url, init);
    const body = await request.clone().text();
    const response = await this.answer(request);
    const { pathname, searchParams } = new URL(url);
    this.exchanges.push({
      method: request.method,
      path: pathname,
      query: Object.fromEntries(searchParams),
      headers: Object.fromEntries(request.headers),
      body,
      status: response.status,
      answer: await response.clone().text(),
      type: response.headers.get("content-type") ?? "",
    });
    return response;
  };

  /** Answers without recording, as a server does. */
  async answer(request: Request): Promise<Response> {
    for (const [i, fault] of this.faults.entries()) {
      const response = await fault(request);
      if (response === undefined) continue;
      this.faults.splice(i, 1);
      return response;
    }
    return await this.#app.fetch(request);
  }

  /** Serves on loopback; the address has no path. */
  serve(): { url: string } & AsyncDisposable {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) =>
        this.fetch(request.url, {
          method: request.method,
          headers: request.headers,
          ...(request.body === null ? {} : { body: request.body }),
        }),
    );
    return {
      url: `http://127.0.0.1:${server.addr.port}`,
      [Symbol.asyncDispose]: () => server.shutdown(),
    };
  }

  /** Calls other than for tokens, so far. */
  get calls(): number {
    return this.exchanges.filter(({ path }) => !path.endsWith("/oauth/token")).length;
  }

  /** The thing as the API shows it. */
  show(kind: Kind, { ...thing }: Thing): Body {
    if (kind === "networks/routes") delete thing.networkItemId;
    const parts: Body = {};
    const inside = (part: Kind) =>
      this.store.where(part, "networkItemId", thing.id).map((one) => this.show(part, one));
    if (kind === "networks") parts.routes = inside("networks/routes");
    if (kind === "networks") parts.connectors = inside("networks/connectors");
    if (kind === "hosts") parts.connectors = inside("hosts/connectors");
    if (kind === "users") {
      parts.devices = this.store.where("devices", "userId", thing.id).map((one) => this.show("devices", one));
    }
    const all: unknown = shown({ ...thing, ...parts }, this.version, this.ipv4Only);
    return typeof all === "object" && all !== null ? { ...all } : {};
  }

  /** Creates as a call would, with what belongs inside. */
  create(kind: Kind, body: Body, parentId?: string): Thing {
    const parentKind = PARENTS[kind]?.kind;
    const parent = parentKind === undefined ? undefined : this.store.get(parentKind, parentId ?? "");
    const context = {
      store: this.store,
      version: this.version,
      ipv4Only: this.ipv4Only,
      parent,
      before: undefined,
    };
    const thing = this.store.add(kind, fieldsOf(kind, body, context));
    try {
      for (const [part, of] of INSIDE) {
        if (of !== kind) continue;
        const bodies: unknown = body[part.split("/").at(-1) ?? ""];
        if (Array.isArray(bodies)) { for (const one of bodies) this.create(part, one, thing.id); }
      }
    } catch (error) {
      this.store.delete(kind, thing.id);
      throw error;
    }
    return thing;
  }

  #furnish(): void {
    const group = this.store.add("user-groups", {
      name: "Default",
      vpnRegionIds: [],
      allRegionsIncluded: true,
      internetAccess: "SPLIT_TUNNEL_ON",
      maxDevice: 3,
      connectAuth: "ON_PRIOR_AUTH",
      systemSubnets: ["100.80.0.0/16"],
      gatewaysIds: [],
      tunnelBypass: { ipv4Subnets: [] },
      _default: true,
    });
    this.store.add("users", {
      username: "owner@example.org",
      firstName: "Owner",
      lastName: "Example",
      email: "owner@example.org",
      groupId: group.id,
      secondaryGroupIds: [],
      status: "ACTIVE",
      authType: "INTERNAL",
      role: "OWNER",
      connectionStatus: "OFFLINE",
      licensed: true,
    });
    const everything = (type: string) => ({ type, allCovered: true, children: [] });
    this.store.add("access-groups", {
      name: "Full Mesh Access Group",
      description: "",
      defaultGroup: true,
      source: ["USER_GROUP", "NETWORK_SERVICE", "HOST"].map(everything),
      destination: ["USER_GROUP", "NETWORK_SERVICE", "HOST_SERVICE", "PUBLISHED_SERVICE"].map(everything),
    });
  }

  #route(): void {
    const app = this.#app;
    app.onError((error, c) => {
      if (error instanceof Refusal) return reply(c, error.status, error.body);
      throw error;
    });
    app.notFound((c) =>
      reply(c, 404, { errorDetails: {}, errorMessage: "Not found", statusError: "NOT_FOUND" })
    );
    app.post(`${PREFIX}/oauth/token`, (c) => {
      const token = this.door.token(c.req.header("authorization"));
      return token === undefined ? c.body(null, 401) : c.json(token);
    });
    app.use(`${PREFIX}/*`, async (c, next) => {
      const isRead = c.req.method === "GET";
      const bucket = this.#buckets[isRead ? "read" : "write"];
      const passes = bucket.take();
      if (!passes) return c.body(null, 429, bucket.headers);
      for (const [name, value] of Object.entries(bucket.headers)) c.header(name, value);
      if (!this.door.isGood(c.req.header("authorization"))) return c.body(null, 401);
      const what = c.req.path.slice(PREFIX.length + 1).split("/")[0] ?? "";
      if ((isRead ? this.door.mayNotRead : this.door.mayNotChange).has(what)) return c.body(null, 403);
      await next();
      const { status } = c.res;
      if (!isRead && status < 300) this.#noteChange(c.req.method, c.req.path.slice(PREFIX.length));
    });
    routeActions(app, this);
    routeLogs(app, this);
    routeSettings(app, this);
    for (const kind of [...KINDS].sort((a, b) => b.length - a.length)) this.#routeKind(kind);
  }

  #routeKind(kind: Kind): void {
    const path = `${PREFIX}/${kind}`;
    const app = this.#app;
    const parent = PARENTS[kind];
    const parentKey = kind === "devices" ? "userId" : "networkItemId";
    const needed = (c: Context) => {
      if (parent === undefined) return undefined;
      const id = c.req.query(parent.key);
      if (id === undefined) {
        throw new Refusal(parent.key, `Required parameter '${parent.key}' is not present`);
      }
      return id;
    };
    app.get(path, (c) => {
      const of = parent === undefined ? undefined : c.req.query(parent.key);
      const all = of === undefined ? this.store.all(kind) : this.store.where(kind, parentKey, of);
      return reply(c, 200, page(c, all, 1, 1000, 10, (thing) => this.show(kind, thing)));
    });
    app.post(path, async (c) => {
      const thing = this.create(kind, await bodyOf(c), needed(c));
      return reply(c, PLAIN.includes(kind) ? 200 : 201, this.show(kind, thing));
    });
    const one = (c: Context) => {
      if (kind === "devices") needed(c);
      const thing = this.store.get(kind, c.req.param("id") ?? "");
      if (kind === "devices" && thing.userId !== c.req.query("userId")) {
        throw new Refusal("id", "No such device", "NOT_FOUND", 404);
      }
      return thing;
    };
    app.get(`${path}/:id`, (c) => reply(c, 200, this.show(kind, one(c))));
    app.put(`${path}/:id`, async (c) => {
      const before = one(c);
      const parentId = String(before[parentKey] ?? "");
      const found = parent === undefined ? undefined : this.store.find(parent.kind, parentId);
      const { version, ipv4Only, store } = this;
      const fields = fieldsOf(kind, await bodyOf(c), { store, version, ipv4Only, parent: found, before });
      const hidden = Object.fromEntries(Object.entries(before).filter(([key]) => key.startsWith("_")));
      return reply(c, 200, this.show(kind, store.replace(kind, before.id, { ...hidden, ...fields })));
    });
    app.delete(`${path}/:id`, (c) => {
      const thing = one(c);
      if (thing.role === "OWNER") throw new Refusal("role", "Owner can not be deleted", "OWNER");
      if (thing._default === true || thing.defaultGroup === true) {
        throw new Refusal("id", "The default group can not be deleted", "DEFAULT");
      }
      if (kind === "user-groups" && this.store.where("users", "groupId", thing.id).length > 0) {
        throw new Refusal("id", "The group has users", "IN_USE");
      }
      this.store.delete(kind, thing.id);
      return c.body(null, PLAIN.includes(kind) ? 200 : 204);
    });
  }

  #noteChange(method: string, path: string): void {
    const [entityType = "", entityId = ""] = path.slice(1).split(/\/(?=[0-9a-f]{8}-)|\/(?=[^/]*$)/);
    this.auditLog.push({
      id: this.store.newId(),
      tenantId: "acme",
      timestamp: new Date(this.clock.now()).toISOString(),
      initiatorType: "API",
      initiatorId: "key-1",
      initiatorName: "key-1",
      operation: { POST: "CREATE", PUT: "UPDATE", DELETE: "DELETE" }[method] ?? method,
      entityType: entityType.toUpperCase(),
      entityId,
      description: `${method} ${path}`,
    });
  }
}

const INSIDE: readonly [part: Kind, of: Kind][] = [
  ["networks/routes", "networks"],
  ["networks/connectors", "networks"],
  ["hosts/connectors", "hosts"],
  ["devices", "users"],
];

const REGIONS = [
  ["eu-central-1", "Europe", "Germany", "DE", "Frankfurt"],
  ["us-east-1", "North America", "United States", "US", "Virginia"],
  ["it-mxp", "Europe", "Italy", "IT", "Milan"],
] as const;
