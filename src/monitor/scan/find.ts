/** Looking for plain files by path template. */
import fs from "node:fs";
import { join } from "node:path";
import { fillSegment, matchesName, type PathTemplate, type Token, type VariableTexts } from "../template.ts";
import { codeOf, type Print, printRegular, reasonOf } from "./open.ts";

/** A file that fits. */
export interface Match {
  path: string;
  print: Print;
}

/** What a search found. */
export interface Search {
  /** The newest first. */
  matches: Match[];
  /** What could not be looked at. */
  problems: string[];
}

/** A search that looks at more names than this is ended. */
const MAX_NAMES = 100_000;
const MAX_MATCHES = 100;
/** Directories that `**` stands for, at most. */
const MAX_DEEP = 8;

/** Regular files below `root` that fit, were modified within the given time and are no checksums of others. */
export function findFiles(
  root: string,
  template: PathTemplate,
  texts: VariableTexts,
  within: { from_ms: number; until_ms: number },
): Search {
  const search: Search = { matches: [], problems: [] };
  const segments = template.segments.map((one) => one === "deep" ? one : fillSegment(template, one, texts));
  let looked = 0;

  const visit = (directory: string, at: number, deep: number): void => {
    const segment = segments[at];
    if (segment === undefined || !isDirectory(directory, search.problems)) return;
    if (segment === "deep") {
      visit(directory, at + 1, 0);
      if (deep < MAX_DEEP) each(directory, ANYTHING, (path) => visit(path, at, deep + 1));
    } else if (at === segments.length - 1) each(directory, segment, take);
    else each(directory, segment, (path) => visit(path, at + 1, 0));
  };
  const each = (directory: string, segment: readonly Token[], use: (path: string) => void): void => {
    const [only] = segment;
    if (segment.length === 1 && only?.kind === "text") return use(join(directory, only.text));
    // A search by wildcards leaves hidden names alone: half-copied files are among them.
    const hidden = only?.kind === "text" && only.text.startsWith(".");
    for (const name of namesIn(directory, search.problems)) {
      if (++looked > MAX_NAMES) {
        if (looked === MAX_NAMES + 1) {
          search.problems.push(
            `Cannot look at all of "${root}" for "${template.text}": more than ${MAX_NAMES} names`,
          );
        }
        return;
      }
      if ((hidden || !name.startsWith(".")) && matchesName(segment, name)) use(join(directory, name));
    }
  };
  const take = (path: string): void => {
    if (path.endsWith(".sha256") && !template.text.endsWith(".sha256")) return;
    try {
      const print = printRegular(path);
      if (print === undefined || print.modified_ms < within.from_ms || print.modified_ms > within.until_ms) {
        return;
      }
      search.matches.push({ path, print });
    } catch (error) {
      search.problems.push(`Cannot use "${path}": ${reasonOf(error)}`);
    }
  };

  visit(root, 0, 0);
  search.matches.sort((a, b) => b.print.modified_ms - a.print.modified_ms || (a.path < b.path ? 1 : -1));
  search.matches.length = Math.min(search.matches.length, MAX_MATCHES);
  return search;
}

const ANYTHING: readonly Token[] = [{ kind: "any" }];

/** False for a link: it could lead anywhere. */
function isDirectory(path: string, problems: string[]): boolean {
  return attempt(path, problems, () => fs.lstatSync(path).isDirectory()) ?? false;
}

function namesIn(directory: string, problems: string[]): string[] {
  return attempt(directory, problems, () => fs.readdirSync(directory)) ?? [];
}

/** What is not there is no problem. */
function attempt<T>(directory: string, problems: string[], look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (!["ENOENT", "ENOTDIR"].includes(codeOf(error))) {
      problems.push(`Cannot look into "${directory}": ${reasonOf(error)}`);
    }
    return undefined;
  }
}
