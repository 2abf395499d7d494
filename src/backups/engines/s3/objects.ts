/** What is done with the objects of a bucket. */
import { createHash } from "node:crypto";
import { HoldfastError } from "../../../lib/errors.ts";
import { pause, type S3Client } from "./client.ts";
import { elements, textOf } from "./xml.ts";

/** Longest time without a byte. */
const STALL_MS = 120_000;

/** An object of a list. */
export interface S3Object {
  key: string;
  size_bytes: number;
}

/** Objects whose keys begin so and hold no slash behind it, in order of their keys. */
export async function* listObjects(client: S3Client, prefix: string): AsyncGenerator<S3Object> {
  let token: string | undefined;
  do {
    const xml = await client.text({
      method: "GET",
      query: {
        "list-type": "2",
        delimiter: "/",
        prefix,
        ...(token === undefined ? {} : { "continuation-token": token }),
      },
    });
    for (const object of elements(xml, "Contents")) {
      const [key, size] = [textOf(object, "Key"), Number(textOf(object, "Size"))];
      if (key !== undefined && key !== prefix && !Number.isNaN(size)) yield { key, size_bytes: size };
    }
    const next = textOf(xml, "IsTruncated") === "true" ? textOf(xml, "NextContinuationToken") : undefined;
    if (next !== undefined && next === token) throw loops("objects");
    token = next;
  } while (token !== undefined);
}

/** For a list that would never end. */
export function loops(what: string): HoldfastError {
  return new HoldfastError(
    "upstream",
    `Cannot list ${what}: the storage answers with the page it was asked for`,
  );
}

/** Size of an object; "missing" when there is none. */
export async function sizeOf(client: S3Client, key: string): Promise<number | "missing"> {
  try {
    return Number((await client.done({ method: "HEAD", key })).get("content-length") ?? NaN);
  } catch (error) {
    if (error instanceof HoldfastError && error.kind === "not_found") return "missing";
    throw error;
  }
}

/** Removes an object; one that is gone is no error. */
export async function removeObject(client: S3Client, key: string): Promise<void> {
  try {
    await client.done({ method: "DELETE", key });
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.kind !== "not_found") throw error;
  }
}

/** A connection that breaks is taken up again where it broke, so often. */
const RESUMES = 5;

/** Hands the content of an object to `take`, in order. Errors: `not_found`, `upstream`. */
export async function readObject(
  client: S3Client,
  key: string,
  take: (piece: Uint8Array) => Promise<void> | void,
  signal: AbortSignal,
): Promise<{ sha256: string; size_bytes: number }> {
  const hash = createHash("sha256");
  let [size, tag] = [0, ""];
  for (let left = RESUMES;; left--) {
    // The tag makes sure that it is the same object still.
    const headers = size === 0 ? {} : { range: `bytes=${size}-`, "if-match": tag };
    const response = await client.send({ method: "GET", key, headers, streamed: true });
    if (size > 0 && response.status !== 206) {
      await response.body?.cancel();
      throw new HoldfastError(
        "upstream",
        `Cannot read "${key}" to its end: it broke after ${size} bytes, and the storage begins anew`,
        { hint: "try again; the storage knows no ranges" },
      );
    }
    tag = response.headers.get("etag") ?? "";
    const expected = size + Number(response.headers.get("content-length") ?? NaN);
    try {
      for await (const piece of withoutStall(response.body ?? new ReadableStream(), signal)) {
        hash.update(piece);
        size += piece.length;
        await take(piece);
      }
      if (Number.isNaN(expected) || size === expected) {
        return { sha256: hash.digest("hex"), size_bytes: size };
      }
      throw new TypeError(`it ended after ${size} of ${expected} bytes`);
    } catch (error) {
      signal.throwIfAborted();
      // Anything else comes from who takes the pieces.
      if (!(error instanceof TypeError)) throw error;
      if (left === 0 || tag === "") {
        throw new HoldfastError("upstream", `Cannot read "${key}" to its end: ${error.message}`, {
          cause: error,
        });
      }
      await pause(500, signal);
    }
  }
}

async function* withoutStall(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  let ended = false;
  try {
    while (true) {
      signal.throwIfAborted();
      let timer: ReturnType<typeof setTimeout> | undefined;
      const stalled = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new TypeError("nothing came for too long")), STALL_MS);
      });
      const { value, done } = await Promise.race([reader.read(), stalled]).finally(() => clearTimeout(timer));
      ended = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!ended) await reader.cancel().catch(() => {});
  }
}
