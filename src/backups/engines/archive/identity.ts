/** What opens an encrypted artifact. */
import { z } from "zod";
import type { EngineContext, StoredArtifact } from "../../engine.ts";
import { SecretRef } from "../tools/secrets.ts";
import type { Opener } from "./protocol.ts";

/** What there is to open an artifact with: the identity given with it, or the one its options name. */
export async function openerFor(
  { identity, options }: StoredArtifact,
  context: EngineContext,
): Promise<Opener | null> {
  if (identity !== undefined) return { identity };
  const ref = z.object({ identity: SecretRef.optional() }).safeParse(options).data?.identity;
  return ref === undefined ? null : { identity: await context.secret(ref.secret) };
}
