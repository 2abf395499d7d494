/**
 * What paths and values a release of VyOS accepts, from its own definitions as data.
 *
 * The file is not part of the repository: `$HOLDFAST_SPECS/vyos-config-schema.json`, or `../shared/specs` beside the
 * sources. Where it is absent nothing is refused, and tests that need it say so.
 */
import { join } from "node:path";
import { networkRange, portRange, toNumber } from "../../src/network/ipv4.ts";
import type { Release } from "../../src/network/release.ts";

interface Constraint {
  regex?: string;
  validator?: string;
  argument?: string;
}

interface SchemaNode {
  path: string[];
  kind: "node" | "tag" | "leaf";
  multi?: boolean;
  valueless?: boolean;
  constraints?: Constraint[];
  constraintErrorMessage?: string;
}

interface Place {
  node: SchemaNode | undefined;
  below: Map<string, Place>;
}

/** A path as the schema sees it. */
export interface Found {
  /** `instance` is a name below a tag node. */
  kind: "node" | "tag" | "instance" | "leaf";
  multi: boolean;
  valueless: boolean;
}

const FILE = "vyos-config-schema.json";
const text = readFirst([Deno.env.get("HOLDFAST_SPECS"), join("..", "shared", "specs")]);

function readFirst(directories: readonly (string | undefined)[]): string | undefined {
  for (const directory of directories) {
    if (directory === undefined) continue;
    try {
      return Deno.readTextFileSync(join(directory, FILE));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

const TREES: Readonly<Record<Release, string>> = {
  "1.3": "1.3",
  "1.4": "1.4",
  "1.5": "1.5",
  rolling: "rolling-2024-10-21",
};

/** The schema of one release. */
export class VyosSchema {
  readonly #root: Place = { node: undefined, below: new Map() };

  constructor(nodes: readonly SchemaNode[]) {
    for (const node of nodes) {
      let place = this.#root;
      for (const name of node.path) {
        let next = place.below.get(name);
        if (next === undefined) place.below.set(name, next = { node: undefined, below: new Map() });
        place = next;
      }
      place.node = node;
    }
  }

  /** What a path is; undefined when the release has no such path. Instance names are judged. */
  find(path: readonly string[]): Found | undefined {
    let place = this.#root;
    let instance = false;
    for (const name of path) {
      const tag: Place | undefined = place.node?.kind === "tag" && !instance
        ? place.below.get("<tag>")
        : undefined;
      if (place.node?.kind === "tag" && !instance) {
        if (tag === undefined || /\s/.test(name) || !accepts(place.node, name)) return undefined;
        [place, instance] = [{ node: place.node, below: tag.below }, true];
        continue;
      }
      const next = place.below.get(name);
      if (next === undefined) return undefined;
      [place, instance] = [next, false];
    }
    const { kind = "node", multi = false, valueless = false } = place.node ?? {};
    return { kind: instance ? "instance" : kind, multi, valueless };
  }

  /** Why a command is refused, in the words of the engine; undefined when it is not. */
  refuses(command: { op: string; path: readonly string[]; value?: string | undefined }): string | undefined {
    const { op, path, value } = command;
    const failed = op === "set" ? "Set failed" : "Delete failed";
    const shown = [...path, ...(value === undefined ? [] : [value])].join(" ");
    const found = this.find(path);
    if (found === undefined) return `Configuration path: [${shown}] is not valid\n${failed}`;
    if (value !== undefined && found.kind !== "leaf") {
      return this.find([...path, value]) === undefined
        ? `Configuration path: [${shown}] is not valid\n${failed}`
        : undefined;
    }
    if (op !== "set" || found.kind !== "leaf") return undefined;
    if (found.valueless) {
      return value === undefined ? undefined : `Configuration path: [${shown}] is not valid\n${failed}`;
    }
    if (value === undefined || value === "") {
      return `Configuration path: [${shown}] requires a value\n${failed}`;
    }
    if (/['"]/.test(value)) {
      return `Cannot use the ${/'/.test(value) ? "'" : '"'} character in a value string`;
    }
    if (value.includes("\n")) return "Cannot use the newline character in a value string";
    const node = this.#nodeAt(path);
    return node === undefined || accepts(node, value)
      ? undefined
      : `${node.constraintErrorMessage ?? "Invalid value"}\nValue validation failed\n${failed}`;
  }

  #nodeAt(path: readonly string[]): SchemaNode | undefined {
    let place: Place | undefined = this.#root;
    for (const name of path) {
      place = place?.below.get(name) ?? place?.below.get("<tag>");
    }
    return place?.node;
  }
}

function accepts({ constraints = [] }: SchemaNode, value: string): boolean {
  return constraints.length === 0 || constraints.some((constraint) => fits(constraint, value));
}

const patterns = new Map<string, RegExp>();

function fits({ regex, validator, argument = "" }: Constraint, value: string): boolean {
  if (regex !== undefined) {
    let pattern = patterns.get(regex);
    if (pattern === undefined) {
      patterns.set(regex, pattern = new RegExp(`^(?:${regex.replaceAll("[[:ascii:]]", "[\\x00-\\x7f]")})$`));
    }
    return pattern.test(value);
  }
  const test = VALIDATORS[validator ?? ""];
  return test === undefined || test(value, argument);
}

const not = (test: (value: string) => boolean) => (value: string) =>
  value.startsWith("!") && test(value.slice(1));
const isAddress = (value: string) => toNumber(value) !== undefined;
const isPrefix = (value: string) => networkRange(value) !== undefined;
const isRange = (value: string) => {
  const [first, last, more] = value.split("-").map((part) => toNumber(part));
  return first !== undefined && last !== undefined && more === undefined && first <= last;
};
const isMac = (value: string) => /^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$/.test(value);
const isPort = (value: string) => portRange(value) !== undefined || /^[a-z][a-z0-9-]*$/.test(value);

const VALIDATORS: Readonly<Record<string, (value: string, argument: string) => boolean>> = {
  numeric: (value, argument) => {
    const ranges = [...argument.matchAll(/--range (\d+)-(\d+)/g)];
    const inRange = ranges.length === 0 ||
      ranges.some(([, first, last]) => Number(value) >= Number(first) && Number(value) <= Number(last));
    return /^-?\d+$/.test(value) && inRange;
  },
  "ipv4-address": isAddress,
  "ipv4-prefix": isPrefix,
  "ipv4-range": isRange,
  "ipv4-address-exclude": not(isAddress),
  "ipv4-prefix-exclude": not(isPrefix),
  "ipv4-range-exclude": not(isRange),
  "ip-protocol": (value) => /^!?([a-z][a-z0-9._-]*|\d{1,3})$/i.test(value),
  "mac-address": isMac,
  fqdn: (value) => /^[A-Za-z0-9][-.A-Za-z0-9]*$/.test(value),
  "port-multi": (value) => value.split(",").every((item) => isPort(item.replace(/^!/, ""))),
  "port-range": isPort,
  "vrf-name": (value) => /^[a-zA-Z][a-zA-Z0-9-]{0,14}$/.test(value),
};

const known = new Map<Release, VyosSchema>();

/** The schema of a release; undefined where the file is absent. */
export function schemaOf(release: Release): VyosSchema | undefined {
  if (text === undefined) return undefined;
  let schema = known.get(release);
  if (schema === undefined) {
    const trees: Record<string, { nodes: SchemaNode[] }> = JSON.parse(text).trees;
    known.set(release, schema = new VyosSchema(trees[TREES[release]]!.nodes));
  }
  return schema;
}

/** A line for tests that can prove less without the file. */
export function sayIfAbsent(): void {
  if (text === undefined) {
    console.log(`skipped: what the releases of VyOS accept: there is no ${FILE}: set HOLDFAST_SPECS`);
  }
}
