/** Names in the tenant's DNS. */
import type { Connection } from "../connection.ts";
import { checkDnsRecord } from "../rules.ts";
import { DnsRecord, type DnsRecordRequest } from "../schemas/access.ts";
import { Collection } from "./collection.ts";

export type DnsRecords = Collection<DnsRecord, DnsRecordRequest>;

export function dnsRecords(connection: Connection): DnsRecords {
  return new Collection<DnsRecord, DnsRecordRequest>(connection, {
    path: "/dns-records",
    one: "DNS record",
    many: "DNS records",
    item: DnsRecord,
    checkCreate: checkDnsRecord,
    checkUpdate: checkDnsRecord,
  });
}
