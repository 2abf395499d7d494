/** Opening encrypted artifacts: whether one is, and its plain bytes. */
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import type { Opener } from "./protocol.ts";
import { damaged } from "./tar-decode.ts";

/** First line of the format, see age-encryption.org/v1. */
const HEAD = "age-encryption.org/v1\n";
/** So many bytes tell whether an artifact is encrypted. */
export const HEAD_BYTES = HEAD.length;

/** True when bytes are the beginning of an encrypted artifact. */
export function isEncrypted(head: Uint8Array): boolean {
  return new TextDecoder("latin1").decode(head.subarray(0, HEAD_BYTES)) === HEAD;
}

/** An encrypted artifact that nothing was given to open with. */
export function identityNeeded(path: string): HoldfastError {
  return new HoldfastError("invalid", `Cannot open "${path}": it is encrypted, and its identity is needed`, {
    code: "identity_needed",
    hint: "give the age identity with --identity-file FILE, --identity-secret NAME or HOLDFAST_AGE_IDENTITY",
  });
}

/** Plain bytes of an encrypted artifact. Errors: `invalid` for an identity that does not open it, damage. */
export async function* opened(
  path: string,
  pieces: Iterable<Uint8Array>,
  opener: Opener,
): AsyncGenerator<Uint8Array> {
  let failure: { error: unknown } | undefined;
  const source = pieces[Symbol.iterator]();
  const stored = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      try {
        const { value, done } = source.next();
        if (done === true) controller.close();
        // A piece is valid until the next only, and the stream keeps it for a while.
        else controller.enqueue(value.slice());
      } catch (error) {
        failure = { error };
        throw error;
      }
    },
  }, { highWaterMark: 0 });
  const why = (error: unknown, otherwise: (error: unknown) => unknown) =>
    failure === undefined ? otherwise(error) : failure.error;
  const decrypter = await decrypterFor(path, opener);
  let plain: ReadableStream<Uint8Array>;
  try {
    plain = await decrypter.decrypt(stored);
  } catch (error) {
    throw why(error, () => headerError(path, error));
  }
  const reader = plain.getReader();
  try {
    while (true) {
      const { value, done } = await reader.read().catch((error) => {
        throw why(error, () => damaged("its encrypted data is not what was written"));
      });
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function decrypterFor(path: string, opener: Opener) {
  const { Decrypter } = await import("./age.ts");
  const decrypter = new Decrypter();
  if ("file_key" in opener) {
    decrypter.addIdentity({ unwrapFileKey: () => opener.file_key });
    return decrypter;
  }
  // What the library says of an identity may repeat it.
  const refuse = (reason: string) => {
    throw new HoldfastError("invalid", `Cannot open "${path}": ${reason}`, { code: "wrong_identity" });
  };
  const lines = opener.identity.split("\n").map((line) => line.trim());
  const keys = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (keys.length === 0) refuse("the identity is empty");
  for (const key of keys) {
    try {
      decrypter.addIdentity(key);
    } catch {
      refuse("what was given is no age identity (AGE-SECRET-KEY-...)");
    }
  }
  return decrypter;
}

/** The library has no kinds of errors, only words. */
function headerError(path: string, error: unknown): HoldfastError {
  if (!/no identity matched/.test(messageOf(error))) {
    return damaged("its encryption's header is not what was written");
  }
  return new HoldfastError("invalid", `Cannot open "${path}": it is not encrypted for this identity`, {
    code: "wrong_identity",
  });
}
