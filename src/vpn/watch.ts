/** From what a tenant was and is to what changed and who has to hear of it: pure. */
import type { AlertEvent, Text } from "../notify/mod.ts";
import { isOnline } from "./schemas/fields.ts";
import type { ThingRow } from "./tables.ts";

/** One field of a change. */
export interface FieldChange {
  field: string;
  from: unknown;
  to: unknown;
}

/** What became of a thing between two looks. */
export interface ThingChange {
  action: "created" | "updated" | "deleted";
  kind: string;
  id: string;
  name: string;
  fields: FieldChange[];
}

/** What differs between two looks; rows are by kind and id. */
export function changesBetween(before: readonly ThingRow[], after: readonly ThingRow[]): ThingChange[] {
  const keyOf = ({ kind, id }: ThingRow) => `${kind}/${id}`;
  const old = new Map(before.map((row) => [keyOf(row), row]));
  const changes: ThingChange[] = [];
  for (const row of after) {
    const { kind, id, name } = row;
    const was = old.get(keyOf(row));
    old.delete(keyOf(row));
    if (was === undefined) changes.push({ action: "created", kind, id, name, fields: [] });
    else if (was.body !== row.body) {
      changes.push({ action: "updated", kind, id, name, fields: fieldsBetween(was.body, row.body) });
    }
  }
  for (const { kind, id, name } of old.values()) {
    changes.push({ action: "deleted", kind, id, name, fields: [] });
  }
  return changes;
}

function fieldsBetween(before: string, after: string): FieldChange[] {
  const [from, to]: Record<string, unknown>[] = [JSON.parse(before), JSON.parse(after)];
  return [...new Set([...Object.keys(from ?? {}), ...Object.keys(to ?? {})])]
    .map((field) => ({ field, from: from?.[field] ?? null, to: to?.[field] ?? null }))
    .filter((change) => JSON.stringify(change.from) !== JSON.stringify(change.to));
}

const BLOCKED = /^SUSPENDED/;

/** What people are told of changes: connectors that left, users who were blocked, settings that are others. */
export function alertsOf(
  tenant: string,
  at: string,
  before: readonly ThingRow[],
  after: readonly ThingRow[],
  changes: readonly ThingChange[],
): AlertEvent[] {
  return [
    ...connectorAlerts(tenant, at, before, after),
    ...changes.flatMap((change) => userAlerts(tenant, at, change)),
    ...changes.flatMap((change) => settingAlerts(tenant, at, change)),
  ];
}

/** A connector counts as gone once it was seen online; one that never was is being set up. */
function connectorAlerts(
  tenant: string,
  at: string,
  before: readonly ThingRow[],
  after: readonly ThingRow[],
): AlertEvent[] {
  const isConnector = ({ kind }: ThingRow) => kind.endsWith("-connectors");
  const was = new Map(before.filter(isConnector).map((row) => [row.id, row]));
  const events: AlertEvent[] = [];
  const tell = (row: ThingRow, kind: "finding" | "recovered", detail: Text) =>
    events.push({
      key: `vpn:${tenant}:connector:${row.id}:${kind}:${at}`,
      kind,
      alert: `vpn:${tenant}:connector:${row.id}`,
      code: "connector_offline",
      severity: "warning",
      subject: { kind: "connector", id: row.id, name: `${tenant}/${row.name}` },
      detail,
      facts: { tenant, connector: row.name, status: row.connection },
    });
  for (const row of after.filter(isConnector)) {
    const earlier = was.get(row.id);
    was.delete(row.id);
    if (earlier === undefined) continue;
    const [then, now] = [isOnline(earlier.connection), isOnline(row.connection)];
    if (then && !now) {
      tell(row, "finding", {
        en: `Connector "${row.name}" is offline`,
        fr: `Le connecteur « ${row.name} » est hors ligne`,
      });
    }
    if (!then && now) {
      tell(row, "recovered", {
        en: `Connector "${row.name}" is online`,
        fr: `Le connecteur « ${row.name} » est en ligne`,
      });
    }
  }
  for (const row of was.values()) {
    tell(row, "recovered", {
      en: `Connector "${row.name}" was deleted`,
      fr: `Le connecteur « ${row.name} » a été supprimé`,
    });
  }
  return events;
}

function userAlerts(tenant: string, at: string, { kind, id, name, fields }: ThingChange): AlertEvent[] {
  const status = kind === "users" ? fields.find(({ field }) => field === "status") : undefined;
  if (status === undefined || !BLOCKED.test(String(status.to)) || BLOCKED.test(String(status.from))) {
    return [];
  }
  return [{
    key: `vpn:${tenant}:user:${id}:blocked:${at}`,
    kind: "notice",
    alert: `vpn:${tenant}:user:${id}`,
    code: "user_blocked",
    severity: "info",
    subject: { kind: "vpn-user", id, name: `${tenant}/${name}` },
    detail: {
      en: `User "${name}" was suspended`,
      fr: `L'utilisateur « ${name} » a été suspendu`,
    },
    facts: { tenant, user: name, status: String(status.to) },
  }];
}

function settingAlerts(
  tenant: string,
  at: string,
  { kind, name, action, fields }: ThingChange,
): AlertEvent[] {
  if (kind !== "settings" || action !== "updated") return [];
  const value = fields.find(({ field }) => field === "value");
  return [{
    key: `vpn:${tenant}:setting:${name}:${at}`,
    kind: "notice",
    alert: `vpn:${tenant}:setting:${name}`,
    code: "settings_changed",
    severity: "warning",
    subject: { kind: "tenant", id: tenant, name: tenant },
    detail: {
      en: `Setting "${name}" of tenant "${tenant}" was changed`,
      fr: `Le réglage « ${name} » du locataire « ${tenant} » a été modifié`,
    },
    facts: {
      tenant,
      setting: name,
      from: JSON.stringify(value?.from ?? null),
      to: JSON.stringify(value?.to ?? null),
    },
  }];
}

/** A tenant that is not as it should be, or is again; null where that is no news. `differences` is null where nothing says how it should be. */
export function driftAlert(
  tenant: string,
  at: string,
  before: readonly string[],
  differences: readonly string[] | null,
): AlertEvent | null {
  const now = differences ?? [];
  if (JSON.stringify(before) === JSON.stringify(now)) return null;
  const kind = now.length > 0 ? "finding" : "recovered";
  return {
    key: `vpn:${tenant}:drift:${at}`,
    kind,
    alert: `vpn:${tenant}:drift`,
    code: "tenant_drift",
    severity: "warning",
    subject: { kind: "tenant", id: tenant, name: tenant },
    detail: now.length > 0
      ? {
        en: `Tenant "${tenant}" differs from its files in ${now.length} places`,
        fr: `Le locataire « ${tenant} » diffère de ses fichiers en ${now.length} endroits`,
      }
      : differences === null
      ? {
        en: `Tenant "${tenant}" is not compared with files any more`,
        fr: `Le locataire « ${tenant} » n'est plus comparé à des fichiers`,
      }
      : {
        en: `Tenant "${tenant}" is as its files say`,
        fr: `Le locataire « ${tenant} » est conforme à ses fichiers`,
      },
    facts: { tenant, differences: now.length, first: now.slice(0, 5).join(", ") || null },
  };
}

/** A key that ends soon; told each day once, closed when it was replaced. */
export function keyAlert(tenant: string, now: number, expires: string | null, warnDays: number): AlertEvent {
  const days = expires === null ? Infinity : Math.floor((Date.parse(expires) - now) / 86_400_000);
  const soon = days < warnDays;
  return {
    key: `vpn:${tenant}:key:${expires}:${soon ? days : "well"}`,
    kind: soon ? "finding" : "recovered",
    alert: `vpn:${tenant}:key`,
    code: days < 0 ? "key_expired" : "key_expires",
    severity: days < 0 ? "critical" : "warning",
    subject: { kind: "tenant", id: tenant, name: tenant },
    detail: !soon
      ? {
        en: `The API key of tenant "${tenant}" was replaced`,
        fr: `La clé d'API du locataire « ${tenant} » a été remplacée`,
      }
      : days < 0
      ? {
        en: `The API key of tenant "${tenant}" ended on ${expires}`,
        fr: `La clé d'API du locataire « ${tenant} » a expiré le ${expires}`,
      }
      : {
        en: `The API key of tenant "${tenant}" ends in ${days} days, on ${expires}`,
        fr: `La clé d'API du locataire « ${tenant} » expire dans ${days} jours, le ${expires}`,
      },
    facts: { tenant, expires },
  };
}
