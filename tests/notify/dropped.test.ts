/** A mail server that drops the connection in the middle of a session. */
import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { notifyWorld } from "./fixture.ts";
import { event } from "./samples.ts";

/** Passes connections on to a port; the first ones are cut when the client says this. */
async function cutting(port: () => number, words: string[]): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer((client) => {
    const cut = words.shift();
    const upstream = connect(port(), "127.0.0.1");
    for (const socket of [client, upstream]) socket.on("error", () => {});
    client.on("data", (data) => {
      if (cut !== undefined && data.toString().includes(cut)) {
        client.destroy();
        upstream.destroy();
      } else upstream.write(data);
    });
    upstream.pipe(client);
    client.on("close", () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

Deno.test("a server that drops mid-session gets the mail again, once, under the same key", async () => {
  let port = 0;
  await using proxy = await cutting(() => port, ["MAIL FROM", "RCPT TO", "DATA", "\r\n.\r\n"]);
  await using world = await notifyWorld({
    mail: {
      host: "127.0.0.1",
      port: proxy.port,
      sender: "holdfast@example.org",
      recipients: ["ops@example.org"],
      timeout_seconds: 5,
    },
  });
  port = world.mail.port;
  await world.tell(event());
  assert.equal(world.mail.mails.length, 0);
  assert.equal(world.titles().length, 1, "the other channel is not affected");
  await world.pass(60);
  assert.equal(world.mail.mails.length, 1);
  assert.deepEqual(await world.rows(), ["mail sent 5", "hook sent 1"]);
});
