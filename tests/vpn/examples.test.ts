/** The examples in the client's documentation, run against a fake tenant. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { FakeCloudConnexa } from "../support/cloudconnexa.ts";

const SOURCE = new URL("../../src/vpn/", import.meta.url);

async function examplesOf(file: string): Promise<string[]> {
  const text = await Deno.readTextFile(new URL(file, SOURCE));
  return [...text.matchAll(/ \* ```ts\n((?: \*.*\n)+?) \* ```/g)]
    .map(([, block = ""]) => block.replaceAll(/^ \* ?/gm, ""));
}

for (const file of ["mod.ts", "client.ts"]) {
  Deno.test(`the examples in src/vpn/${file} work as written`, async () => {
    const tenant = new FakeCloudConnexa();
    await using server = tenant.serve();
    const folder = await Deno.makeTempDir({ prefix: "holdfast-vpn-" });
    const examples = await examplesOf(file);
    assert.ok(examples.length > 0);
    try {
      for (const [i, example] of examples.entries()) {
        const runnable = example
          .replace("./src/vpn/mod.ts", new URL("mod.ts", SOURCE).href)
          .replace('cloudId: "acme"', `url: "${server.url}", allowLoopbackHttp: true`)
          .replace('Deno.env.get("CLOUDCONNEXA_CLIENT_ID") ?? ""', JSON.stringify(tenant.door.clientId))
          .replace(
            'Deno.env.get("CLOUDCONNEXA_CLIENT_SECRET") ?? ""',
            JSON.stringify(tenant.door.clientSecret),
          )
          .replace(
            '"key-1.acme", clientSecret: "..."',
            `"key-1.acme", clientSecret: "${tenant.door.clientSecret}"`,
          )
          .replace('"hq-1.ovpn"', JSON.stringify(join(folder, "hq-1.ovpn")))
          .replaceAll("console.log", "void ");
        const path = join(folder, `example_${i}.ts`);
        await Deno.writeTextFile(path, `${runnable}\nexport const done = true;\n`);
        assert.equal((await import(`file://${path}`)).done, true);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
