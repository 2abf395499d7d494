/** A picture as files of YAML, and back: one file per kind, parts inside what they belong to, names in place of ids. */
import {
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  stringify,
  visit,
  type YAMLMap,
} from "yaml";
import { HoldfastError } from "../lib/errors.ts";
import {
  type Body,
  emptyPicture,
  type Entry,
  keyOf,
  mapRefs,
  ORDER,
  PART_NAMES,
  type Picture,
} from "./picture.ts";
import type { Word } from "./resource.ts";
import { resourceOf, RESOURCES } from "./resources.ts";
import { SETTING_NAMES, SETTINGS, type SettingSpec } from "./schemas/settings.ts";
import { withoutSecrets } from "./secrets.ts";

const HEADER = "# A CloudConnexa tenant; see: holdfast vpn plan --help\n";

/** Kinds that have a file of their own. */
const WHOLES = ORDER.filter((word) => resourceOf(word).parent === undefined);

/** The files of a picture, by name. */
export function filesOf({ entries, settings, words }: Picture, secrets: boolean): Map<string, string> {
  const files = new Map<string, string>();
  const parts = Map.groupBy(entries.values(), ({ parent }) => parent);
  const written = (entry: Entry): Body => {
    const body = mapRefs(entry.word, entry.body, shortRef);
    const inside = Map.groupBy(parts.get(entry.key) ?? [], ({ word }) => PART_NAMES[word] ?? word);
    return {
      ...(secrets ? body : withoutSecrets(body)),
      ...Object.fromEntries([...inside].map(([name, ones]) => [name, ones.map(written)])),
    };
  };
  for (const word of WHOLES.filter((one) => words.has(one))) {
    const list = [...entries.values()].filter((entry) => entry.word === word).map(written);
    // One after the other: what a list of thousands is made of needs many times its text.
    files.set(
      `${word}.yaml`,
      HEADER + (list.length === 0 ? "[]\n" : list.map((one) => stringify([one])).join("")),
    );
  }
  if (settings.size > 0) files.set("settings.yaml", HEADER + stringify(Object.fromEntries(settings)));
  return files;
}

/** A reference whose kind its field tells needs the name only. */
function shortRef(key: string, kind: Word | undefined): string {
  return kind !== undefined && key.startsWith(`${kind}/`) ? key.slice(kind.length + 1) : key;
}

/** Reads files into a picture. Errors: `invalid` with file and line of everything that is wrong. */
export function pictureOf(files: ReadonlyMap<string, string>): Picture {
  const reader = new Reader();
  for (const [name, text] of files) reader.read(name, text);
  return reader.finish();
}

const MAX_PROBLEMS = 50;

class Reader {
  readonly #picture = emptyPicture();
  readonly #problems: { path: string; message: string }[] = [];

  read(file: string, text: string): void {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines });
    const at = (node: Node | null | undefined) => `${file}:${lines.linePos(node?.range?.[0] ?? 0).line}`;
    for (const error of document.errors) {
      this.#problem(
        `${file}:${lines.linePos(error.pos[0]).line}`,
        error.message.split("\n")[0] ?? "is no YAML",
      );
    }
    if (document.errors.length > 0) return;
    // An alias stands for any amount of text, and an export never has one.
    const aliases: Node[] = [];
    visit(document, { Alias: (_, node) => void aliases.push(node) });
    for (const alias of aliases) this.#problem(at(alias), "must be written out: it refers to another place");
    if (aliases.length > 0) return;
    const word = WHOLES.find((one) => `${one}.yaml` === file);
    const { contents } = document;
    if (file === "settings.yaml") return this.#settings(contents, at);
    if (word === undefined) {
      const names = [...WHOLES.map((one) => `${one}.yaml`), "settings.yaml"].join(", ");
      return this.#problem(`${file}:1`, `is not a file of a tenant; there are ${names}`);
    }
    this.#picture.words.add(word);
    for (const part of partsOf(word)) this.#picture.words.add(part);
    if (contents !== null) this.#list(word, null, contents, at);
  }

  finish(): Picture {
    const { entries } = this.#picture;
    for (const entry of entries.values()) {
      entry.body = mapRefs(entry.word, entry.body, (ref, kind) => {
        const key = kind === undefined || ref.startsWith(`${kind}/`) ? ref : `${kind}/${ref}`;
        const target = WHOLES.find((word) => key.startsWith(`${word}/`));
        // Things of kinds that have no file here are looked up in the tenant.
        if (!entries.has(key) && (target === undefined || this.#picture.words.has(target))) {
          this.#problem(entry.place ?? "", `names "${ref}", which is not there`);
        }
        return key;
      });
    }
    const [first, ...more] = this.#problems;
    if (first === undefined) return this.#picture;
    const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
    throw new HoldfastError(
      "invalid",
      `Cannot read the tenant's files: ${first.path}: ${first.message}${others}`,
      {
        errors: this.#problems.slice(0, MAX_PROBLEMS),
      },
    );
  }

  #list(word: Word, parent: string | null, node: unknown, at: (node: Node) => string): void {
    if (!isSeq<Node>(node)) {
      return this.#problem(at(node as Node), `must be a list of ${resourceOf(word).many}`);
    }
    for (const item of node.items) {
      if (isMap(item)) this.#entry(word, parent, item, at);
      else this.#problem(at(item), `must be a ${resourceOf(word).one}`);
    }
  }

  #entry(word: Word, parent: string | null, node: YAMLMap, at: (node: Node) => string): void {
    const resource = resourceOf(word);
    const parts = new Map(partsOf(word).map((part) => [PART_NAMES[part], part]));
    const body: Body = {};
    const inside: [Word, unknown][] = [];
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : "";
      const part = parts.get(name);
      if (part !== undefined) inside.push([part, value]);
      else body[name] = isNode(value) ? value.toJSON() : value;
    }
    const schema = word === "users"
      ? resource.create_schema.extend({ status: resource.update_schema.shape.status! })
      : resource.create_schema;
    const result = schema.safeParse(body);
    if (!result.success) {
      for (const { path, message } of result.error.issues) {
        const where = node.getIn(path.filter((step) => typeof step !== "symbol"), true);
        this.#problem(
          at(isNode(where) ? where : node),
          `${path.join(".")}${path.length > 0 ? ": " : ""}${message}`,
        );
      }
      return;
    }
    // A route is called by its subnet, which its request calls value.
    const name = String(body[word === "network-routes" ? "value" : resource.labels[0]] ?? "");
    const { entries } = this.#picture;
    const key = keyOf(word, parent, name, entries);
    entries.set(key, { word, key, name, parent, body, id: null, fixed: null, place: at(node) });
    for (const [part, list] of inside) this.#list(part, key, list, at);
  }

  #settings(node: unknown, at: (node: Node) => string): void {
    if (node === null) return;
    if (!isMap(node)) return this.#problem(at(node as Node), "must be settings with their values");
    for (const { key, value } of node.items) {
      const name = SETTING_NAMES.find((one) => isScalar(key) && key.value === one);
      const place = at(isNode(key) ? key : node);
      if (name === undefined) {
        this.#problem(place, `there is no setting "${String(key)}"`);
        continue;
      }
      const spec: SettingSpec = SETTINGS[name];
      const json: unknown = isNode(value) ? value.toJSON() : value;
      if (spec.readOnly === true) this.#problem(place, `setting "${name}" can only be read`);
      else if (json !== null && !spec.value.safeParse(json).success) {
        this.#problem(place, `${JSON.stringify(json)} is not what setting "${name}" takes`);
      } else this.#picture.settings.set(name, json);
    }
  }

  #problem(path: string, message: string): void {
    this.#problems.push({ path, message });
  }
}

function partsOf(word: Word): Word[] {
  return RESOURCES.filter(({ parent }) => parent?.word === word).map((resource) => resource.word);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "toJSON" in value;
}
