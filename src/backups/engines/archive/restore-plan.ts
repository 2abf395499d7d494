/** Looking through an archive before anything is written: what would be overwritten, and what links need. */
import { globMatcher, type Matcher, plainPath } from "./glob.ts";
import type { Host, RestoreTask } from "./protocol.ts";
import { Examples } from "./nothing-matches.ts";
import { ArtifactReader } from "./read-artifact.ts";
import { safeNames } from "./safe-path.ts";
import { TarReader } from "./tar-decode.ts";

/** What a restore has to know of the whole archive. */
export interface RestorePlan {
  selected: Matcher;
  /** Selected entries; null when nobody counted. */
  total_items: number | null;
  /** Paths of files that exist already, at most `MAX_CONFLICTS`. */
  conflicts: string[];
  conflict_count: number;
  /** Files that are not selected although a selected hard link repeats them: their path and that link's. */
  needed: Map<string, string>;
  /** Some paths that are in it. */
  examples: string[];
}

const MAX_CONFLICTS = 5;

/** Whether an entry is meant by the patterns; none means all. */
export function selector(patterns: readonly string[]): Matcher {
  const matches = globMatcher(patterns);
  return patterns.length === 0 ? () => true : matches;
}

/** Walks the headers of the archive once. */
export async function planRestore(task: RestoreTask, target: string, host: Host): Promise<RestorePlan> {
  const selected = selector(task.request.patterns);
  const plan: RestorePlan = { ...everything(), selected, total_items: 0 };
  const examples = new Examples(task.request.patterns);
  using artifact = new ArtifactReader(task.path, () => host.checkpoint(), task.opener);
  const tar = new TarReader(artifact.tar());
  let items = 0;
  for (let header = await tar.next(); header !== null; header = await tar.next()) {
    const path = plainPath(header.path);
    if (!selected(path)) {
      if (items === 0) examples.add(path);
      continue;
    }
    items++;
    host.progress({ phase: "check", done_bytes: 0, done_items: items });
    const link = plainPath(header.link);
    if (header.kind === "hardlink" && !selected(link) && !plan.needed.has(link)) {
      plan.needed.set(link, header.path);
    }
    const names = safeNames(header.path);
    if (!Array.isArray(names) || names.length === 0) continue;
    if (!inTheWay([target, ...names].join("/"), header.kind === "directory")) continue;
    plan.conflict_count++;
    if (plan.conflicts.length < MAX_CONFLICTS) plan.conflicts.push(names.join("/"));
  }
  plan.total_items = items;
  plan.examples = examples.paths;
  return plan;
}

/** The plan of who looks at nothing before. */
export function everything(): RestorePlan {
  return {
    selected: selector([]),
    total_items: null,
    conflicts: [],
    conflict_count: 0,
    needed: new Map(),
    examples: [],
  };
}

function inTheWay(path: string, directory: boolean): boolean {
  try {
    return !(Deno.lstatSync(path).isDirectory && directory);
  } catch {
    // Nothing there, or nothing that can be reached: then writing fails by itself.
    return false;
  }
}
