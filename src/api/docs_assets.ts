/**
 * Swagger UI and ReDoc as files of the program itself: `/docs` and `/redoc` work where there is no internet.
 *
 * They come from npm like everything else, imported as bytes, so that `deno run` finds them in the package cache
 * and the compiled program in itself; nothing is read before a page asks for it. Both files are complete bundles,
 * so the lock file holds the two packages without their dependencies (about 120 that nothing here would load, one
 * of which reports installations to its maker). ReDoc stays at 2.x: 3.x sends usage data to its maker unless told
 * not to, and twice as many bytes to the browser.
 */

/** A file that the pages load. */
export type DocsAsset = "swagger-ui.css" | "swagger-ui-bundle.js" | "redoc.standalone.js";

/** The file and its media type. */
export async function docsAsset(name: DocsAsset): Promise<{ bytes: Uint8Array<ArrayBuffer>; type: string }> {
  const type = name.endsWith(".css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8";
  const { default: bytes } = await load(name);
  return { bytes, type };
}

/** The names stand here in full because the compiler takes in only what it can read in the text. */
function load(name: DocsAsset): Promise<{ default: Uint8Array<ArrayBuffer> }> {
  switch (name) {
    case "swagger-ui.css":
      return import("swagger-ui-dist/swagger-ui.css", { with: { type: "bytes" } });
    case "swagger-ui-bundle.js":
      return import("swagger-ui-dist/swagger-ui-bundle.js", { with: { type: "bytes" } });
    case "redoc.standalone.js":
      return import("redoc/bundles/redoc.standalone.js", { with: { type: "bytes" } });
  }
}
