/** What opens an encrypted backup, as people give it: for this once, never kept, logged or shown. */
import { z } from "zod";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { FlagSpec } from "../lib/operation.ts";

/** Fields of an operation that may have to open a backup. */
export const IdentityFields = z.strictObject({
  identity: z.string().min(1).max(100_000).optional()
    .describe("age identity that opens the backup where it is encrypted (AGE-SECRET-KEY-...); never kept")
    .meta({ writeOnly: true }),
  identity_secret: z.string().min(1).optional()
    .describe("Name of the secret that holds this identity; default: the one of the engine's options"),
});
export type IdentityFields = z.output<typeof IdentityFields>;

/** The same on the command line, where the identity itself is no argument: others could see it. */
export const IDENTITY_FLAGS: Record<keyof IdentityFields, FlagSpec> = {
  identity: {
    flag: "--identity-file <file>",
    description: "File with the age identity that opens the backup where it is encrypted",
    parse: readIdentity,
    env: "HOLDFAST_AGE_IDENTITY",
  },
  identity_secret: { flag: "--identity-secret <name>" },
};

function readIdentity(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new HoldfastError("invalid", `Cannot read the identity from "${path}": ${messageOf(error)}`);
  }
}

/** The identity that was given, or null. Errors: `invalid` when it is given twice, `not_found` for a secret that is not there. */
export async function identityOf(
  { identity, identity_secret }: IdentityFields,
  readSecret: (name: string) => Promise<string>,
): Promise<string | undefined> {
  if (identity_secret === undefined) return identity;
  if (identity !== undefined) {
    const message = "the identity is given twice, as a text and as a secret's name";
    throw new HoldfastError("invalid", `Cannot open the backup: ${message}`, {
      errors: [{ path: "identity_secret", message }],
    });
  }
  return await readSecret(identity_secret);
}
