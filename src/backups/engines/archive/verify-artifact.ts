/** Verifying an artifact from the daemon's side: what was found against what was recorded. */
import { messageOf } from "../../../lib/errors.ts";
import type { EngineContext, StoredArtifact, Verification } from "../../engine.ts";
import { manifestOf } from "./discover.ts";
import { openerFor } from "./identity.ts";
import { itemCount, type Manifest } from "./manifest.ts";
import { identityNeeded } from "./opener.ts";
import type { VerifyResult } from "./protocol.ts";
import { saysGone } from "../tools/secrets.ts";
import { TaskWorker } from "./run-task.ts";

type Recorded = Pick<Manifest, "sha256" | "size_bytes" | "source_bytes" | "counts">;

/** One sentence per difference between what an archive holds and what was recorded of it. */
export function differences(found: VerifyResult, recorded: Recorded): string[] {
  const problems: string[] = [];
  if (found.problem !== null) problems.push(found.problem);
  if (found.size_bytes !== recorded.size_bytes) {
    problems.push(`Its size is ${found.size_bytes} bytes, recorded are ${recorded.size_bytes}`);
  }
  if (found.sha256 !== recorded.sha256) {
    problems.push(`Its SHA-256 is ${found.sha256}, recorded is ${recorded.sha256}`);
  }
  // A damaged archive holds less than recorded; saying so again would only hide why. Of a sealed one nobody knows.
  if (found.problem !== null || found.sealed) return problems;
  const kinds = ["files", "directories", "symlinks", "hardlinks"] as const;
  for (const kind of kinds) {
    if (found.counts[kind] === recorded.counts[kind]) continue;
    problems.push(`It holds ${found.counts[kind]} ${kind}, recorded are ${recorded.counts[kind]}`);
  }
  if (found.source_bytes !== recorded.source_bytes) {
    problems.push(`Its files hold ${found.source_bytes} bytes, recorded are ${recorded.source_bytes}`);
  }
  return problems;
}

/** Reads the whole artifact and compares it with its manifest and with what the caller knows of it. */
export async function verifyArtifact(
  artifact: StoredArtifact,
  context: EngineContext,
): Promise<Verification> {
  const problems: string[] = [];
  const manifest = await manifestOf(artifact.path).catch((error) => {
    problems.push(messageOf(error));
    return null;
  });
  if (manifest === null && problems.length === 0) {
    context.log(
      "warning",
      `"${artifact.path}" has no manifest: only what the archive says of itself can be checked`,
    );
  }
  const total_bytes = manifest?.source_bytes ?? null;
  const found = await walkArtifact(artifact, total_bytes, context);
  if ("gone" in found) {
    return { ok: false, problems: [found.gone], size_bytes: 0, sha256: null, item_count: 0 };
  }
  const known = manifest?.sha256 ?? artifact.sha256;
  if (found.sealed && known === null) throw identityNeeded(artifact.path);
  if (found.sealed) {
    context.log("info", `"${artifact.path}" is encrypted: without its identity only its hash was compared`);
  }
  if (manifest !== null) problems.push(...differences(found, manifest));
  else if (found.problem !== null) problems.push(found.problem);
  if (artifact.sha256 !== null && artifact.sha256 !== found.sha256 && artifact.sha256 !== manifest?.sha256) {
    problems.push(`Its SHA-256 is ${found.sha256}, the catalogue has ${artifact.sha256}`);
  }
  return {
    ok: problems.length === 0,
    problems,
    size_bytes: found.size_bytes,
    sha256: found.sha256,
    item_count: found.sealed ? manifest === null ? 0 : itemCount(manifest) : itemCount(found) + found.others,
  };
}

async function walkArtifact(
  artifact: StoredArtifact,
  total_bytes: number | null,
  context: EngineContext,
): Promise<VerifyResult | { gone: string }> {
  using worker = new TaskWorker();
  try {
    const opener = await openerFor(artifact, context);
    return await worker.run<"verify">({ task: "verify", path: artifact.path, opener, total_bytes }, context);
  } catch (error) {
    if (saysGone(error)) return { gone: error.message };
    throw error;
  }
}
