/**
 * The settings of a schema as a flat list, read from the schema itself.
 *
 * A section is a strict object. A leaf is anything else, with `.meta()` as its last call: `description`, `secret`,
 * `path` (a file name: `~` and relative names are resolved), `aliases` (variables of earlier tools), `computed`
 * (a default that the loader works out, in words) and then `example`. Keys ending in `_seconds` and `_bytes` also take `30m` and
 * `2GiB`. In a record of sections (`veeam.servers.<name>`) the name is `*` in the leaf's path.
 */
import { z } from "zod";

/** A variable that users of an earlier tool already set. */
export interface Alias {
  /** `CORS_ORIGINS`. */
  name: string;
  /** Turns the variable's text into this setting's; throws when it cannot. */
  read: (text: string) => string;
}

/** What a value of a setting is; decides how text becomes one. */
export type LeafType =
  | "text"
  | "path"
  | "boolean"
  | "number"
  | "duration"
  | "size"
  | "choice"
  | "list"
  | "path list";

/** One setting. */
export interface ConfigLeaf {
  /** YAML key: `api.listen`; `*` stands for a name: `veeam.servers.*.host`. */
  path: string;
  /** Variable: `HOLDFAST_API_LISTEN`, `HOLDFAST_VEEAM_SERVERS_<NAME>_HOST`. */
  env: string;
  /** Flag: `--api-listen`. A secret's flag takes a file that holds it: `--api-key-file`. */
  flag: string;
  aliases: readonly Alias[];
  secret: boolean;
  description: string;
  /** Null when there is none, or when {@linkcode computed} says what it is. */
  default: unknown;
  /** The default in words, where it depends on the host or on other settings. */
  computed: string | null;
  /** A value for the example file, where the default is computed. */
  example: string | null;
  type: LeafType;
  /** Words the setting takes, when it takes only some. */
  choices: readonly string[];
  /** True when the setting may be absent. */
  nullable: boolean;
  /** Judges one value of this leaf. */
  schema: z.ZodType;
}

/** The name that settings without one get, in a record of sections: `VEEAM_HOST` is `veeam.servers.default.host`. */
export const UNNAMED = "default";

/** All leaves of an object schema, in the order they are written. Throws TypeError for a leaf that cannot be read. */
export function leavesOf(schema: z.ZodObject, prefix = ""): ConfigLeaf[] {
  return Object.entries(schema.shape).flatMap(([key, type]) => {
    const path = prefix + key;
    const bare = unwrap(type);
    if (bare.schema instanceof z.ZodObject) return leavesOf(bare.schema, `${path}.`);
    if (bare.schema instanceof z.ZodRecord) {
      const named = unwrap(bare.schema.valueType);
      if (named.schema instanceof z.ZodObject) return leavesOf(named.schema, `${path}.*.`);
    }
    return [leafOf(path, type, bare)];
  });
}

/** Descriptions of the sections by path, for those that have one. */
export function sectionsOf(schema: z.ZodObject, prefix = ""): Map<string, string> {
  return new Map(
    Object.entries(schema.shape).flatMap(([key, type]): [string, string][] => {
      const { schema: bare } = unwrap(type);
      if (!(bare instanceof z.ZodObject)) return [];
      const description = type instanceof z.ZodType ? type.meta()?.description : undefined;
      return [
        ...(description === undefined ? [] : [[prefix + key, description] satisfies [string, string]]),
        ...sectionsOf(bare, `${prefix}${key}.`),
      ];
    }),
  );
}

interface Bare {
  schema: z.core.$ZodType;
  nullable: boolean;
  default: unknown;
}

/** A type without its wrappers, and what the wrappers said. */
function unwrap(type: z.core.$ZodType): Bare {
  if (type instanceof z.ZodDefault) return { ...unwrap(type.unwrap()), default: type.def.defaultValue };
  if (type instanceof z.ZodPrefault) return unwrap(type.unwrap());
  if (type instanceof z.ZodNullable) return { ...unwrap(type.unwrap()), nullable: true };
  return { schema: type, nullable: false, default: null };
}

function leafOf(path: string, type: z.core.$ZodType, bare: Bare): ConfigLeaf {
  const { description, secret, path: isPath, computed, example, aliases = [], ...rest } =
    (type instanceof z.ZodType ? type.meta() : undefined) ?? {};
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) {
    throw new TypeError(`Cannot read setting "${path}": unknown metadata "${unknown}"`);
  }
  if (typeof description !== "string" || !(type instanceof z.ZodType)) {
    throw new TypeError(`Cannot read setting "${path}": it has no description`);
  }
  const words = path.replaceAll("*", "<name>").split(".");
  return {
    path,
    env: `HOLDFAST_${words.join("_").toUpperCase()}`,
    flag: `--${words.join("-").replaceAll("_", "-")}${secret === true ? "-file" : ""}`,
    aliases: (Array.isArray(aliases) ? aliases : [aliases]).map((alias) => aliasOf(path, alias)),
    secret: secret === true,
    description,
    default: bare.default,
    computed: typeof computed === "string" ? computed : null,
    example: typeof example === "string" ? example : null,
    type: typeOf(path, bare.schema, isPath === true),
    choices: bare.schema instanceof z.ZodEnum ? bare.schema.options.map(String) : [],
    nullable: bare.nullable,
    schema: type,
  };
}

function aliasOf(path: string, alias: unknown): Alias {
  if (typeof alias === "string") return { name: alias, read: (text) => text };
  if (isAlias(alias)) return alias;
  throw new TypeError(`Cannot read setting "${path}": an alias is a name, or a name and how to read it`);
}

function isAlias(alias: unknown): alias is Alias {
  return typeof alias === "object" && alias !== null && "name" in alias && "read" in alias &&
    typeof alias.read === "function";
}

function typeOf(path: string, bare: z.core.$ZodType, isPath: boolean): LeafType {
  if (bare instanceof z.ZodString || bare instanceof z.ZodURL) return isPath ? "path" : "text";
  if (bare instanceof z.ZodBoolean) return "boolean";
  if (bare instanceof z.ZodEnum) return "choice";
  if (bare instanceof z.ZodArray) return isPath ? "path list" : "list";
  if (bare instanceof z.ZodNumber) {
    return path.endsWith("_seconds") ? "duration" : path.endsWith("_bytes") ? "size" : "number";
  }
  throw new TypeError(
    `Cannot read setting "${path}": settings are texts, numbers, booleans, choices or lists of texts`,
  );
}
