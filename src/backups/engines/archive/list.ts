/** Naming the entries of an archive, inside a worker, as fast as they are asked for. */
import { iso } from "../../../lib/clock.ts";
import type { ArtifactEntry } from "../../engine.ts";
import type { Host, ListTask } from "./protocol.ts";
import { ArtifactReader } from "./read-artifact.ts";
import { type TarHeader, TarReader } from "./tar-decode.ts";

const BATCH = 500;

/** Runs the task. */
export async function list(task: ListTask, host: Host): Promise<null> {
  using artifact = new ArtifactReader(task.path, () => host.checkpoint(), task.opener);
  const tar = new TarReader(artifact.tar());
  let batch: ArtifactEntry[] = [];
  for (let header = await tar.next(); header !== null; header = await tar.next()) {
    batch.push(entryOf(header));
    if (batch.length < BATCH) continue;
    await host.entries(batch);
    batch = [];
  }
  if (batch.length > 0) await host.entries(batch);
  return null;
}

function entryOf(header: TarHeader): ArtifactEntry {
  return {
    path: header.path.replace(/\/+$/, "") || "/",
    kind: header.kind,
    size_bytes: header.size,
    mode: header.mode,
    mtime: iso(header.mtime),
    ...(header.link === "" ? {} : { link_target: header.link }),
  };
}
