/** Is the configuration good? Where it is not, the other checks look where the data would most likely be. */
import { checkConfig, type Config, loadConfig } from "../../../config/mod.ts";
import { dataDir } from "../../../config/places.ts";
import type { GlobalOptions } from "../../session.ts";
import { configSources } from "../../session.ts";
import type { Terminal } from "../../terminal.ts";
import { bad, type Line, ok, warning } from "./line.ts";

/** What the configuration says. */
export interface ConfigFinding {
  lines: Line[];
  /** Undefined when something is wrong with it. */
  config: Config | undefined;
  dataDir: string | undefined;
}

/** Loads the configuration of this process. */
export async function examineConfig(options: GlobalOptions, env: Terminal["env"]): Promise<ConfigFinding> {
  const sources = configSources(options, env);
  const { problems, warnings, files } = await checkConfig(sources);
  const lines = [
    ...problems.map(({ message }) =>
      bad("configuration", message, "mend it, then run holdfast config check")
    ),
    ...warnings.map((text) => warning("configuration", text, "see holdfast config show")),
  ];
  if (problems.length > 0) {
    const guess = options.settings.data_dir ?? sources.env.HOLDFAST_DATA_DIR ?? dataDir(sources);
    return { lines, config: undefined, dataDir: guess };
  }
  const { config } = await loadConfig(sources);
  if (lines.length === 0) {
    lines.push(
      ok("configuration", files.length === 0 ? "good; no file, all defaults" : `good: ${files.join(", ")}`),
    );
  }
  return { lines, config, dataDir: config.data_dir };
}
