/** Verifying a single-file artifact: what is in the file against what its manifest and the catalogue say. */
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import type { EngineContext, StoredArtifact, Verification } from "../../engine.ts";
import { type DumpManifest, manifestOf } from "./manifest.ts";
import type { Compression, Content } from "./protocol.ts";
import { work } from "./work.ts";

/** How an engine's artifacts are read. */
export interface DumpKind {
  engine: string;
  /** Says how a file without manifest is stored. */
  compressionOf(path: string): Compression;
  marker?: string;
  /** Looks at the content of a file that is as it was written: problems, and items when only this finds them. */
  inspect?(
    found: { artifact: StoredArtifact; content: Content; manifest: DumpManifest | null },
    context: EngineContext,
  ): Promise<{ problems: string[]; item_count?: number }>;
}

/** Reads the whole artifact and compares it with its manifest and with what the caller knows of it. */
export async function verifyDump(
  kind: DumpKind,
  artifact: StoredArtifact,
  context: EngineContext,
): Promise<Verification> {
  const problems: string[] = [];
  const manifest = await manifestOf(artifact.path, kind.engine).catch((error) => {
    problems.push(messageOf(error));
    return null;
  });
  if (manifest === null && problems.length === 0) {
    context.log(
      "warning",
      `"${artifact.path}" has no manifest: only what the file says of itself can be checked`,
    );
  }
  const content = await contentOf(kind, artifact.path, manifest, context);
  if ("gone" in content) {
    return { ok: false, problems: [content.gone], size_bytes: 0, sha256: null, item_count: 0 };
  }
  problems.push(...differences(content, manifest, artifact));
  const inspected = problems.length > 0
    ? { problems: [] }
    : await kind.inspect?.({ artifact, content, manifest }, context) ?? { problems: [] };
  problems.push(...inspected.problems);
  const counted = kind.marker === undefined ? manifest?.item_count ?? 1 : content.count;
  return {
    ok: problems.length === 0,
    problems,
    size_bytes: content.size_bytes,
    sha256: content.sha256,
    item_count: inspected.item_count ?? counted,
  };
}

async function contentOf(
  kind: DumpKind,
  path: string,
  manifest: DumpManifest | null,
  context: EngineContext,
): Promise<Content | { gone: string }> {
  try {
    return await work<"read">({
      task: "read",
      path,
      compression: manifest?.compression ?? kind.compressionOf(path),
      marker: kind.marker ?? null,
      total_bytes: manifest?.content_bytes ?? null,
    }, context);
  } catch (error) {
    if (error instanceof HoldfastError && error.kind === "not_found") return { gone: error.message };
    throw error;
  }
}

/** One sentence per difference between what a file holds and what was recorded of it. */
function differences(found: Content, manifest: DumpManifest | null, artifact: StoredArtifact): string[] {
  const problems = found.problem === null ? [] : [found.problem];
  if (found.size_bytes === 0 && found.problem === null) problems.push("It is empty");
  if (manifest !== null && found.size_bytes !== manifest.size_bytes) {
    problems.push(`Its size is ${found.size_bytes} bytes, recorded are ${manifest.size_bytes}`);
  }
  if (manifest !== null && found.sha256 !== manifest.sha256) {
    problems.push(`Its SHA-256 is ${found.sha256}, recorded is ${manifest.sha256}`);
  }
  if (artifact.sha256 !== null && artifact.sha256 !== found.sha256 && artifact.sha256 !== manifest?.sha256) {
    problems.push(`Its SHA-256 is ${found.sha256}, the catalogue has ${artifact.sha256}`);
  }
  return problems;
}
