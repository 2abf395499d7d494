/** Removing a snapshot. */
import { HoldfastError } from "../../../lib/errors.ts";
import type { EngineContext, StoredArtifact } from "../../engine.ts";
import type { Tools } from "../tools/find.ts";
import { Client } from "./client.ts";

/** Forgets the snapshot; one that is not there is no failure. */
export async function remove(tools: Tools, artifact: StoredArtifact, context: EngineContext): Promise<void> {
  // What a run leaves that was cut short are partial files, and those are not this engine's.
  if (!artifact.path.startsWith("restic:")) return;
  const { client, id } = Client.of(tools, artifact, context);
  await client.run({
    args: ["forget", ...(client.options.prune === true ? ["--prune"] : []), id],
    action: `remove snapshot ${id.slice(0, 8)} from ${client.name}`,
    quiet: true,
  }).catch((error) => {
    if (!(error instanceof HoldfastError) || error.code !== "no_snapshot") throw error;
  });
}
