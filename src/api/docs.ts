/** The API's own pages: the OpenAPI document, Swagger UI and ReDoc, all from the binary, no internet needed. */
import type { Env, Hono } from "hono";
import type { Operation } from "../lib/operation.ts";
import { headersFor } from "./respond.ts";

const ASSETS = ["swagger-ui.css", "swagger-ui-bundle.js", "redoc.standalone.js"] as const;

/** Pages may load what this server serves and nothing else; Swagger UI and ReDoc style their elements inline. */
const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:; font-src 'self' data:; frame-ancestors 'none'";

/** Adds `/openapi.json`, `/docs` and `/redoc`. Everything is loaded when first asked for. */
export function docsRoutes<E extends Env>(
  app: Hono<E>,
  operations: readonly Operation[],
  requestId: (request: Request) => string,
): void {
  const answer = (request: Request, body: BodyInit, type: string) =>
    new Response(body, {
      headers: { ...headersFor(requestId(request), type), "content-security-policy": POLICY },
    });
  let document: Promise<string> | undefined;
  const openapi = () =>
    document ??= import("./openapi.ts").then((m) => JSON.stringify(m.openApiDocument(operations)));
  for (const path of ["/openapi.json", "/api/v1/openapi.json"]) {
    app.get(path, async (c) => answer(c.req.raw, await openapi(), "application/json"));
  }
  app.get("/docs", (c) => answer(c.req.raw, SWAGGER_PAGE, "text/html; charset=utf-8"));
  app.get("/redoc", (c) => answer(c.req.raw, REDOC_PAGE, "text/html; charset=utf-8"));
  app.get("/docs/start.js", (c) => answer(c.req.raw, SWAGGER_START, "text/javascript; charset=utf-8"));
  for (const name of ASSETS) {
    app.get(`/docs/${name}`, async (c) => {
      const { docsAsset } = await import("./docs_assets.ts");
      const { bytes, type } = await docsAsset(name);
      const response = answer(c.req.raw, bytes.slice(), type);
      response.headers.set("cache-control", "max-age=3600");
      return response;
    });
  }
}

const SWAGGER_PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Holdfast API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>
`;

const SWAGGER_START =
  `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#ui", deepLinking: true, validatorUrl: null });
`;

const REDOC_PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Holdfast API</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><redoc spec-url="/openapi.json" disable-search></redoc>
<script src="/docs/redoc.standalone.js"></script></body></html>
`;
