/** The configuration as rows: every value, and the layer that set it. */
import type { Layer } from "./given.ts";
import type { Loaded } from "./assemble.ts";
import { settingsOf, valueAt } from "./merge.ts";
import { type ConfigLeaf, configLeaves, configSections } from "./schema.ts";
import { humanValue } from "./value.ts";

/** One setting in effect. */
export interface ConfigRow {
  key: string;
  /** The value; a secret that is set is `***`. */
  value: unknown;
  layer: Layer["name"];
  /** File and line, variable or flag; empty for a default. */
  source: string;
}

/** What stands for a secret. */
export const MASK = "***";

/** A row for each setting, in the order of the schema. */
export function configRows(
  { config, layers }: Pick<Loaded<unknown>, "config" | "layers">,
  leaves: readonly ConfigLeaf[] = configLeaves(),
): ConfigRow[] {
  return settingsOf(leaves, config).map(({ leaf, path }) => {
    const value = valueAt(config, path);
    const { name = "default", source = "" } = layers.get(path) ?? {};
    return { key: path, value: leaf.secret && value !== null ? MASK : value, layer: name, source };
  });
}

/** Every setting in effect as text, by key: for comparing two configurations. Secrets are masked. */
export function settingTexts(loaded: Pick<Loaded<unknown>, "config" | "layers">): Record<string, string> {
  return Object.fromEntries(configRows(loaded).map(({ key, value }) => [key, textOf(value)]));
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

const PREAMBLE = `\
Holdfast configuration. Every setting stands here at its default; remove the "#" before it to change it.
A setting such as log.level is also the variable HOLDFAST_LOG_LEVEL and the flag --log-level.
Stronger from left to right: defaults, /etc/holdfast/config.yaml, ~/.config/holdfast/config.yaml,
./config.yaml (or the file of --config), systemd credentials, .env, environment, flags.
"holdfast config show" prints what is in effect and why, "holdfast config check" what is wrong.
Durations may be written as 45s, 30m, 12h or 90d, sizes as 512KiB or 2GiB.`;

/** The text of a configuration file with every setting, explained and commented out at its default. */
export function exampleYaml(
  leaves: readonly ConfigLeaf[] = configLeaves(),
  sections: ReadonlyMap<string, string> = configSections(),
): string {
  const lines = PREAMBLE.split("\n").map((line) => `# ${line}`);
  const begun = new Set<string>();
  for (const leaf of leaves) {
    const words = leaf.path.split(".").slice(0, -1);
    if (words.length === 0) lines.push("");
    for (const [depth, word] of words.entries()) {
      const section = words.slice(0, depth + 1).join(".");
      if (begun.has(section)) continue;
      begun.add(section);
      const description = sections.get(section);
      if (depth === 0) lines.push("");
      if (description !== undefined) lines.push(`${"  ".repeat(depth)}# ${description}`);
      lines.push(word === "*" ? `${"  ".repeat(depth)}#name:` : `${"  ".repeat(depth)}${word}:`);
    }
    // Below a named upstream, which is commented out itself, the "#" stands where its own does.
    const star = words.indexOf("*");
    const depth = star < 0 ? words.length : star;
    const { notes, setting } = leafLines(leaf);
    lines.push(...notes.map((note) => `${"  ".repeat(words.length)}# ${note}`));
    lines.push(`${"  ".repeat(depth)}#${"  ".repeat(words.length - depth)}${setting}`);
  }
  return `${lines.join("\n")}\n`;
}

function leafLines(leaf: ConfigLeaf): { notes: string[]; setting: string } {
  const key = leaf.path.slice(leaf.path.lastIndexOf(".") + 1);
  const notes = [leaf.description];
  if (leaf.choices.length > 0) notes.push(`One of ${leaf.choices.join(", ")}`);
  if (leaf.computed !== null) notes.push(`Default: ${leaf.computed}`);
  if (leaf.secret) notes.push(`Better in a file of its own: ${key}_file: /path`);
  if (leaf.aliases.length > 0) {
    notes.push(`Also read from ${leaf.aliases.map((alias) => alias.name).join(", ")}`);
  }
  return { notes, setting: `${key}: ${yamlValue(leaf)}` };
}

function yamlValue(leaf: ConfigLeaf): string {
  const value = leaf.example ?? leaf.default;
  if (typeof value === "number") return humanValue(leaf, value);
  // JSON is YAML; words that YAML reads as text need no quotes.
  return typeof value === "string" && /^[\w/][\w./:-]*$/.test(value) ? value : JSON.stringify(value);
}
