/** What happened: sessions, the audit log, the DNS log; and regions. */
import { z } from "zod";
import { count, flag, text, texts } from "./fields.ts";

export const Region = z.object({
  id: z.string(),
  continent: text,
  country: text,
  countryIso: text,
  regionName: text,
});
export type Region = z.output<typeof Region>;

/** One connection of a device, host or network to the tenant. */
export const Session = z.object({
  id: z.string(),
  userName: text,
  userId: text,
  userGroup: text,
  primaryGroupName: text,
  secondaryGroupNames: texts,
  hostName: text,
  hostId: text,
  networkName: text,
  networkId: text,
  deviceName: text,
  deviceId: text,
  clientUUID: text,
  osType: text,
  osVersion: text,
  connectorName: text,
  connectorId: text,
  region: text,
  sessionStartTime: text,
  status: text,
  disconnectReason: text,
  disconnectReasonDescription: text,
  firstName: text,
  lastName: text,
  email: text,
  bytesIn: count,
  bytesOut: count,
  protocol: text,
  publicIp: text,
  tunnelIpV4: text,
  tunnelIpV6: text,
  sessionEndTime: text,
  sessionDurationSeconds: count,
});
export type Session = z.output<typeof Session>;

export const SessionsBatch = z.object({ sessions: z.array(Session), nextCursor: text });

/** One line of the tenant's audit log. */
export const AuditLog = z.object({
  id: z.string(),
  tenantId: text,
  timestamp: text,
  initiatorType: text,
  initiatorId: text,
  initiatorFirstName: text,
  initiatorLastName: text,
  initiatorEmail: text,
  initiatorName: text,
  initiatorPublicIp: text,
  initiatorAttributes: z.record(z.string(), z.unknown()).nullish(),
  operation: text,
  entityType: text,
  entityId: text,
  entityName: text,
  entityParentType: text,
  entityParentId: text,
  entityParentName: text,
  description: text,
  requestId: text,
  additionalInfo: z.array(z.object({ name: z.unknown(), value: z.unknown() })).nullish(),
  fields: z.array(z.object({ name: z.unknown(), oldValue: z.unknown(), newValue: z.unknown() })).nullish(),
  initiatorDeleted: flag,
});
export type AuditLog = z.output<typeof AuditLog>;

export const AuditLogsBatch = z.object({ auditLogs: z.array(AuditLog), nextCursor: text });

/** How often a user asked for a name within an hour. */
export const DnsLogEntry = z.object({
  /** Milliseconds since the epoch. */
  time: count,
  domain: text,
  /** `user@cloudid`. */
  memberId: text,
  internalDomain: flag,
  allowedCount: count,
  blockedCount: count,
  failedCount: count,
});
export type DnsLogEntry = z.output<typeof DnsLogEntry>;

/** What a new tenant is reached with: a secret. */
export const NewTenant = z.object({ clientId: z.string(), clientSecret: z.string() });
export type NewTenant = z.output<typeof NewTenant>;
