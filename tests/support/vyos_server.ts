/** A fake router that listens on loopback, for programs of their own and for applications. */
import type { FakeVyos } from "./vyos.ts";

export interface VyosServer extends AsyncDisposable {
  url: string;
}

export function serveVyos(router: FakeVyos): VyosServer {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const body = request.method === "POST" ? { body: await request.text() } : {};
    try {
      return await router.fetch(request.url, { method: request.method, ...body });
    } catch {
      // A connection that breaks: nobody can tell from this that anything was done.
      return new Response("", { status: 502 });
    }
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
