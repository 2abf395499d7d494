/** Removing what a backup in the making left behind. */
import { isAbsolute, join } from "node:path";
import type { Engine, EngineContext } from "./engine.ts";
import type { Make } from "./queries.ts";

const PARTIAL = ".partial";

/**
 * Removes the partial files of one make from its directories, and what its engine laid beside them already. Names are
 * never given twice, so nothing else can be hit. Returns the paths of the partial files, and what else it removed.
 */
export async function sweep(
  engine: Engine,
  make: Pick<Make, "name" | "directories" | "options">,
  context: EngineContext,
): Promise<string[]> {
  const swept: string[] = [];
  for (const directory of make.directories) {
    if (!isAbsolute(directory)) {
      const { options } = make;
      swept.push(...await engine.sweep?.(directory, make.name, { options, context }) ?? []);
      continue;
    }
    for (const { name } of await entriesOf(directory)) {
      if (!name.startsWith(`${make.name}.`) || !name.endsWith(PARTIAL)) continue;
      const partial = join(directory, name);
      const path = partial.slice(0, -PARTIAL.length);
      await Deno.remove(partial, { recursive: true });
      if (!await exists(path)) await engine.remove({ path, size_bytes: null, sha256: null }, context);
      swept.push(partial);
    }
  }
  return swept;
}

/** A directory that is not there has nothing to sweep. */
async function entriesOf(directory: string): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(directory));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return [];
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
