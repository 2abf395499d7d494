/** What the CloudConnexa client costs: calls per second against bare fetch, and the memory of a whole export. */
import { join } from "node:path";
import { CloudConnexaClient } from "../../src/vpn/mod.ts";
import { type BenchResult, median } from "./result.ts";

const ROUNDS = 5;
const CALLS = 600;
const AT_ONCE = 8;
const RATE_GOAL = 0.5;
const MEMORY_GOAL_BYTES = 150 * 1024 * 1024;

/** The same list, read by the client and by fetch, in turns. */
export async function vpnClient(): Promise<BenchResult[]> {
  await using server = await startServer();
  const { url, clientId, clientSecret } = server;
  await using client = new CloudConnexaClient({ url, clientId, clientSecret, allowLoopbackHttp: true });
  await client.networks.list({ size: 10 });
  const own: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(
      await perSecond(async () => {
        await (await fetch(`${url}/api/v1/networks?page=0&size=10`)).json();
      }),
    );
    own.push(await perSecond(() => client.networks.list({ size: 10 })));
  }
  const [value, baseline] = [median(own), median(bare)];
  const ratio = value / baseline;
  return [{
    name: "CloudConnexa client, list of 10, against bare fetch",
    value,
    unit: "1/s",
    goal: `at least ${RATE_GOAL}x`,
    baseline,
    ratio,
    met: ratio >= RATE_GOAL,
  }];
}

/** 1,000 groups, 5,000 users and 2,000 devices into files, in a process of its own. */
export async function vpnExport(): Promise<BenchResult[]> {
  await using server = await startServer();
  const dir = await Deno.makeTempDir({ prefix: "holdfast-bench-" });
  try {
    const { url, clientId, clientSecret } = server;
    const script = new URL("vpn_export.ts", import.meta.url).pathname;
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", script, url, clientId, clientSecret, join(dir, "tenant")],
    }).output();
    if (!success) throw new Error(`Cannot export: ${new TextDecoder().decode(stderr)}`);
    const value = Number(new TextDecoder().decode(stdout));
    return [{
      name: "CloudConnexa export of 8,000 things, peak memory",
      value: value / 1024 / 1024,
      unit: "MiB",
      goal: `under ${MEMORY_GOAL_BYTES / 1024 / 1024} MiB`,
      met: value < MEMORY_GOAL_BYTES,
    }];
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function perSecond(call: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  let left = CALLS;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) await call();
  }));
  return CALLS / (performance.now() - started) * 1000;
}

async function startServer(): Promise<
  { url: string; clientId: string; clientSecret: string } & AsyncDisposable
> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL("vpn_server.ts", import.meta.url).pathname],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("Cannot start the server of the bench");
    text += value;
  }
  const [url = "", clientId = "", clientSecret = ""] = text.trim().split(" ");
  return {
    url,
    clientId,
    clientSecret,
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
      await reader.cancel();
    },
  };
}
