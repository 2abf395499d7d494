/** What opens an encrypted artifact. */
import type { EngineContext, StoredArtifact } from "../../engine.ts";
import { ArchiveOptions } from "./options.ts";
import type { Opener } from "./protocol.ts";

/** What there is to open an artifact with: the identity given with it, or the one its options name. */
export async function openerFor(
  { identity, options }: StoredArtifact,
  context: EngineContext,
): Promise<Opener | null> {
  if (identity !== undefined) return { identity };
  const parsed = ArchiveOptions.safeParse(options);
  const ref = parsed.success ? parsed.data.identity : undefined;
  return ref === undefined ? null : { identity: await context.secret(ref.secret) };
}
