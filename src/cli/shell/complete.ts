/** What can stand at the cursor of a line. */
import { basename, dirname, join } from "node:path";
import type { Place, Value } from "../commands/completion/tree.ts";
import { splitAtCursor, typed } from "./words.ts";

/** Names of things there are, such as schedules; never throws. */
export type NamesOf = (noun: string) => Promise<readonly string[]>;

/** Offers for a line: what the last word may become, and how much of the line that replaces. */
export interface Offers {
  words: string[];
  replaces: string;
}

/** Offers at the end of `line`. `root` holds the words that stand before every line, such as `veeam`. */
export async function offersFor(
  line: string,
  places: readonly Place[],
  root: readonly string[],
  namesOf: NamesOf,
): Promise<Offers> {
  const { before, last, written } = splitAtCursor(line);
  const { place, position, flag } = walk([...root, ...before], places);
  const assigned = flag === undefined ? /^(--?[\w-]+)=(.*)$/s.exec(last) : null;
  const value = flag ?? (assigned === null ? undefined : valueOf(places, place, assigned[1]!));
  const partial = assigned === null ? last : assigned[2]!;
  const words = value !== undefined
    ? await wordsFor(value, partial, namesOf)
    : last.startsWith("-")
    ? place.flags.map(({ word }) => word)
    : place.commands.length > 0
    ? place.commands.map(({ word }) => word)
    : await wordsFor(argumentOf(place, position), partial, namesOf);
  const prefix = assigned === null ? "" : `${assigned[1]}=`;
  const fitting = [...new Set(words)].filter((word) => word.startsWith(partial)).sort();
  return {
    // What is complete gets a blank behind it; a directory is not.
    words: fitting.map((word) =>
      prefix + typed(word) + (fitting.length > 1 || word.endsWith("/") ? "" : " ")
    ),
    replaces: written,
  };
}

interface Position {
  place: Place;
  /** Arguments that stand already. */
  position: number;
  /** What the flag before the cursor takes. */
  flag: Value | undefined;
}

/** Behind a word that is no command. */
const NOWHERE: Place = {
  path: "?",
  commands: [],
  flags: [],
  values: new Map(),
  arguments: [],
  repeats: false,
};

function walk(words: readonly string[], places: readonly Place[]): Position {
  let place = placeAt(places, "");
  let position = 0;
  let flag: Value | undefined;
  for (const word of words) {
    if (flag !== undefined) {
      flag = undefined;
      continue;
    }
    if (word.startsWith("-")) {
      flag = word.includes("=") ? undefined : valueOf(places, place, word);
      continue;
    }
    if (place.commands.some((command) => command.word === word)) {
      place = placeAt(places, place.path === "" ? word : `${place.path} ${word}`);
    } else if (place.commands.length > 0) place = NOWHERE;
    else position++;
  }
  return { place, position, flag };
}

function placeAt(places: readonly Place[], path: string): Place {
  return places.find((place) => place.path === path) ?? places[0]!;
}

/** The program's own flags stand behind every command. */
function valueOf(places: readonly Place[], place: Place, flag: string): Value | undefined {
  return place.values.get(flag) ?? placeAt(places, "").values.get(flag);
}

function argumentOf({ arguments: values, repeats }: Place, position: number): Value | undefined {
  return values[repeats ? Math.min(position, values.length - 1) : position];
}

async function wordsFor(
  value: Value | undefined,
  partial: string,
  namesOf: NamesOf,
): Promise<readonly string[]> {
  switch (value?.kind) {
    case "words":
      return value.words;
    case "names":
      return await namesOf(value.noun);
    case "directory":
    case "file":
      return pathsFor(partial, value.kind === "directory");
    default:
      return [];
  }
}

function pathsFor(partial: string, directories: boolean): string[] {
  const parent = partial.endsWith("/") ? partial : partial === "" ? "." : dirname(partial);
  const hidden = basename(partial).startsWith(".") && !partial.endsWith("/");
  try {
    return [...Deno.readDirSync(parent)]
      .filter(({ name, isDirectory }) => (hidden || !name.startsWith(".")) && (isDirectory || !directories))
      .map(({ name, isDirectory }) => {
        const path = parent === "." && !partial.startsWith("./") ? name : join(parent, name);
        return (partial.startsWith("./") ? `./${path}` : path) + (isDirectory ? "/" : "");
      });
  } catch {
    return [];
  }
}
