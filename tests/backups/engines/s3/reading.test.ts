/** Reading from a storage that is slow, breaks off or goes in circles. */
import assert from "node:assert/strict";
import { S3Client } from "../../../../src/backups/engines/s3/client.ts";
import { listObjects, readObject } from "../../../../src/backups/engines/s3/objects.ts";
import type { S3Settings } from "../../../../src/backups/engines/s3/options.ts";

const context = { signal: new AbortController().signal, secret: () => Promise.resolve("secret-key") };

/** A client of a storage that answers as told. */
async function withStorage(
  answer: (request: Request) => Response,
  body: (client: S3Client) => Promise<void>,
  limitMs?: number,
): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  const settings: S3Settings = {
    endpoint: `http://127.0.0.1:${server.addr.port}`,
    access_key_id: "key",
    secret_access_key: { secret: "s3" },
    allow_private: true,
  };
  try {
    await using client = await S3Client.open(settings, "bucket", context, limitMs);
    await body(client);
  } finally {
    await server.shutdown();
  }
}

const read = async (client: S3Client) => {
  let text = "";
  const take = (piece: Uint8Array) => void (text += new TextDecoder().decode(piece));
  const { size_bytes } = await readObject(client, "x", take, context.signal);
  return [text, size_bytes];
};

Deno.test("s3: an object may take longer than the limit of a request, as long as bytes keep coming", async () => {
  // Longer than the limit in all, each piece by far not.
  const slow = () => {
    let left = 12;
    return new ReadableStream({
      async pull(controller) {
        if (left-- === 0) return controller.close();
        await new Promise((resolve) => setTimeout(resolve, 300));
        controller.enqueue(new TextEncoder().encode("."));
      },
    });
  };
  const answer = () => new Response(slow(), { headers: { etag: '"1"' } });
  await withStorage(
    answer,
    async (client) => assert.deepEqual(await read(client), ["............", 12]),
    3000,
  );
});

Deno.test("s3: what broke off is read on where it broke, and never from the start again", async () => {
  for (const knowsRanges of [true, false]) {
    let calls = 0;
    const answer = ({ headers }: Request) => {
      if (calls++ > 0) {
        return knowsRanges && headers.get("range") === "bytes=3-"
          ? new Response("def", { status: 206, headers: { etag: '"1"' } })
          : new Response("abcdef", { headers: { etag: '"1"' } });
      }
      const broken = new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode("abc")),
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 100));
          controller.error(new Error("broken"));
        },
      });
      return new Response(broken, { headers: { etag: '"1"' } });
    };
    await withStorage(answer, async (client) => {
      if (knowsRanges) assert.deepEqual(await read(client), ["abcdef", 6]);
      else await assert.rejects(read(client), /it broke after 3 bytes, and the storage begins anew/);
    });
  }
});

Deno.test("s3: a list that leads to itself ends", async () => {
  const page = "<R><Contents><Key>a</Key><Size>1</Size></Contents><IsTruncated>true</IsTruncated>" +
    "<NextContinuationToken>again</NextContinuationToken></R>";
  await withStorage(() => new Response(page), async (client) => {
    await assert.rejects(Array.fromAsync(listObjects(client, "")), /the page it was asked for/);
  });
});
