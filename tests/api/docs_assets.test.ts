import assert from "node:assert/strict";
import { docsAsset } from "../../src/api/docs_assets.ts";

/** Not a match on the text, which would print a megabyte when it fails. */
function holds({ bytes }: { bytes: Uint8Array }, text: string): boolean {
  return new TextDecoder().decode(bytes).includes(text);
}

Deno.test("the files of the API's pages are complete bundles with their media types", async () => {
  const css = await docsAsset("swagger-ui.css");
  const swagger = await docsAsset("swagger-ui-bundle.js");
  const redoc = await docsAsset("redoc.standalone.js");
  assert.equal(css.type, "text/css; charset=utf-8");
  assert.equal(swagger.type, "text/javascript; charset=utf-8");
  assert.equal(redoc.type, "text/javascript; charset=utf-8");
  assert.ok(holds(css, ".swagger-ui"));
  assert.ok(holds(swagger, "SwaggerUIBundle"));
  assert.ok(holds(redoc, "Redoc"));
});

Deno.test("the lock file holds the pages' packages without what they are bundled from", () => {
  const lock: { npm: Record<string, { dependencies?: string[] }> } = JSON.parse(
    Deno.readTextFileSync("deno.lock"),
  );
  const pages = Object.entries(lock.npm).filter(([name]) => /^(redoc|swagger-ui-dist)@/.test(name));
  assert.equal(pages.length, 2);
  for (const [name, { dependencies }] of pages) {
    assert.equal(
      dependencies,
      undefined,
      `${name} brings its dependencies: take them out of deno.lock, with the packages only they need`,
    );
  }
  assert.equal(
    Object.keys(lock.npm).some((name) => /^(react|styled-components|@scarf\/scarf)@/.test(name)),
    false,
  );
});
