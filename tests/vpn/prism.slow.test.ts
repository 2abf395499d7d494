/** Every method of the client against a Prism mock of the vendor's descriptions: a program that is not ours answers from them. */
import assert from "node:assert/strict";
import { CloudConnexaClient, CloudConnexaError } from "../../src/vpn/mod.ts";
import { freePort } from "../support/ports.ts";
import { until, within } from "../support/wait.ts";
import { CALLS, type Ids } from "./calls.ts";
import { Description } from "./conformance.ts";
import { description, SPECS } from "./fixture.ts";

const PRISM = "@stoplight/prism-cli@5.16.0";
const SECONDS = 400;

/** Starts the mock; undefined where it cannot be had. */
async function startPrism(file: string): Promise<{ url: string } & AsyncDisposable | undefined> {
  const port = freePort();
  let process: Deno.ChildProcess;
  try {
    process = new Deno.Command("npx", {
      args: ["-y", PRISM, "mock", "-h", "127.0.0.1", "-p", String(port), new URL(file, SPECS).pathname],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  let [text, ended] = ["", false];
  const drain = async (stream: ReadableStream<Uint8Array>) => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) text += part;
  };
  const drained = Promise.all([drain(process.stdout), drain(process.stderr)]);
  void process.status.then(() => ended = true);
  const stop = async () => {
    // npx starts a shell that starts the mock: all of them are one group.
    if (!ended) new Deno.Command("kill", { args: ["-KILL", "--", `-${process.pid}`] }).outputSync();
    await process.status;
    await drained;
  };
  const listens = until("Prism to listen", () => ended || text.includes("is listening"), SECONDS);
  await within(SECONDS, "Prism to start", listens).catch(async (error) => {
    await stop();
    throw error;
  });
  if (ended) {
    await stop();
    console.log(`skipped: Prism cannot be had: ${text.split("\n")[0]}`);
    return undefined;
  }
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: stop };
}

const ID = "819c992a-f03e-42aa-a0b2-3230cb3a4540";
const IDS: Ids = {
  network: ID,
  networkConnector: ID,
  ipSecConnector: ID,
  route: ID,
  networkService: ID,
  networkApplication: ID,
  host: ID,
  hostConnector: ID,
  hostService: ID,
  hostApplication: ID,
  user: ID,
  group: ID,
  emptyGroup: ID,
  device: ID,
  posture: ID,
  location: ID,
  record: ID,
  access: ID,
};

for (const file of ["cloudconnexa-1.1.0.mock.json", "cloudconnexa-1.2.3-reconstructed.yaml"]) {
  Deno.test(`a Prism mock of ${file} answers every method of the client with 2xx or what is described`, async () => {
    const text = description(file);
    if (text === undefined) return console.log(`skipped: ../shared/specs/${file} is not here`);
    await using prism = await startPrism(file);
    if (prism === undefined) return console.log("skipped: npx is not installed: install npm");
    const api = new Description(text);
    const known = new Set(api.operations);
    await using client = new CloudConnexaClient({
      url: prism.url,
      allowLoopbackHttp: true,
      clientId: "i",
      clientSecret: "s",
      retryBudgetMs: 0,
      // The description knows the key in the address only, where this client never puts it.
      fetch: (url, init) =>
        url.endsWith("/oauth/token")
          ? Response.json({ access_token: "t", expires_in: 43_199 })
          : fetch(url, init),
    });
    const wrong: string[] = [];
    let [asked, well] = [0, 0];
    for (const { operation, call } of CALLS.filter((one) => known.has(one.operation))) {
      asked++;
      await call(client, IDS).then(() => well++).catch((error: unknown) => {
        const status = error instanceof CloudConnexaError ? error.apiStatus : null;
        if (status === null || !api.describes(operation, status)) wrong.push(`${operation}: ${error}`);
      });
    }
    console.log(`${well} of ${asked} answered with 2xx`);
    assert.deepEqual(wrong, []);
    assert.equal(asked, api.operations.length - 1, "every operation but the token");
  });
}
