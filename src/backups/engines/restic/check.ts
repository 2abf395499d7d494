/** What can be said against a backup before it runs. */
import { messageOf } from "../../../lib/errors.ts";
import { isInside, rootsOf } from "../archive/check.ts";
import { missing, type Tools } from "../tools/find.ts";
import { RESTIC } from "./client.ts";
import { localPath, type ResticOptions } from "./options.ts";

/** One sentence per problem. A repository that is elsewhere is not asked: that needs its password. */
export async function checkOptions(tools: Tools, options: ResticOptions): Promise<string[]> {
  const problems = await missing(tools, RESTIC);
  const repository = localPath(options.repository);
  for (const { source } of rootsOf(options.sources)) {
    const problem = await sourceProblem(source);
    if (problem !== undefined) problems.push(problem);
    else if (repository !== undefined && isInside(repository, source)) {
      problems.push(`Repository "${repository}" lies inside source "${source}"`);
    }
  }
  if (repository !== undefined && options.init !== true && !await isRepository(repository)) {
    problems.push(
      `There is no repository at "${repository}": is its storage mounted? To make a new one set init to true`,
    );
  }
  return problems;
}

async function sourceProblem(source: string): Promise<string | undefined> {
  try {
    const { isDirectory, isFile } = await Deno.stat(source);
    if (!isDirectory && !isFile) return `Source "${source}" is neither a directory nor a file`;
    if (isDirectory) await Deno.readDir(source)[Symbol.asyncIterator]().next();
    else (await Deno.open(source)).close();
    return undefined;
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
    return `Source "${source}" ${gone ? "does not exist" : `cannot be read: ${messageOf(error)}`}`;
  }
}

/** True for a directory that holds a repository. What cannot be looked at is left to restic, which may be told more. */
export async function isRepository(path: string): Promise<boolean> {
  try {
    await Deno.stat(`${path}/config`);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory);
  }
}
