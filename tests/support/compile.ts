/**
 * Builds the single binary: `deno task compile [--target TARGET] [--output FILE] [--maps FOLDER]`.
 * `deno task compile:offline` builds one for tests where Deno's own site is out of reach, see compile_offline.ts.
 */
import { Buffer } from "node:buffer";
import { basename, join, relative } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { offlineToolchain } from "./compile_offline.ts";
import { walk } from "./files.ts";

/** What the program may do: files, network, processes. It never loads native code. */
const PERMISSIONS = ["read", "write", "net", "env", "run", "sys"].map((name) => `--allow-${name}`);

/**
 * Memory for young objects begins at 8 MiB and stays there: from the runtime's first size it grows by collecting again and
 * again, a twentieth of what a short command takes, and at the runtime's last one a scan of 100,000 reports took 210 MiB.
 *
 * Who needs memory collects it himself: threads that help would have to wait for a processor beside a backup, and answers
 * for them.
 */
const V8_FLAGS = "--min-semi-space-size=8,--max-semi-space-size=8,--single-threaded-gc";

export interface Build {
  /** Where the binary goes; its folder is made. */
  output: string;
  /** Another program than Holdfast, compiled by itself: what a binary costs before it does anything. */
  entry?: string;
  /** A target of `deno compile`; the machine it runs on when left out. */
  target?: string | undefined;
  /** Folder for source maps, which turn a stack trace of this binary into names and lines; none are written when left out. */
  maps?: string | undefined;
  /** Stops the compiler: a download that is swallowed by a firewall would take minutes to fail. */
  signal?: AbortSignal;
}

/** Compiles with the running Deno, which downloads its runtime at first use. Returns what the compiler said. */
export async function compile(build: Build): Promise<{ success: boolean; text: string }> {
  return await runCompiler(Deno.execPath(), build, {});
}

/** Compiles with a runtime from the package registry. For tests only, on Linux x64 only. */
export async function compileOffline(build: Build): Promise<{ success: boolean; text: string }> {
  const { deno, denort } = await offlineToolchain();
  return await runCompiler(deno, build, {
    DENORT_BIN: denort,
    DENO_TLS_CA_STORE: "system",
    // This release overflows its default stack on a large module graph.
    RUST_MIN_STACK: "33554432",
  });
}

async function runCompiler(deno: string, build: Build, env: Record<string, string>) {
  const { output, entry, target, maps, signal } = build;
  await using bundled: Bundle = entry === undefined ? await bundle(maps) : alone(entry);
  const child = new Deno.Command(deno, {
    args: [
      "compile",
      "--quiet",
      "--no-check",
      "--no-prompt",
      // Its place would be a shared temporary directory: whoever may write there could plant code for root.
      "--no-code-cache",
      ...(bundled.config === undefined ? [] : [`--v8-flags=${V8_FLAGS}`]),
      ...PERMISSIONS,
      ...(bundled.config === undefined ? ["--no-config"] : ["--config", bundled.config]),
      ...bundled.workers.flatMap((path) => ["--include", path]),
      ...(target === undefined ? [] : ["--target", target]),
      "--output",
      output,
      bundled.entry,
    ],
    env: { NO_COLOR: "1", RUST_BACKTRACE: "0", ...env },
    stdin: "null",
    ...(signal === undefined ? {} : { signal }),
  });
  const result = await child.output();
  const decoder = new TextDecoder();
  return { success: result.success, text: decoder.decode(result.stdout) + decoder.decode(result.stderr) };
}

/** A small program that is compiled as it is. */
function alone(entry: string): Bundle {
  return { entry, workers: [], [Symbol.asyncDispose]: () => Promise.resolve() };
}

interface Bundle extends AsyncDisposable {
  entry: string;
  workers: string[];
  config?: string;
}

/**
 * The program as a few files: hundreds of small ones cost a command a third of its start. Parts that are loaded when
 * used stay apart. Workers are entries of their own; their names are unique, because the code that starts one lies in
 * a file of the bundle afterwards, and finds it beside itself.
 */
async function bundle(maps?: string): Promise<Bundle> {
  const workers = [...walk("src")].filter((path) => path.endsWith(".worker.ts"));
  const names = workers.map((path) => basename(path));
  if (new Set(names).size < names.length) {
    throw new Error(`Cannot bundle: two workers have one name: ${names.join(", ")}`);
  }
  const root = await Deno.makeTempDir({ prefix: "holdfast-bundle-" });
  const remove = () => Deno.remove(root, { recursive: true });
  try {
    const dir = await bundleTwice(root, workers, maps);
    for (const path of workers) {
      await Deno.writeTextFile(join(dir, basename(path)), `import "./${bundledName(path)}";\n`);
    }
    const { unstable } = JSON.parse(await Deno.readTextFile("deno.json"));
    const config = join(dir, "deno.json");
    await Deno.writeTextFile(config, JSON.stringify({ unstable }));
    const entry = join(dir, "main.js");
    return { entry, workers: names.map((name) => join(dir, name)), config, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** What is left out has to be found by its name, so names go in a second pass; whatever a command reads it has to parse first. */
async function bundleTwice(root: string, workers: readonly string[], maps?: string): Promise<string> {
  const [whole, small] = [join(root, "whole"), join(root, "small")];
  const entries = ["src/main.ts", ...workers];
  await runBundler(whole, entries, maps === undefined ? [] : ["--sourcemap", "inline"]);
  await requireWithoutModule(whole);
  await schemasWithoutExtras(whole);
  await packBytes(whole);
  // The second map goes through the first one, to the source.
  const flags = ["--minify", ...(maps === undefined ? [] : ["--sourcemap", "external"])];
  await runBundler(small, entries.map((path) => join(whole, bundledName(path))), flags);
  if (maps !== undefined) await moveMaps(small, maps);
  return small;
}

async function moveMaps(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for (const path of [...walk(from)].filter((path) => path.endsWith(".map"))) {
    await Deno.copyFile(path, join(to, basename(path)));
    await Deno.remove(path);
  }
}

/** Where the bundler puts an entry: `src/backups/engines/x.worker.ts` -> `backups/engines/x.worker.js`. */
function bundledName(path: string): string {
  return relative("src", path).replace(/\.ts$/, ".js");
}

async function runBundler(
  outdir: string,
  entries: readonly string[],
  flags: readonly string[],
): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "--quiet",
      "--platform",
      "deno",
      "--code-splitting",
      ...flags,
      "--outdir",
      outdir,
      ...entries,
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
  }).output();
  if (!success) throw new Error(`Cannot bundle: ${new TextDecoder().decode(stderr)}`);
}

/**
 * The pages of the documentation are files of bytes, which the bundler writes as text, a third larger. Each start of
 * the program reads all of itself, so they are packed until somebody asks for one.
 */
async function packBytes(dir: string): Promise<void> {
  const bytes = /^var (\w+) = __toBinary\("([\w+/=]+)"\);$/m;
  let found = false;
  for (const { name } of Deno.readDirSync(dir)) {
    if (!name.endsWith(".js")) continue;
    const text = await Deno.readTextFile(join(dir, name));
    const match = bytes.exec(text);
    if (match === null) continue;
    found = true;
    const packed = gzipSync(Buffer.from(match[2]!, "base64"), { level: 9 }).toString("base64");
    const line = `var ${match[1]} = new Uint8Array(gunzipSync(__toBinary("${packed}")));`;
    await Deno.writeTextFile(
      join(dir, name),
      `import { gunzipSync } from "node:zlib";\n${text.replace(bytes, () => line)}`,
    );
  }
  if (!found) throw new Error("Cannot bundle: deno bundle writes bytes in another way now");
}

/**
 * Modules of the older kind ask for built-in ones with `require`. The bundler makes that of `node:module`, which loads
 * most of what Node has: as much as the rest of `holdfast version` together.
 */
async function requireWithoutModule(dir: string): Promise<void> {
  const shim =
    /^import \{ createRequire as (\w+) \} from "node:module";\nvar __require = \1\(import\.meta\.url\);$/m;
  let found = false;
  for (const { name } of Deno.readDirSync(dir)) {
    if (!name.endsWith(".js")) continue;
    const text = await Deno.readTextFile(join(dir, name));
    if (!shim.test(text)) continue;
    found = true;
    const lighter = "var __require = (name) => globalThis.process.getBuiltinModule(name);";
    await Deno.writeTextFile(join(dir, name), text.replace(shim, lighter));
  }
  if (!found) throw new Error("Cannot bundle: deno bundle writes its require() in another way now");
}

/**
 * The schema library brings its messages in fifty languages, and makes schemas of foreign ones. Nothing here asks for
 * them, but the bundler cannot know that, and reading them took a command a fifth of its time.
 */
async function schemasWithoutExtras(dir: string): Promise<void> {
  // The bundler writes the path of a module before its code.
  const module = /^(?=\/\/ \S+\.[jt]s$)/m;
  const extra = /^\/\/ \S+\/zod\/[^/]+\/v4\/(locales\/(?!en\.js)\S+|classic\/from-json-schema)\.js\n/;
  const instead: Record<string, string> = {
    "locales/index": "var locales_exports = {};\n",
    "classic/from-json-schema": "var fromJSONSchema = undefined;\n",
  };
  const missing = new Set(Object.keys(instead));
  for (const { name } of Deno.readDirSync(dir)) {
    if (!name.endsWith(".js")) continue;
    const parts = (await Deno.readTextFile(join(dir, name))).split(module);
    if (!parts.some((part) => extra.test(part))) continue;
    const kept = parts.map((part) => {
      const what = extra.exec(part)?.[1];
      if (what !== undefined) missing.delete(what);
      return what === undefined ? part : instead[what] ?? "";
    });
    await Deno.writeTextFile(join(dir, name), kept.join(""));
  }
  if (missing.size > 0) {
    throw new Error(`Cannot bundle: the schema library has no ${[...missing].join(", ")} any more`);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      offline: { type: "boolean", default: false },
      target: { type: "string" },
      maps: { type: "string" },
      output: { type: "string", default: "dist/holdfast" },
    },
  });
  if (values.offline && values.target !== undefined) {
    throw new Error("Cannot compile offline for another target: only Linux x64 has a runtime to test with");
  }
  const { output, target, maps } = values;
  const build = { output, target, maps };
  const { success, text } = values.offline ? await compileOffline(build) : await compile(build);
  console.error(text.trimEnd());
  if (!success) {
    Deno.exitCode = 1;
    return;
  }
  console.log(`Compiled ${values.output}`);
  if (values.offline) {
    console.log(
      "FOR TESTS ONLY: this binary holds an older runtime taken from another program. Never release it.",
    );
  }
}

if (import.meta.main) await main();
