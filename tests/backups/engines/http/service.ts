/** A small service that makes backups over HTTP, as real ones do: start, poll, download, cancel, delete. */
import { createHash } from "node:crypto";

/** How the service behaves. */
export interface Behaviour {
  /** Statuses it tells, one per question, the last one for ever. */
  statuses: string[];
  /** What it tells of the size and hash instead of the truth. */
  lie?: { size?: number; sha256?: string };
  /** Where it redirects a download to. */
  redirect?: string;
  /** Ends a download after so many bytes, or stops sending. */
  cut?: { after: number; how: "close" | "hang" };
  /** Answers instead of JSON. */
  junk?: string;
}

export const TOKEN = "s3cret-token-value";

export class BackupService implements AsyncDisposable {
  behaviour: Behaviour = { statuses: ["running", "done"] };
  content = new Uint8Array();
  /** Requests so far: `POST /backups`. */
  readonly asked: string[] = [];
  readonly bodies: unknown[] = [];
  readonly #jobs = new Map<string, number>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #hanging: (() => void)[] = [];

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#hanging) end();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    this.asked.push(`${request.method} ${pathname}`);
    if (request.headers.get("authorization") !== `Bearer ${TOKEN}`) {
      return Response.json({ error: `no: ${request.headers.get("authorization")}` }, { status: 401 });
    }
    const { behaviour } = this;
    if (behaviour.junk !== undefined) return new Response(behaviour.junk, { status: 200 });
    if (request.method === "POST" && pathname === "/backups") {
      const text = await request.text();
      this.bodies.push(text === "" ? null : JSON.parse(text));
      const id = `job/${this.#jobs.size + 1}`;
      this.#jobs.set(id, 0);
      return Response.json({ data: { id } }, {
        status: 202,
        headers: { location: `/backups/${encodeURIComponent(id)}` },
      });
    }
    const id = decodeURIComponent(pathname.split("/")[2] ?? "");
    const polled = this.#jobs.get(id);
    if (polled === undefined) return Response.json({ error: "unknown" }, { status: 404 });
    if (request.method === "DELETE") this.#jobs.delete(id);
    if (request.method !== "GET") return new Response(null, { status: 204 });
    if (pathname.endsWith("/content")) return this.#content();
    this.#jobs.set(id, polled + 1);
    const status = behaviour.statuses[Math.min(polled, behaviour.statuses.length - 1)];
    return Response.json({
      state: status,
      reason: status === "failed" ? `the disk is full (${TOKEN})` : null,
      percent: 50,
      result: {
        url: behaviour.redirect ?? `${this.origin}/backups/${encodeURIComponent(id)}/content`,
        size: behaviour.lie?.size ?? this.content.length,
        sha256: behaviour.lie?.sha256 ??
          createHash("sha256").update(this.content).digest("hex").toUpperCase(),
      },
    });
  }

  #content(): Response {
    const { cut } = this.behaviour;
    const headers = { "content-length": String(this.content.length) };
    if (cut === undefined) return new Response(this.content, { headers });
    const first = this.content.subarray(0, cut.after);
    return new Response(
      new ReadableStream({
        start: (controller) => {
          controller.enqueue(first);
          if (cut.how === "close") controller.close();
          else {
            this.#hanging.push(() => {
              try {
                controller.close();
              } catch {
                // The other side has gone already.
              }
            });
          }
        },
      }),
      { headers },
    );
  }
}
