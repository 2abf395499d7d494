/**
 * The compiler embeds whole npm packages: type declarations, source maps, second and third builds. They are read
 * into memory at every start (20 MB cost 35 ms), so the binary is built without what no program can load.
 */
import { walk } from "./files.ts";

/** Matched with `package/path`. Licences stay: they have to travel with the code. */
const UNUSED: readonly RegExp[] = [
  /\.([cm]?ts|map|md|flow)$/,
  /\/(tests?|examples)\//,
  // The same code again, for other loaders and for browsers.
  /^(zod|@logtape\/logtape)\/.*\.cjs$/,
  /^hono\/dist\/cjs\//,
  /^csv-stringify\/dist\//,
  /^yaml\/browser\//,
  // Of the API's pages only the bundles are served.
  /^redoc\/(?!package\.json$|LICENSE$|bundles\/redoc\.standalone\.js(\.LICENSE\.txt)?$)/,
  /^swagger-ui-dist\/(?!package\.json$|LICENSE$|NOTICE$|swagger-ui\.css$|swagger-ui-bundle\.js(\.LICENSE\.txt)?$)/,
];

/** Paths of the locked packages' files, in the cache of the given compiler, that the binary can do without. */
export async function unusedPackageFiles(deno: string): Promise<string[]> {
  // What is not in the cache yet could not be named.
  await run(deno, "install", "--quiet");
  const { npmCache } = JSON.parse(await run(deno, "info", "--json"));
  const registries = [...Deno.readDirSync(npmCache)].map((entry) => `${npmCache}/${entry.name}`);
  return lockedPackages().flatMap(({ name, version }) =>
    registries.map((registry) => `${registry}/${name}/${version}`).filter(isFolder).flatMap((folder) =>
      [...walk(folder)].filter((path) => isUnused(name + path.slice(folder.length)))
    )
  );
}

function isUnused(path: string): boolean {
  return UNUSED.some((pattern) => pattern.test(path));
}

/** The lock file's keys are `name@version`, and `name@version_peer@version` where a package has peers. */
function lockedPackages(): { name: string; version: string }[] {
  const lock: { npm: Record<string, unknown> } = JSON.parse(Deno.readTextFileSync("deno.lock"));
  return Object.keys(lock.npm).map((key) => {
    const at = key.indexOf("@", 1);
    return { name: key.slice(0, at), version: key.slice(at + 1).replace(/_.*$/, "") };
  });
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function run(deno: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(deno, { args, stdin: "null" }).output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(`Cannot run deno ${args[0]}: ${new TextDecoder().decode(stderr).trim()}`);
}
