/** One scan of many reports and one of the same again, measured from inside its process: `monitor_scan_run.ts DIR`. */
import { join } from "node:path";
import { openLocal } from "../../src/app.ts";
import { loadConfig } from "../../src/config/mod.ts";

/** What it cost. */
export interface ScanRun {
  reports: number;
  first_ms: number;
  again_ms: number;
  /** Most memory the process ever had in use, as the system counts it; 0 where it does not say. */
  peak_bytes: number;
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
  const times: number[] = [];
  let found = 0;
  for (let turn = 0; turn < 2; turn++) {
    const start = performance.now();
    const { reports } = await monitor.scanner.scan(signal);
    times.push(performance.now() - start);
    found = reports.found;
    if ((turn === 0 ? reports.judged : reports.known) !== found) {
      throw new Error(`Cannot measure the scan: ${JSON.stringify(reports)}`);
    }
    if (turn === 0) putBack(deposit);
  }
  await close(AbortSignal.abort());
  return { reports: found, first_ms: times[0]!, again_ms: times[1]!, peak_bytes: peakBytes() };
}

const [dir] = Deno.args;
if (dir !== undefined) console.log(JSON.stringify(await measure(dir)));
