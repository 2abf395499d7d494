/** A real HTTP server on loopback that keeps what it is sent, and can be told to behave badly. */

/** One request that came. */
export interface ReceivedRequest {
  method: string;
  path: string;
  headers: Headers;
  body: string;
}

/** What is answered: a response, or nothing at all. */
export type Answer = (request: ReceivedRequest) => Response | "hang";

/** A running server. */
export class Receiver implements AsyncDisposable {
  readonly requests: ReceivedRequest[] = [];
  answer: Answer;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #closing = Promise.withResolvers<Response>();

  constructor(answer: Answer = () => new Response(), port = 0) {
    this.answer = answer;
    this.#server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async (request) => {
      const { pathname, search } = new URL(request.url);
      const received: ReceivedRequest = {
        method: request.method,
        path: pathname + search,
        headers: request.headers,
        body: await request.text(),
      };
      this.requests.push(received);
      const answer = this.answer(received);
      return answer === "hang" ? await this.#closing.promise : answer;
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** The bodies that came, as JSON. */
  get bodies(): ReturnType<typeof JSON.parse>[] {
    return this.requests.map(({ body }) => JSON.parse(body));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.resolve(new Response());
    await this.#server.shutdown();
  }
}

/** A TCP server that says something to whoever connects, then leaves after the first words it hears. */
export class RudeServer implements AsyncDisposable {
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #done: Promise<void>;

  constructor(greeting = "") {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#done = this.#serve(new TextEncoder().encode(greeting));
  }

  async #serve(greeting: Uint8Array): Promise<void> {
    for await (const connection of this.#listener) {
      try {
        if (greeting.length > 0) await connection.write(greeting);
        await connection.read(new Uint8Array(1024));
      } catch {
        // Gone first.
      }
      connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#done;
  }
}
