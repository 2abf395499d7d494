/** Programs on this host: where they are, and how to get one that is not there. */
import { join } from "node:path";
import { HoldfastError } from "../../../lib/errors.ts";

/** A program an engine runs. */
export interface Tool {
  /** Names it may have, the preferred one first. */
  names: readonly [string, ...string[]];
  /** Debian package that has it. */
  package: string;
}

/** Where programs are looked for. */
export interface Tools {
  /** Absolute path of the first of the names there is. */
  find(tool: Tool): Promise<string | undefined>;
}

/** Programs on the path; default: that of this process, as it is then. */
export function toolsOn(path: () => string = () => Deno.env.get("PATH") ?? ""): Tools {
  return {
    async find({ names }) {
      const directories = path().split(":").filter((directory) => directory.startsWith("/"));
      for (const name of names) {
        for (const directory of directories) {
          const file = join(directory, name);
          if (await isProgram(file)) return file;
        }
      }
      return undefined;
    },
  };
}

async function isProgram(file: string): Promise<boolean> {
  try {
    const { isFile, mode } = await Deno.stat(file);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}

/** What `check()` says of a program that is not there. */
export async function missing(tools: Tools, tool: Tool): Promise<string[]> {
  return await tools.find(tool) === undefined ? [`${notInstalled(tool)}; ${installHint(tool)}`] : [];
}

/** Absolute path of a program. Errors: `invalid`, with how to install it. */
export async function requireTool(tools: Tools, tool: Tool): Promise<string> {
  const path = await tools.find(tool);
  if (path !== undefined) return path;
  throw new HoldfastError("invalid", `Cannot run ${tool.names[0]}: ${notInstalled(tool)}`, {
    code: "tool_missing",
    hint: installHint(tool),
  });
}

function notInstalled({ names }: Tool): string {
  return `${names.join(" or ")} is not installed`;
}

function installHint(tool: Tool): string {
  return `install it: apt-get install ${tool.package}`;
}

/** What programs need of this process's environment. Everything else may be meant for Holdfast alone, or be a secret. */
const INHERITED = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "TZ",
  "TMPDIR",
  "XDG_RUNTIME_DIR",
  "XDG_CACHE_HOME",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
];

/** The environment of a program: little of ours, messages in English, and what it is given. */
export function environment(given: Readonly<Record<string, string>> = {}): Record<string, string> {
  const inherited = INHERITED.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(inherited), LC_ALL: "C.UTF-8", ...given };
}
