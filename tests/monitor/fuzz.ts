/** Made-up input: a generator of random numbers that can be repeated, and ways to spoil what is good. */

/** Random numbers from a seed (mulberry32); the same seed gives the same numbers. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 up to, and without, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** 0 up to, and without, `below`. */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)]!;
  }
}

const PIECES = [
  ...'{}[]":,*?/\\.-_ @#LW\n\t\0',
  "..",
  "**",
  "${",
  "{year}",
  "{city}",
  "{nonsense}",
  "__proto__",
  "null",
  "true",
  "-1",
  "1e999",
  "9007199254740993",
  "é",
  "😀",
  "\u202e",
  "\ud800",
  "\uFEFF",
  "//",
  "/*",
  "*/",
  "0-59/0",
  "@daily",
  "JAN-DEC",
  "a".repeat(300),
];

/** A text of random pieces. */
export function randomText(random: Random, pieces = 12): string {
  return Array.from({ length: random.int(pieces) }, () => random.pick(PIECES)).join("");
}

/** The bytes with some of them changed, left out, repeated or put in. */
export function spoilBytes(random: Random, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let result = [...bytes];
  for (let times = 1 + random.int(4); times > 0; times--) {
    const at = random.int(result.length + 1);
    const count = random.int(20);
    const how = random.int(5);
    if (how === 0) result = result.slice(0, at);
    else if (how === 1) result.splice(at, count);
    else if (how === 2) result.splice(at, 0, ...result.slice(at, at + count));
    else if (how === 3) result.splice(at, 0, ...new TextEncoder().encode(randomText(random)));
    else result[at] = random.int(256);
  }
  return new Uint8Array(result);
}

/** A value in which some leaf or branch became something else. */
export function spoilValue(random: Random, value: unknown): unknown {
  if (random.int(8) === 0) return randomValue(random);
  if (Array.isArray(value)) return value.map((item) => random.int(3) === 0 ? spoilValue(random, item) : item);
  if (typeof value !== "object" || value === null) return random.int(4) === 0 ? randomValue(random) : value;
  const entries = Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    if (random.int(25) === 0) return [];
    const name = random.int(25) === 0 ? randomText(random) : key;
    return [[name, random.int(2) === 0 ? spoilValue(random, inner) : inner]];
  });
  return Object.fromEntries(entries);
}

function randomValue(random: Random): unknown {
  return random.pick<() => unknown>([
    () => null,
    () => random.int(2) === 0,
    () => (random.next() - 0.5) * 10 ** random.int(20),
    () => randomText(random),
    () => [randomText(random), {}],
    () => ({ [randomText(random)]: randomText(random) }),
    () => undefined,
  ])();
}
