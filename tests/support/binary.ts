/**
 * The compiled program for tests: built once for a state of the sources, whichever test file asks first, and
 * kept under `.cache/binary` until the sources change.
 */
import { createHash } from "node:crypto";
import { type Build, compile, compileOffline } from "./compile.ts";
import { ToolchainError } from "./compile_offline.ts";
import { walk } from "./files.ts";

export type Binary = { path: string; how: "compiled" | "offline" };

const FOLDER = ".cache/binary";
/** So many binaries are kept that two runs at once do not take each other's away. */
const KEPT = 6;
/** A firewall that swallows the download would hold the compiler for minutes. */
const DOWNLOAD_LIMIT_MS = 90_000;

/**
 * The compiled Holdfast, or the program `entry` compiled the same way. Where the runtime cannot be downloaded
 * the binary is one for tests only (`offline`); where that fails too, the answer says why there is none.
 */
export async function compiledBinary(entry?: string): Promise<Binary | { skipped: string }> {
  await Deno.mkdir(FOLDER, { recursive: true });
  using lock = await Deno.open(`${FOLDER}/lock`, { create: true, write: true });
  await lock.lock(true);
  const stem = `${await Deno.realPath(FOLDER)}/${stateOfSources(entry)}`;
  const binary = await existing(stem) ?? await build(stem, entry);
  announce(binary);
  return binary;
}

function announce(binary: Binary | { skipped: string }): void {
  if ("skipped" in binary) {
    console.log(`skipped: tests of the binary: ${binary.skipped}: let deno compile reach Deno's own site`);
  } else if (binary.how === "offline") {
    console.log(
      "skipped: the binary with its release runtime: the download is out of reach, so one with the runtime of " +
        "Deno 2.7.11 is tested: let deno compile reach Deno's own site",
    );
  } else {
    console.log(`Testing the binary as deno compile of ${Deno.version.deno} builds it`);
  }
}

function stateOfSources(entry: string | undefined): string {
  const hash = createHash("sha256").update(Deno.version.deno);
  const sources = entry === undefined ? [...walk("src"), "deno.json", "deno.lock"] : [entry];
  const compilers = [...walk("tests/support")].filter((path) => /\/compile\w*\.ts$/.test(path));
  for (const path of [...sources, ...compilers]) {
    hash.update(`\0${path}\0`).update(Deno.readFileSync(path));
  }
  return hash.digest("hex").slice(0, 16);
}

async function existing(stem: string): Promise<Binary | undefined> {
  for (const how of ["compiled", "offline"] as const) {
    const path = `${stem}.${how}`;
    if (await Deno.stat(path).then(() => true, () => false)) return { path, how };
  }
}

async function build(stem: string, entry: string | undefined): Promise<Binary | { skipped: string }> {
  removeOld();
  const program = entry === undefined ? {} : { entry };
  const online = await compileTo(`${stem}.compiled`, compile, {
    ...program,
    signal: AbortSignal.timeout(DOWNLOAD_LIMIT_MS),
  });
  if (online.success) return { path: `${stem}.compiled`, how: "compiled" };
  if (!online.unreachable) throw new Error(`Cannot compile the program: ${online.text}`);
  try {
    const offline = await compileTo(`${stem}.offline`, compileOffline, program);
    if (offline.success) return { path: `${stem}.offline`, how: "offline" };
    throw new Error(`Cannot compile the program: ${offline.text}`);
  } catch (error) {
    if (error instanceof ToolchainError) return { skipped: error.message };
    throw error;
  }
}

/** Compiles beside and renames: a run that was stopped leaves no half binary to be found later. */
async function compileTo(path: string, compiler: typeof compile, options: Omit<Build, "output">) {
  const result = await compiler({ ...options, output: `${path}.partial` });
  if (result.success) await Deno.rename(`${path}.partial`, path);
  const unreachable = options.signal?.aborted === true || result.text.includes("Setting up base binary");
  return { ...result, unreachable };
}

function removeOld(): void {
  const binaries = [...walk(FOLDER)].filter((path) => !path.endsWith("/lock"))
    .map((path) => ({ path, mtime: Deno.statSync(path).mtime?.getTime() ?? 0 }))
    .sort((a, b) => b.mtime - a.mtime);
  for (const { path } of binaries.slice(KEPT - 1)) Deno.removeSync(path);
}
