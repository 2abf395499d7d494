/** The parts of talking to a storage that need none. */
import assert from "node:assert/strict";
import { archiveEngine } from "../../../../src/backups/engines/archive.ts";
import { S3Client, urlOf } from "../../../../src/backups/engines/s3/client.ts";
import { placeOf, type S3Settings } from "../../../../src/backups/engines/s3/options.ts";
import { sign } from "../../../../src/backups/engines/s3/sign.ts";
import { partsOf } from "../../../../src/backups/engines/s3/upload.ts";
import { elements, escapeXml, textOf } from "../../../../src/backups/engines/s3/xml.ts";

const settings: S3Settings = {
  endpoint: "https://s3.amazonaws.com",
  access_key_id: "AKIAIOSFODNN7EXAMPLE",
  secret_access_key: { secret: "s3" },
  path_style: false,
};

// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "Examples: Signature Calculations"
const VECTORS = [
  {
    what: "GET Object",
    request: { method: "GET", key: "test.txt", headers: { range: "bytes=0-9" } },
    signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  },
  {
    what: "PUT Object",
    request: {
      method: "PUT",
      key: "test$file.text",
      headers: { date: "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY" },
      body: new TextEncoder().encode("Welcome to Amazon S3."),
    },
    signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  },
  {
    what: "GET Bucket Lifecycle",
    request: { method: "GET", query: { lifecycle: "" } },
    signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  },
  {
    what: "GET Bucket (List Objects)",
    request: { method: "GET", query: { "max-keys": "2", prefix: "J" } },
    signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  },
] as const;

for (const { what, request, signature } of VECTORS) {
  Deno.test(`s3: the published signature of ${what} is ours`, async () => {
    const headers = await sign({
      method: request.method,
      url: urlOf(settings, "examplebucket", { ...request, method: request.method }),
      headers: "headers" in request ? request.headers : {},
      body: "body" in request ? request.body : undefined,
    }, {
      access_key_id: "AKIAIOSFODNN7EXAMPLE",
      secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
      region: "us-east-1",
    }, Date.UTC(2013, 4, 24));
    assert.match(headers.get("authorization") ?? "", new RegExp(`Signature=${signature}$`));
  });
}

Deno.test("s3: a bucket stands in the path or in the host's name, and names are escaped as they are signed", () => {
  const at = (key: string, path_style?: boolean) =>
    urlOf(
      { ...settings, endpoint: "http://127.0.0.1:8080", ...(path_style === undefined ? {} : { path_style }) },
      "b",
      {
        key,
        query: { prefix: "a b/ü'" },
      },
    ).href;
  assert.equal(
    at("x/y (1)+*.zst", true),
    "http://127.0.0.1:8080/b/x/y%20%281%29%2B%2A.zst?prefix=a%20b%2F%C3%BC%27",
  );
  assert.equal(urlOf(settings, "b", {}).href, "https://b.s3.amazonaws.com/");
  for (const key of ["127.0.0.1:8080", "[::1]:8080"]) {
    assert.throws(
      () => urlOf({ ...settings, endpoint: `http://${key}` }, "b", { key: "x" }),
      { kind: "invalid", hint: "leave path_style out, so that the bucket stands in the path" },
    );
  }
});

Deno.test("s3: parts are few, not too small, and one file of any size has at most 10,000", () => {
  const mib = 1 << 20;
  for (const size of [0, 1, 8 * mib, 8 * mib + 1, 5_000_000_000, 70_000_000_000, 5 * 2 ** 40]) {
    const parts = partsOf(size);
    assert.ok(parts.length >= 1 && parts.length <= 10_000, `${size}`);
    assert.equal(parts.reduce((sum, part) => sum + part.length, 0), size);
    assert.ok(
      parts.every((part, i) => part.number === i + 1 && part.offset === i * parts[0]!.length),
      `${size}`,
    );
    assert.ok(parts.slice(0, -1).every(({ length }) => length >= 5 * mib));
  }
  assert.equal(partsOf(8 * mib + 1).length, 2);
  assert.ok(partsOf(60_000_000_000).length <= 1000, "some storages take no more");
  assert.ok(partsOf(600_000_000_000)[0]!.length <= 64 * mib, "and memory is no question of size");
});

Deno.test("s3: answers are read with their entities, and keys are written with them", () => {
  const xml =
    `<?xml version="1.0"?><R xmlns="http://s3"><Contents><Key>a &amp; b&#x2F;&lt;c&gt;</Key><Size>5</Size>` +
    `</Contents><Contents><Key></Key></Contents><ContentsX/></R>`;
  assert.deepEqual(elements(xml, "Contents").map((one) => [textOf(one, "Key"), textOf(one, "Size")]), [
    ["a & b/<c>", "5"],
    ["", undefined],
  ]);
  assert.equal(escapeXml('"a" & <b>'), '"a" &amp; &lt;b&gt;');
  // Read in one pass: otherwise this would take minutes.
  assert.deepEqual(elements("<Key>".repeat(200_000), "Key"), []);
});

Deno.test("s3: addresses and settings that cannot work are refused with their field", () => {
  const given = (destination: string, s3?: unknown) =>
    archiveEngine.options.safeParse({ sources: ["/a"], destination, ...(s3 === undefined ? {} : { s3 }) });
  const { path_style: _, ...good } = settings;
  assert.equal(given("s3://bucket/a/b", good).success, true);
  assert.equal(given("s3://bucket", good).success, true);
  for (
    const wrong of [
      "s3://",
      "s3://B",
      "s3://bucket/",
      "s3://bucket//a",
      "s3://bucket/../a",
      "bucket/a",
      "s3:/b",
      "s3://bucket/\ud800",
    ]
  ) {
    assert.equal(given(wrong, good).success, false, wrong);
  }
  const rows: [object | undefined, string][] = [
    [undefined, "s3"],
    [{ ...good, endpoint: "ftp://x" }, "s3.endpoint"],
    [{ ...good, endpoint: "https://x/path" }, "s3.endpoint"],
    [{ ...good, endpoint: "https://u:p@x" }, "s3.endpoint"],
    [{ ...good, secret_access_key: "in the clear" }, "s3.secret_access_key"],
  ];
  for (const [s3, path] of rows) {
    assert.deepEqual(given("s3://bucket/a", s3).error?.issues.map((issue) => issue.path.join(".")), [path]);
  }
  assert.equal(given("/local", good).success, false, "nothing to reach");
  assert.deepEqual(placeOf("s3://bucket/a/b"), { bucket: "bucket", key: "a/b" });
  assert.deepEqual(placeOf("s3://bucket"), { bucket: "bucket", key: "" });
});

Deno.test("s3: an address that is not public is not connected to unless an administrator said so", async () => {
  const options = archiveEngine.options.parse({
    sources: ["/a"],
    destination: "s3://bucket/a",
    s3: { ...settings, allow_private: true },
  });
  assert.deepEqual(archiveEngine.reserved?.(options), ["s3.allow_private"]);
  assert.deepEqual(archiveEngine.paths(options), { read: ["/a"], write: [] });
  let connections = 0;
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = (async () => {
    for await (const connection of listener) {
      connections++;
      connection.close();
    }
  })();
  const context = { signal: AbortSignal.timeout(60_000), secret: () => Promise.resolve("secret-key") };
  {
    const endpoint = `http://localhost:${listener.addr.port}`;
    await using client = await S3Client.open({ ...settings, path_style: true, endpoint }, "bucket", context);
    await assert.rejects(client.text({ method: "GET", key: "x" }), {
      kind: "forbidden",
      code: "address_refused",
      hint: "an administrator can set allow_private to true",
    });
  }
  listener.close();
  await accepting;
  assert.equal(connections, 0);
});
