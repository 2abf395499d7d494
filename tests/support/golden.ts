/**
 * Golden files: what the program printed when somebody last looked at it, so that a change shows in review.
 *
 *     deno test -A tests/cli/help.test.ts -- --update        rewrites those of one test
 */
import assert from "node:assert/strict";
import { walk } from "./files.ts";

/** True when the person wants files rewritten instead of compared. */
export const UPDATE: boolean = Deno.args.includes("--update");

/** Compares texts with the files of a folder, one each, or rewrites the folder; a file nobody makes any more is wrong too. */
export async function compareGolden(folder: string, texts: ReadonlyMap<string, string>): Promise<void> {
  const paths = new Map([...texts].map(([name, text]) => [`${folder}/${name}.txt`, text]));
  if (UPDATE) {
    await Deno.mkdir(folder, { recursive: true });
    for (const path of walk(folder)) if (!paths.has(path)) await Deno.remove(path);
    for (const [path, text] of paths) await Deno.writeTextFile(path, text);
  }
  assert.deepEqual([...walk(folder)], [...paths.keys()].sort(), "there is one file for each, and no other");
  for (const [path, text] of paths) {
    assert.equal(text, await Deno.readTextFile(path), `${path} differs; if that is meant, add: -- --update`);
  }
}
