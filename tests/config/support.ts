/** A temporary host for configuration tests: its own system file, home, working directory and environment. */
import { dirname, join } from "node:path";
import { HoldfastError } from "../../src/lib/errors.ts";
import type { ConfigSources } from "../../src/config/layers.ts";
import { loadConfig } from "../../src/config/load.ts";

/** What a test puts on the host. File names are relative to its root; `.` stands for the working directory. */
export interface HostSpec {
  system?: string;
  user?: string;
  local?: string;
  dotenv?: string;
  files?: Record<string, string>;
  env?: Record<string, string>;
  args?: Record<string, string>;
  configFile?: string;
  uid?: number;
}

/** Where things are on the host. */
export interface TestHost extends Disposable {
  root: string;
  sources: ConfigSources;
}

/** Builds the host; `$ROOT` in any text becomes its root directory. */
export function host(spec: HostSpec = {}): TestHost {
  const root = Deno.makeTempDirSync({ prefix: "holdfast-config-" });
  const fill = (text: string) => text.replaceAll("$ROOT", root);
  const fillAll = (texts: Record<string, string> = {}) =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, fill(text)]));
  const files = {
    "etc/config.yaml": spec.system,
    "home/.config/holdfast/config.yaml": spec.user,
    "work/config.yaml": spec.local,
    "work/.env": spec.dotenv,
    ...spec.files,
  };
  Deno.mkdirSync(join(root, "work"), { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    if (text === undefined) continue;
    Deno.mkdirSync(dirname(join(root, name)), { recursive: true });
    Deno.writeTextFileSync(join(root, name), fill(text), { mode: 0o600 });
  }
  const sources: ConfigSources = {
    env: fillAll(spec.env),
    args: fillAll(spec.args),
    cwd: join(root, "work"),
    home: join(root, "home"),
    systemFile: join(root, "etc/config.yaml"),
    configFile: spec.configFile === undefined ? undefined : fill(spec.configFile),
    uid: spec.uid ?? Deno.uid(),
  };
  return { root, sources, [Symbol.dispose]: () => Deno.removeSync(root, { recursive: true }) };
}

/** The problems that loading on this host tells, with its root directory shown as `$ROOT`. */
export async function problemsOf(spec: HostSpec): Promise<string[]> {
  using made = host(spec);
  try {
    await loadConfig(made.sources);
    return [];
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return error.errors.map(({ message }) => message.replaceAll(made.root, "$ROOT"));
  }
}
