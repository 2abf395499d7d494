/** The whole configuration, loaded or refused. */
import { join } from "node:path";
import { type FieldError, HoldfastError } from "../lib/errors.ts";
import { assemble, type Assembled, computePlaces, type ConfigCheck, type Loaded } from "./assemble.ts";
import type { ConfigSources } from "./layers.ts";
import { Names } from "./names.ts";
import { Config, configLeaves } from "./schema.ts";

/** The whole configuration as it was loaded. */
export type LoadedConfig = Loaded<Config>;

/** Loads the configuration. Errors: `invalid` (code `config`) with all problems in `errors` and in the message. */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const assembled = await assembleConfig(sources);
  if (assembled.config === undefined) throw configError(assembled.problems);
  return { ...assembled, config: assembled.config };
}

/** All that is wrong with the configuration and all that is dubious. */
export async function checkConfig(sources: ConfigSources): Promise<ConfigCheck> {
  const { problems, warnings, files } = await assembleConfig(sources);
  return { problems, warnings, files };
}

function assembleConfig(sources: ConfigSources): Promise<Assembled<Config>> {
  return assemble(Config, new Names(configLeaves()), sources, (values) => {
    const directory = computePlaces(values, sources);
    if (directory === undefined || values.has("backups.scratch_dir")) return;
    values.set("backups.scratch_dir", join(directory, "scratch"));
  });
}

function configError(problems: FieldError[]): HoldfastError {
  const sentences = problems.map((problem) => problem.message);
  const all = sentences.length === 1
    ? sentences[0]
    : `${sentences.length} problems\n  ${sentences.join("\n  ")}`;
  return new HoldfastError("invalid", `Cannot load the configuration: ${all}`, {
    code: "config",
    errors: problems,
  });
}
