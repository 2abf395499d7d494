/** One process that lists sessions of a played server, as a command does; prints its time and its peak memory. */
import { listPrinter } from "../../src/cli/render.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { operations } from "../../src/veeam/operations.ts";
import { processMemory } from "../support/veeam/memory.ts";
import { Veeam } from "../../src/veeam/veeam.ts";
import type { VeeamConfig } from "../../src/veeam/config.ts";

const [url = "", form = "bare"] = Deno.args;

const settings: VeeamConfig = {
  servers: {
    default: {
      host: url,
      port: null,
      username: "svc-holdfast",
      password: "correct horse battery",
      ca_file: null,
      fingerprint: null,
      insecure: false,
      revision: "1.3-rev2",
    },
  },
  sync_every_seconds: 300,
  history_days: 30,
  keep_days: 400,
  alerts: true,
  timeout_seconds: 60,
  page_size: 500,
  tape_export: null,
};

async function bare(): Promise<number> {
  const grant = await (await fetch(`${url}/api/oauth2/token`, {
    method: "POST",
    headers: { "x-api-version": "1.3-rev2" },
    body: new URLSearchParams({
      grant_type: "password",
      username: "svc-holdfast",
      password: "correct horse battery",
    }),
  })).json();
  const headers = { authorization: `Bearer ${grant.access_token}`, "x-api-version": "1.3-rev2" };
  let count = 0;
  for (;;) {
    const page = await (await fetch(`${url}/api/v1/sessions?skip=${count}&limit=500`, { headers })).json();
    if (page.data.length === 0) return count;
    count += page.data.length;
  }
}

async function listed(): Promise<number> {
  await using veeam = new Veeam({
    settings,
    clock: systemClock,
    memory: processMemory(),
    note: () => {},
    mailer: () => Promise.resolve(),
  });
  const op = operations.find(({ name }) => name === "veeam.sessions.list")!;
  let length = 0;
  const plain = (text: string) => text;
  const printer = listPrinter(op.cli ?? {}, { output: "csv", filters: [], sortBy: undefined }, {
    print: (text) => void (length += text.length),
    note: () => {},
    status: () => {},
    columns: 0,
    interactive: false,
    env: {},
    colors: { bold: plain, red: plain, dim: plain },
  })!;
  let count = 0;
  const left = await veeam.sessions({ since: "3650d" }, new AbortController().signal, (rows) => {
    count += rows.length;
    printer.add(rows);
  });
  printer.end();
  return length === 0 || left.length > 0 ? 0 : count;
}

const before = performance.now();
const count = form === "bare" ? await bare() : await listed();
const ms = performance.now() - before;
const peak = /^VmHWM:\s+(\d+) kB/m.exec(await Deno.readTextFile("/proc/self/status"))?.[1];
console.log(JSON.stringify({ count, ms, peak_bytes: Number(peak) * 1024 }));
