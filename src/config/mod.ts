/**
 * The configuration: one schema, many places to write a value, one answer that says which place won.
 *
 * Each setting is a leaf of the schema, and its three names are derived from where it stands: `api.listen` is the
 * YAML key, `HOLDFAST_API_LISTEN` the variable, `--api-listen` the flag. Slices state their own sections in their
 * `config.ts`; what no slice owns is in `sections.ts`.
 *
 * Layers, weakest first: the default; `/etc/holdfast/config.yaml`; `~/.config/holdfast/config.yaml`
 * (`$XDG_CONFIG_HOME`); `./config.yaml`, or the file of `--config` or `$HOLDFAST_CONFIG`, which must exist;
 * systemd credentials; `.env` in the working directory; the environment; flags. Inside the two layers of
 * variables, our own name is stronger than one known from an earlier tool, and an empty variable is not set.
 * A list is replaced whole, never merged; in a variable or flag it is written with commas or as JSON.
 *
 * Files may write durations and sizes for people (`30m`, `2GiB`); in the program they are numbers, and their keys
 * end in `_seconds` and `_bytes`. A relative path starts at the file it is written in, or at the working directory.
 * A key with nothing behind it is not set; a setting that may be absent is switched off with `null`.
 *
 * A secret need not be written down: `password_file` beside it, `NAME_FILE` for its variable, a file called as its
 * key in `$CREDENTIALS_DIRECTORY`. Its flag only takes a file, because everybody can read a command line.
 *
 * Nothing passes silently: unknown keys, values of the wrong kind, limits and settings that contradict each other are
 * all told at once, each with file and line, variable or flag. An unknown `HOLDFAST_` variable near a known name is
 * an error; any other is a warning, for it may be somebody's own. Only a command that asks a daemon reads no more than
 * where that is (`address.ts`).
 */
export { type ConfigSources } from "./layers.ts";
export { type Layer, LAYERS } from "./given.ts";
export type { ConfigCheck } from "./assemble.ts";
export { checkConfig, loadConfig, type LoadedConfig } from "./load.ts";
export { type ListenAddress, parseListen } from "./listen.ts";
export { initFile, stateDir } from "./places.ts";
export { type Alias, Config, type ConfigLeaf, configLeaves, type LeafType } from "./schema.ts";
export { type ConfigRow, configRows, exampleYaml, settingTexts } from "./show.ts";
export { writeExample } from "./init.ts";
