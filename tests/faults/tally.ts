/**
 * Counts faults tried and survived, for the table in the README. Each kind is counted by one file of tests, which leaves
 * its counts in `.bench/faults/KIND.json`; `deno task faults` puts them together.
 */
import { join } from "node:path";
import { z } from "zod";

/** Where counts are left. */
export const COUNTS_DIR = ".bench/faults";

/** What is tried, in the order of the table: in words, and how often at least. */
export const FAULTS = {
  steps: { words: "`kill -9` at each named write point of a run", least: 9 },
  kills: { words: "`kill -9` at a random moment", least: 200 },
  daemon: { words: "`kill -9` of the whole daemon at a random moment", least: 10 },
  restarts: { words: "restart while one and the same run is under way", least: 20 },
  disk_state: { words: "disk full where the program keeps its state", least: 2 },
  disk_log: { words: "disk full where the daemon's log goes", least: 1 },
  disk_destination: { words: "disk full where the backups go", least: 2 },
  clock: {
    words: "clock set an hour ahead, an hour back, a day ahead, back to 1970, back during a run",
    least: 5,
  },
  dst: { words: "change to and from summer time, in four zones", least: 8 },
  crowd: { words: "10,000 schedules due in one minute", least: 1 },
  upgrade: { words: "upgrade from the first release's schema", least: 1 },
} as const;
export type FaultKind = keyof typeof FAULTS;
export const KINDS = Object.keys(FAULTS).filter((word): word is FaultKind => word in FAULTS);

/** How the table stands in the README; what is between is written by `deno task faults --readme`. */
export const TABLE = /(<!-- faults: .*? -->\n\n)([^]*?)(\n\n<!-- faults end -->)/;

const HEAD = ["| Fault | Tried | Survived |", "|---|---|---|"];

/** The rows of the table in words. */
export function tableOf(counts: Readonly<Record<FaultKind, Count>>): string {
  const rows = KINDS.map((kind) =>
    `| ${FAULTS[kind].words} | ${counts[kind].tried} | ${counts[kind].survived} |`
  );
  return [...HEAD, ...rows].join("\n");
}

/** The counts of a table; it throws for a row that is not as it should be written. */
export function readTable(table: string): Record<FaultKind, Count> {
  const lines = table.split("\n").slice(HEAD.length);
  const counts = KINDS.map((kind, index) => {
    const [, words, tried, survived] = /^\| (.+) \| (\d+) \| (\d+) \|$/.exec(lines[index] ?? "") ?? [];
    if (words !== FAULTS[kind].words) throw new Error(`README: no row for "${FAULTS[kind].words}"`);
    return [kind, { tried: Number(tried), survived: Number(survived) }] as const;
  });
  return Counts.parse(Object.fromEntries(counts));
}

/** How often a fault was tried, and how often all held afterwards. */
export const Count = z.object({ tried: z.int(), survived: z.int() });
export type Count = z.infer<typeof Count>;
/** The counts of all kinds. */
export const Counts = z.record(z.enum(KINDS), Count);

/** The counts of one kind. */
export class Tally {
  readonly #kind: FaultKind;
  readonly #count: Count = { tried: 0, survived: 0 };

  constructor(kind: FaultKind) {
    this.#kind = kind;
  }

  /** Counts a fault: `work` inflicts it and asserts what must hold afterwards, or throws. */
  async survive<T>(work: () => Promise<T>): Promise<T> {
    this.#count.tried++;
    try {
      const result = await work();
      this.#count.survived++;
      return result;
    } finally {
      Deno.mkdirSync(COUNTS_DIR, { recursive: true });
      Deno.writeTextFileSync(join(COUNTS_DIR, `${this.#kind}.json`), JSON.stringify(this.#count));
    }
  }
}
