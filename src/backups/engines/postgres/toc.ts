/** What a dump in custom format holds, as `pg_restore --list` tells. */
import { type Client, PG_RESTORE } from "./client.ts";

/** One entry of the table of contents. */
export interface TocEntry {
  /** As pg_restore takes it back with `--use-list`. */
  line: string;
  /** `schema/name/KIND`; `-` for what is in no schema. */
  path: string;
}

/** Kinds of two and more words; all others are of one. */
const LONG_KINDS = [
  "MATERIALIZED VIEW DATA",
  "TEXT SEARCH CONFIGURATION",
  "TEXT SEARCH DICTIONARY",
  "TEXT SEARCH TEMPLATE",
  "TEXT SEARCH PARSER",
  "FOREIGN DATA WRAPPER",
  "PUBLICATION TABLES IN SCHEMA",
  "ROW SECURITY",
  "PROCEDURAL LANGUAGE",
  "SEQUENCE OWNED BY",
  "PUBLICATION TABLE",
  "MATERIALIZED VIEW",
  "OPERATOR FAMILY",
  "OPERATOR CLASS",
  "FOREIGN SERVER",
  "FOREIGN TABLE",
  "CHECK CONSTRAINT",
  "FK CONSTRAINT",
  "EVENT TRIGGER",
  "ACCESS METHOD",
  "SECURITY LABEL",
  "USER MAPPING",
  "BLOB METADATA",
  "LARGE OBJECT",
  "DEFAULT ACL",
  "DATABASE PROPERTIES",
  "TABLE ATTACH",
  "INDEX ATTACH",
  "SEQUENCE SET",
  "SHELL TYPE",
  "TABLE DATA",
];

/** The table of contents. */
export async function tocOf(client: Client, file: string): Promise<TocEntry[]> {
  const lines: string[] = [];
  await client.run({
    tool: PG_RESTORE,
    args: ["--list", file],
    onLine: (line) => void lines.push(line),
    quiet: true,
    action: `read "${file}"`,
  });
  return tocEntries(lines);
}

/** The entries in their order; lines that are comments are none. */
export function tocEntries(lines: readonly string[]): TocEntry[] {
  return lines.flatMap((line) => {
    const rest = /^\d+; \d+ \d+ (.+)$/.exec(line)?.[1];
    return rest === undefined ? [] : [{ line, path: pathOf(rest) }];
  });
}

/** `TABLE DATA public people ada`: names are not quoted, so one with spaces can only be told from its owner by place. */
function pathOf(rest: string): string {
  const kind = LONG_KINDS.find((long) => rest.startsWith(`${long} `)) ?? rest.split(" ", 1)[0] ?? "";
  const [schema = "-", ...names] = rest.slice(kind.length + 1).split(" ");
  return `${schema}/${names.slice(0, -1).join(" ") || "-"}/${kind}`;
}
