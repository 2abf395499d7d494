/** Finding the setting that a key, a variable or a flag means, and the nearest one when there is none. */
import { nearest } from "../lib/errors.ts";
import { type Alias, type ConfigLeaf, UNNAMED } from "./leaves.ts";

/** What the name of an upstream may look like; it must survive the way through a variable's name and back. */
export const UPSTREAM_NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** A setting that was found by one of its names. */
export interface Found {
  leaf: ConfigLeaf;
  path: string;
  /** The name was that of a file with the secret: `password_file`, `NAME_FILE`. */
  inFile: boolean;
  /** The name was one of an earlier tool. */
  alias?: Alias;
}

/** The settings of a schema by every name they have. */
export class Names {
  readonly #byPath = new Map<string, Found>();
  readonly #byVariable = new Map<string, Found>();
  readonly #named: ConfigLeaf[];
  readonly #elsewhere: ReadonlySet<string>;
  readonly #elsewherePrefixes: readonly string[];

  /** `elsewhere` are sections that belong to somebody else's schema: what stands in them is not judged. */
  constructor(readonly leaves: readonly ConfigLeaf[], elsewhere: Iterable<string> = []) {
    this.#elsewhere = new Set(elsewhere);
    this.#elsewherePrefixes = [...this.#elsewhere].map((section) => `${PREFIX}${section.toUpperCase()}_`);
    this.#named = leaves.filter((leaf) => leaf.path.includes("*"));
    for (const leaf of leaves) {
      const path = leaf.path.replace("*", UNNAMED);
      if (path === leaf.path) {
        this.#add(this.#byPath, leaf, path, path, "_file");
        this.#add(this.#byVariable, leaf, path, leaf.env, "_FILE");
      }
      for (const alias of leaf.aliases) this.#add(this.#byVariable, leaf, path, alias.name, "_FILE", alias);
    }
  }

  #add(
    map: Map<string, Found>,
    leaf: ConfigLeaf,
    path: string,
    name: string,
    suffix: string,
    alias?: Alias,
  ): void {
    const rest = { leaf, path, ...(alias === undefined ? {} : { alias }) };
    map.set(name, { ...rest, inFile: false });
    if (leaf.secret) map.set(name + suffix, { ...rest, inFile: true });
  }

  /** The setting at a YAML key such as `api.key`, `api.key_file` or `veeam.servers.paris.host`. */
  at(path: string): Found | undefined {
    const fixed = this.#byPath.get(path);
    if (fixed !== undefined) return fixed;
    for (const leaf of this.#named) {
      const [before = "", after = ""] = leaf.path.split("*");
      if (!path.startsWith(before)) continue;
      const inFile = leaf.secret && path.endsWith(`${after}_file`);
      const end = inFile ? `${after}_file` : after;
      const name = path.slice(before.length, path.length - end.length);
      if (path.endsWith(end) && UPSTREAM_NAME.test(name)) {
        return { leaf, path: before + name + after, inFile };
      }
    }
    return undefined;
  }

  /** The setting of a variable, under its own name or that of an earlier tool. */
  variable(name: string): Found | undefined {
    const fixed = this.#byVariable.get(name);
    if (fixed !== undefined) return fixed;
    for (const leaf of this.#named) {
      const [before = "", after = ""] = leaf.env.split("<NAME>");
      if (!name.startsWith(before)) continue;
      const match = new RegExp(
        `^${before}([A-Z0-9]+(?:_[A-Z0-9]+)*?)${after}${leaf.secret ? "(_FILE)?" : ""}$`,
      ).exec(name);
      if (match === null) continue;
      const path = leaf.path.replace("*", match[1]!.toLowerCase().replaceAll("_", "-"));
      return { leaf, path, inFile: match[2] !== undefined };
    }
    return undefined;
  }

  /** True for a section, or a variable of one, that is not judged here. */
  isElsewhere(name: string): boolean {
    return this.#elsewhere.has(name) || this.#elsewherePrefixes.some((prefix) => name.startsWith(prefix));
  }

  /** True when something lies below this key: `api`, `veeam.servers`, `veeam.servers.paris`. */
  isSection(path: string): boolean {
    return this.#below(path).length > 0;
  }

  /** What to say of a key that is no setting: the one most likely meant. */
  unknownKey(path: string): string {
    const dot = path.lastIndexOf(".");
    const [section, word] = dot < 0 ? ["", path] : [path.slice(0, dot), path.slice(dot + 1)];
    const siblings = this.#below(section);
    if (siblings.includes("*")) {
      return `unknown setting "${path}": a name is of lower-case letters and digits, with hyphens between`;
    }
    const sibling = nearest(word, siblings);
    const meant = sibling === undefined
      ? suggest(word, [...this.#byPath.keys()], ".")
      : path.slice(0, dot + 1) + sibling;
    return `unknown setting "${path}"${meant === undefined ? "" : `, did you mean "${meant}"`}`;
  }

  /** The words that may stand directly below a key; below the empty key, the sections. */
  #below(path: string): string[] {
    const parts = path === "" ? [] : path.split(".");
    const leaves = this.leaves.map((leaf) => leaf.path.split(".")).filter((words) =>
      words.length > parts.length &&
      parts.every((part, i) => words[i] === part || (words[i] === "*" && UPSTREAM_NAME.test(part)))
    );
    return [...new Set(leaves.map((words) => words[parts.length]!))];
  }

  /** The variable most likely meant by an unknown one. */
  nearestVariable(name: string): string | undefined {
    const known = [...this.#byVariable.keys()].filter((known) => known.startsWith(PREFIX));
    const short = suggest(name.slice(PREFIX.length), known.map((known) => known.slice(PREFIX.length)), "_");
    return short === undefined ? undefined : PREFIX + short;
  }
}

/** What the names of all own variables start with. */
export const PREFIX = "HOLDFAST_";

/** A misspelt candidate, or one whose first or last words these are (`listen` for `api.listen`). */
function suggest(word: string, candidates: readonly string[], separator: string): string | undefined {
  return nearest(word, candidates) ??
    candidates.find((candidate) =>
      candidate.endsWith(separator + word) || candidate.startsWith(word + separator)
    );
}
