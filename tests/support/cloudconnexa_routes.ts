/** What the fake tenant answers besides the things of its collections. */
import type { Context, Hono } from "hono";
import type { FakeCloudConnexa } from "./cloudconnexa.ts";
import { batch, bodyOf, page, PREFIX, reply } from "./cloudconnexa_replies.ts";
import { type Body, isBefore, shown } from "./cloudconnexa_rules.ts";
import { type Kind, Refusal } from "./cloudconnexa_store.ts";

const DAY_MS = 86_400_000;

/** What is done with things, and the switches. */
export function routeActions(app: Hono, tenant: FakeCloudConnexa): void {
  const since = (release: string) => {
    if (isBefore(tenant.version, release)) throw new Refusal("path", "Not found", "NOT_FOUND", 404);
  };
  for (const side of ["networks", "hosts"] as const) {
    const kind: Kind = `${side}/connectors`;
    const path = `${PREFIX}/${kind}/:id`;
    const one = (c: Context) => tenant.store.get(kind, c.req.param("id") ?? "");
    app.post(`${path}/profile`, (c) => c.text(`client\n# profile of ${one(c).id}\nremote example\n`));
    app.delete(`${path}/profile`, (c) => c.json(one(c) !== undefined));
    app.post(`${path}/profile/encrypt`, (c) => c.text(`setup-token-of-${one(c).id}`));
    app.post(`${path}/profile/bundle`, (c) => {
      const type = c.req.query("type") ?? "";
      if (!["DMG", "MSI"].includes(type)) throw new Refusal("type", "must be DMG or MSI");
      return c.text(`https://downloads.example/${one(c).id}.${type.toLowerCase()}`);
    });
    for (const verb of ["activate", "suspend"]) {
      app.put(`${path}/${verb}`, (c) => {
        since("1.2.0");
        const { ipSecConfig } = one(c);
        if (typeof ipSecConfig === "object" && ipSecConfig !== null) {
          Reflect.set(ipSecConfig, "connectorState", verb === "suspend" ? "SUSPENDED" : "ACTIVE");
        }
        Reflect.set(one(c), "_suspended", verb === "suspend");
        return c.body(null, 200);
      });
    }
  }
  for (const verb of ["start", "stop"]) {
    app.post(`${PREFIX}/networks/connectors/:id/ipsec/${verb}`, (c) => {
      const connector = tenant.store.get("networks/connectors", c.req.param("id"));
      if (connector.tunnelingProtocol !== "IPSEC") {
        throw new Refusal("id", "Connect/Stop actions are forbidden for non IPSEC connector");
      }
      connector.connectionStatus = verb === "start" ? "ONLINE" : "OFFLINE";
      return c.body(null, 200);
    });
  }
  const users = `${PREFIX}/users/:id`;
  const user = (c: Context) => tenant.store.get("users", c.req.param("id") ?? "");
  for (const [verb, status] of [["activate", "ACTIVE"], ["suspend", "SUSPENDED"]] as const) {
    app.put(`${users}/${verb}`, (c) => {
      since("1.1.1");
      user(c).status = status;
      return c.body(null, 200);
    });
  }
  for (
    const [verb, release] of [["reset-mfa", "1.2.0"], ["resend-invitation", "1.2.0"], [
      "force-password-change",
      "1.2.3",
    ]] as const
  ) {
    app.post(`${users}/${verb}`, (c) => {
      since(release);
      user(c);
      return c.body(null, 200);
    });
  }
  const device = (c: Context) => {
    const found = tenant.store.get("devices", c.req.param("id") ?? "");
    if (found.userId !== c.req.query("userId")) {
      throw new Refusal("userId", "No such device", "NOT_FOUND", 404);
    }
    return found;
  };
  app.post(`${PREFIX}/devices/:id/profile`, (c) => {
    if (c.req.query("regionId") === undefined) throw new Refusal("regionId", "is not present");
    return c.text(`client\n# profile of ${device(c).id}\n`);
  });
  app.delete(`${PREFIX}/devices/:id/profile`, (c) => c.text(`revoked ${device(c).id}`));
  for (const side of ["source", "destination"] as const) {
    const path = `${PREFIX}/access-groups/:id/${side}`;
    app.post(path, async (c) => {
      const group = tenant.store.get("access-groups", c.req.param("id") ?? "");
      group[side] = [...things(group[side]), await bodyOf(c)];
      return reply(c, 200, tenant.show("access-groups", group));
    });
    app.delete(path, (c) => {
      const group = tenant.store.get("access-groups", c.req.param("id") ?? "");
      const { type, parentId, childId } = c.req.query();
      const fits = (item: Body) =>
        item.type === type && (parentId === undefined || item.parent === parentId) &&
        (childId === undefined || Array.isArray(item.children) && item.children.includes(childId));
      group[side] = things(group[side]).filter((item) => !fits(item));
      return reply(c, 200, tenant.show("access-groups", group));
    });
  }
  for (const list of ["allow", "block"] as const) {
    app.post(`${PREFIX}/cybershield/${list}-list-add-domains`, async (c) => {
      for (const { domain, comment } of things((await bodyOf(c)).domainAndComments)) {
        tenant.shield[list].set(String(domain), String(comment ?? ""));
      }
      return c.body(null, 200);
    });
    app.post(`${PREFIX}/cybershield/${list}-list-remove-domains`, async (c) => {
      const { domains } = await bodyOf(c);
      if (Array.isArray(domains)) {
        for (const domain of domains) tenant.shield[list].delete(String(domain));
      }
      return c.body(null, 200);
    });
  }
  for (const name of ["access-visibility", "dns-log/user-dns-resolutions"] as const) {
    const path = `${PREFIX}/${name}`;
    const needed = name === "access-visibility" ? "1.1.1" : "1.0";
    app.get(`${path}/enabled`, (c) => {
      since("1.1.1");
      return c.json(tenant.switches[name]);
    });
    for (const verb of ["enable", "disable"] as const) {
      app.put(`${path}/${verb}`, (c) => {
        since(needed);
        tenant.switches[name] = verb === "enable";
        return c.body(null, 200);
      });
    }
  }
  app.post(`${PREFIX}/account/cloud-id`, (c) => {
    since("1.1.6");
    if (!tenant.mayMakeTenants) throw new Refusal("id", "Not allowed", "FORBIDDEN", 403);
    return c.json({ clientId: `key-1.${c.req.query("id")}`, clientSecret: "secret-of-the-new-tenant" });
  });
  app.get(`${PREFIX}/regions`, (c) => c.json(tenant.regions));
}

/** Sessions, audit log and DNS log. */
export function routeLogs(app: Hono, tenant: FakeCloudConnexa): void {
  app.get(`${PREFIX}/sessions`, (c) => {
    const { startDate, endDate, status } = c.req.query();
    const from = startDate === undefined ? tenant.clock.now() - DAY_MS : instant("startDate", startDate);
    const to = endDate === undefined ? Infinity : instant("endDate", endDate);
    const onlyNew = c.req.query("returnOnlyNew") === "true";
    const fits = tenant.sessions.filter((session) => {
      const begin = Date.parse(String(session.sessionStartTime));
      const end = session.sessionEndTime === undefined ? begin : Date.parse(String(session.sessionEndTime));
      const inside = (at: number) => at >= from && at < to;
      return (inside(begin) || !onlyNew && inside(end)) &&
        (status === undefined || session.status === status);
    });
    return reply(c, 200, batch(tenant, c, "sessions", fits));
  });
  app.get(`${PREFIX}/audit-log`, (c) => {
    if (isBefore(tenant.version, "1.1.6")) throw new Refusal("path", "Not found", "NOT_FOUND", 404);
    const { startDate, endDate, initiatorId } = c.req.query();
    const from = startDate === undefined ? tenant.clock.now() - DAY_MS : instant("startDate", startDate);
    const to = endDate === undefined ? from + DAY_MS : instant("endDate", endDate);
    if (to - from > DAY_MS) throw new Refusal("endDate", "The period must not exceed 24 hours");
    const fits = tenant.auditLog.filter((line) => {
      const at = Date.parse(String(line.timestamp));
      return at >= from && at < to && (initiatorId === undefined || line.initiatorId === initiatorId);
    });
    return reply(c, 200, batch(tenant, c, "auditLogs", fits));
  });
  app.get(`${PREFIX}/dns-log/user-dns-resolutions/page`, (c) => {
    const from = instant("startHour", c.req.query("startHour") ?? "");
    const to = from + Number(c.req.query("hoursBack") ?? 1) * 3_600_000;
    const fits = tenant.dnsLog.filter((entry) => Number(entry.time) >= from && Number(entry.time) < to);
    return reply(c, 200, page(c, fits, 10, 10_000, 500, (entry) => entry));
  });
}

/** One path per setting. */
export function routeSettings(app: Hono, tenant: FakeCloudConnexa): void {
  for (const [name, setting] of tenant.settings) {
    const path = `${PREFIX}/settings/${name}`;
    const known = () => {
      if (setting.since !== undefined && isBefore(tenant.version, setting.since)) {
        throw new Refusal("path", "Not found", "NOT_FOUND", 404);
      }
    };
    app.get(path, (c) => {
      known();
      if (setting.value === undefined) return c.body(null, 200);
      if (setting.text) return c.text(String(setting.value));
      return reply(c, 200, shown(setting.value, tenant.version, tenant.ipv4Only));
    });
    if (setting.readOnly) continue;
    app.put(path, async (c) => {
      known();
      const body = await c.req.text();
      try {
        setting.value = setting.text ? body : JSON.parse(body);
      } catch {
        throw new Refusal("body", "Malformed JSON");
      }
      return setting.text ? c.text(body) : reply(c, 200, setting.value);
    });
  }
}

function things(value: unknown): Body[] {
  return Array.isArray(value) ? value : [];
}

function instant(name: string, text: string): number {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new Refusal(name, "is not an instant");
  return at;
}
