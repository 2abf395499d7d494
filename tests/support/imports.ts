/** Reads which file imports which, without running or type-checking anything. */
import { posix } from "node:path";

/** Path of a file from the top of the repository -> its text. */
export type Sources = ReadonlyMap<string, string>;

export interface Import {
  from: string;
  /** Path from the top of the repository. */
  to: string;
  /** A worker's main module is started, not loaded: it may import from whoever starts it. */
  worker: boolean;
}

const STATEMENT = /\b(?:import|export)\b[^"'`;]*?\bfrom\s*"([^"]+)"|\bimport\s*\(?\s*"([^"]+)"/g;
const WORKER = /new URL\(\s*"([^"]+\.ts)",\s*import\.meta\.url\s*\)/g;

/** Imports of our own files: static, types only, re-exported, dynamic, and workers. */
export function importsOf(sources: Sources): Import[] {
  return [...sources].flatMap(([from, text]) => {
    const resolve = (specifier: string, worker: boolean) => {
      return { from, to: posix.join(posix.dirname(from), specifier), worker };
    };
    return [
      ...[...text.matchAll(STATEMENT)].map((found) => resolve(found[1] ?? found[2] ?? "", false)),
      ...[...text.matchAll(WORKER)].map((found) => resolve(found[1] ?? "", true)),
    ].filter((found) => sources.has(found.to));
  });
}

/** Each circle of files that import one another, once, as the path that leads back to its start. */
export function cyclesOf(imports: readonly Import[]): string[][] {
  const next = Map.groupBy(imports.filter((found) => !found.worker), (found) => found.from);
  const done = new Set<string>();
  const cycles: string[][] = [];
  const visit = (file: string, path: string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    for (const { to } of next.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of next.keys()) visit(file, []);
  return cycles;
}
