/** Restoring an archive below a directory, inside a worker. Nothing an archive says makes it write elsewhere. */
import { HoldfastError } from "../../../lib/errors.ts";
import { EntryWriter } from "./entry-writer.ts";
import type { Host, RestoreResult, RestoreTask } from "./protocol.ts";
import { plainPath } from "./glob.ts";
import { nothingMatches } from "./nothing-matches.ts";
import { ArtifactReader } from "./read-artifact.ts";
import { everything, planRestore, type RestorePlan } from "./restore-plan.ts";
import { TarReader } from "./tar-decode.ts";
import { writeError } from "./system-errors.ts";
import { hashOf } from "./verify.ts";

/** Runs the task. What was written before a failure or a cancel stays, whole files only. */
export async function restore(task: RestoreTask, host: Host): Promise<RestoreResult> {
  const { request } = task;
  if (task.sha256 !== null && hashOf(task, host).sha256 !== task.sha256) {
    throw new HoldfastError(
      "conflict",
      `Cannot restore "${task.path}": its SHA-256 is not the recorded one`,
      {
        code: "archive_damaged",
        hint: "Verify it, or restore another backup",
      },
    );
  }
  const created = createTarget(request.target);
  const target = Deno.realPathSync(request.target);
  const plan = await planFor(task, target, host);
  const writer = new EntryWriter(target, created, request);
  try {
    await restoreEntries(task, plan, writer, host);
    writer.finishDirectories();
  } catch (error) {
    throw writeError(error, request.target);
  }
  return { item_count: writer.items, restored_bytes: writer.bytes, warnings: writer.warnings() };
}

/** True when the directory did not exist. */
function createTarget(path: string): boolean {
  try {
    if (Deno.statSync(path).isDirectory) return false;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw writeError(error, path);
    makeTarget(path);
    return true;
  }
  throw new HoldfastError("invalid", `Cannot restore into "${path}": it is not a directory`);
}

function makeTarget(path: string): void {
  try {
    // Private, as what protected the restored files may be a directory above them that is not in the archive.
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw writeError(error, path);
  }
}

/** The first look at the archive, when patterns or files in the target make one necessary. */
async function planFor(task: RestoreTask, target: string, host: Host): Promise<RestorePlan> {
  const { patterns, force } = task.request;
  const empty = Deno.readDirSync(target)[Symbol.iterator]().next().done === true;
  if (patterns.length === 0 && (empty || force)) return everything();
  const plan = await planRestore(task, target, host);
  if (plan.total_items === 0 && patterns.length > 0) {
    throw nothingMatches(task.path, patterns, plan.examples);
  }
  if (plan.conflict_count > 0 && !force) {
    const more = plan.conflict_count - plan.conflicts.length;
    const names = plan.conflicts.map((name) => `"${name}"`).join(", ") +
      (more > 0 ? ` and ${more} more` : "");
    throw new HoldfastError("conflict", `Cannot restore into "${target}": files exist already: ${names}`, {
      hint: "Restore into an empty directory, or overwrite them with --force",
    });
  }
  return plan;
}

async function restoreEntries(
  task: RestoreTask,
  plan: RestorePlan,
  writer: EntryWriter,
  host: Host,
): Promise<void> {
  using artifact = new ArtifactReader(task.path, () => host.checkpoint(), task.opener);
  const tar = new TarReader(artifact.tar());
  const totals = {
    ...(task.total_bytes === null || task.request.patterns.length > 0
      ? {}
      : { total_bytes: task.total_bytes }),
    ...(plan.total_items === null ? {} : { total_items: plan.total_items }),
  };
  const report = (now: boolean) =>
    host.progress({ phase: "restore", done_bytes: writer.bytes, done_items: writer.items, ...totals }, now);
  const onPiece = () => {
    host.checkpoint();
    report(false);
  };
  for (let header = await tar.next(); header !== null; header = await tar.next()) {
    host.checkpoint();
    const path = plainPath(header.path);
    const link = plan.needed.get(path);
    if (plan.selected(path)) await writer.entry(header, tar, onPiece);
    else if (header.kind === "directory") writer.noteParent(path, header);
    else if (link !== undefined && header.kind === "file") await writer.entryAs(link, header, tar, onPiece);
    report(false);
  }
  report(true);
}
