/** Leases in the table that a router prints, whose columns differ from release to release. */

/** One lease. */
export interface Lease {
  address: string;
  mac: string | null;
  host_name: string | null;
  state: string | null;
  /** As the router writes it. */
  expires: string | null;
}

/** Headings of the columns, in any of the releases. */
const COLUMNS: readonly [keyof Lease, RegExp][] = [
  ["address", /^ip address/i],
  ["mac", /^(mac|hardware) address/i],
  ["host_name", /^(hostname|client name)/i],
  ["state", /^state/i],
  ["expires", /^lease expiration/i],
];

/** Reads the table: a line of headings, a line of dashes that gives the columns, then the leases. */
export function leasesOf(text: string): Lease[] {
  const lines = text.split("\n");
  const rule = lines.findIndex((line) => /^-{2,}( +-{2,})*\s*$/.test(line));
  if (rule < 1) return [];
  const columns = [...lines[rule]!.matchAll(/-+/g)].map(({ index, 0: { length } }) =>
    [index, index + length] as const
  );
  const headings = columns.map(([from, to]) => lines[rule - 1]!.slice(from, to).trim());
  return lines.slice(rule + 1).filter((line) => line.trim() !== "").flatMap((line): Lease[] => {
    const cell = (pattern: RegExp) => {
      const index = headings.findIndex((heading) => pattern.test(heading));
      const [from, to] = columns[index] ?? [0, 0];
      return line.slice(from, to).trim() || null;
    };
    const { address, ...rest } = Object.fromEntries(COLUMNS.map(([key, pattern]) => [key, cell(pattern)]));
    if (typeof address !== "string") return [];
    const { mac = null, host_name = null, state = null, expires = null } = rest;
    return [{ address, mac, host_name, state, expires }];
  });
}
