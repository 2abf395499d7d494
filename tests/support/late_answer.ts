/** A web server that answers when the test says so: whatever asks it is under way until then, however long that is. */

export interface LateAnswer extends AsyncDisposable {
  url: string;
  /** Resolves with the first question. */
  asked: Promise<void>;
  /** Answers everybody, from now on at once. */
  answer(): void;
}

export function lateAnswer(): LateAnswer {
  const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async () => {
    asked.resolve();
    await answered.promise;
    return new Response();
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    asked: asked.promise,
    answer: answered.resolve,
    async [Symbol.asyncDispose]() {
      answered.resolve();
      await server.shutdown();
    },
  };
}
