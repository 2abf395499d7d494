/** One scan of many reports and one of the same again, measured from inside a process of its own. */
import { join } from "node:path";
import { openLocal } from "../../src/app.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { hashBytes } from "../../src/monitor/scan/hash.ts";
import { reportB } from "../monitor/report_samples.ts";

/** What it cost. */
export interface ScanRun {
  reports: number;
  first_ms: number;
  again_ms: number;
  /** Most memory the process ever had in use, as the system counts it; 0 where it does not say. */
  peak_bytes: number;
}

const [AGENTS, EACH] = [100, 1000];
const MINUTE_MS = 60_000;

/** Every agent reports each minute of the last hours about one database, which a job expects once a day. */
function fill(deposit: string, now: number): void {
  const content = "a dump";
  for (let agent = 0; agent < AGENTS; agent++) {
    const id = `ACME_SITE${agent}_NORTH`;
    const [log, databases] = [join(deposit, id, "log"), join(deposit, id, "databases")];
    Deno.mkdirSync(log, { recursive: true });
    Deno.mkdirSync(databases);
    Deno.writeTextFileSync(join(databases, "shop.zst"), content);
    for (let i = 0; i < EACH; i++) {
      const end = new Date(now - (EACH - i) * MINUTE_MS).toISOString().replace(/\.\d+/, "");
      const said = { agent: id, file: "shop.zst", sha256: hashBytes(content), size: content.length, end };
      Deno.writeTextFileSync(
        join(log, `${end.replace(/\D/g, "")}_${id}.json`),
        JSON.stringify(reportB(said)),
      );
    }
  }
}

function peakBytes(): number {
  try {
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(Deno.readTextFileSync("/proc/self/status"));
    return Number(found?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Puts the archived reports back, as a copy of a backup would. */
function putBack(deposit: string): void {
  for (const { name } of Deno.readDirSync(deposit)) {
    const log = join(deposit, name, "log");
    for (const report of Deno.readDirSync(join(log, "_archive"))) {
      Deno.renameSync(join(log, "_archive", report.name), join(log, report.name));
    }
  }
}

async function measure(dir: string): Promise<ScanRun> {
  const deposit = join(dir, "deposit");
  const loaded = await loadConfig({
    args: { data_dir: join(dir, "state"), "monitor.deposit_root": deposit },
    env: {},
    cwd: dir,
    systemFile: join(dir, "none.yaml"),
  });
  const { kernel, close } = await openLocal(loaded, "write");
  const { monitor } = kernel.app;
  const { signal } = new AbortController();
  fill(deposit, Date.now());
  const times: number[] = [];
  for (let turn = 0; turn < 2; turn++) {
    const start = performance.now();
    const { reports } = await monitor.scanner.scan(signal);
    times.push(performance.now() - start);
    const done = turn === 0 ? reports.judged : reports.known;
    if (done !== AGENTS * EACH) throw new Error(`Cannot measure the scan: ${JSON.stringify(reports)}`);
    if (turn === 0) putBack(deposit);
  }
  await close(AbortSignal.abort());
  return { reports: AGENTS * EACH, first_ms: times[0]!, again_ms: times[1]!, peak_bytes: peakBytes() };
}

const dir = await Deno.makeTempDir({ prefix: "holdfast-bench-" });
try {
  console.log(JSON.stringify(await measure(dir)));
} finally {
  await Deno.remove(dir, { recursive: true });
}
