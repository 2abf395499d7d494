/**
 * Recovery without a database: what can be done with an artifact and nothing else.
 *
 * Used on this host only, by a person who has the file: nothing is confined and nothing is recorded.
 */
import { HoldfastError } from "../lib/errors.ts";
import { requireAbsolute } from "./confine.ts";
import type { Engine, EngineContext, StoredArtifact } from "./engine.ts";
import { type BackupVerification, destinationOf, type RestoreFields, type RestoreResult } from "./model.ts";

/** Restores a file, whose manifest is used when it lies beside it. Errors: `not_found`, `invalid`, and the engine's. */
export async function restoreFile(
  engines: readonly Engine[],
  request: RestoreFields & { file: string; identity?: string },
  context: EngineContext,
): Promise<RestoreResult> {
  const { file, to, into: _, identity, ...how } = request;
  if (to !== undefined) requireAbsolute(to);
  const { engine, artifact } = await identify(engines, file, identity);
  const place = destinationOf(request, engine);
  const { item_count, restored_bytes, warnings } = await engine.restore(
    artifact,
    { ...place, ...how },
    context,
  );
  return {
    backup_id: null,
    path: artifact.path,
    to: place.into ?? place.target,
    item_count,
    restored_bytes,
    warnings,
  };
}

/** Reads a file and compares it with its manifest; without one only its own checksums count. Errors: `not_found`, `invalid`. */
export async function verifyFile(
  engines: readonly Engine[],
  file: string,
  context: EngineContext,
  identity?: string,
): Promise<Omit<BackupVerification, "backup_id" | "name" | "verified_at">> {
  const { engine, artifact } = await identify(engines, file, identity);
  return { path: artifact.path, ...await engine.verify(artifact, context) };
}

async function identify(
  engines: readonly Engine[],
  file: string,
  identity: string | undefined,
): Promise<{ engine: Engine; artifact: StoredArtifact }> {
  requireAbsolute(file);
  for (const engine of engines) {
    const artifact = await engine.identify?.(file);
    if (artifact === undefined) continue;
    return { engine, artifact: identity === undefined ? artifact : { ...artifact, identity } };
  }
  throw new HoldfastError("invalid", `Cannot use "${file}": it is no backup that an engine knows`);
}
