/** One run of the archive engine, measured from inside its process: `archive_run.ts SOURCE DESTINATION [RECIPIENT]`. */
import type { EngineContext } from "../../src/backups/engine.ts";
import { archiveEngine } from "../../src/backups/engines/archive.ts";

/** What a run cost. */
export interface ArchiveRun {
  /** From the call to the flushed, hashed archive. */
  make_ms: number;
  /** Reading it back. */
  verify_ms: number;
  /** Most memory the process ever had in use, as the system counts it; 0 where it does not say. */
  peak_bytes: number;
}

async function measure(source: string, destination: string, recipient?: string): Promise<ArchiveRun> {
  const start = performance.now();
  let made = 0;
  const context: EngineContext = {
    signal: new AbortController().signal,
    now: () => Date.now(),
    log: () => {},
    progress: ({ phase }) => {
      if (phase === "verify" && made === 0) made = performance.now();
    },
    secret: () => Promise.reject(new Error("no secrets here")),
  };
  const options = {
    sources: [source],
    destination,
    ...(recipient === undefined ? {} : { encrypt_to: [recipient] }),
  };
  const request = { options, name: "bench", labels: {} };
  const artifact = await archiveEngine.make(request, context);
  const verified = performance.now();
  await archiveEngine.remove(artifact, context);
  return { make_ms: made - start, verify_ms: verified - made, peak_bytes: peakBytes() };
}

function peakBytes(): number {
  try {
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(Deno.readTextFileSync("/proc/self/status"));
    return Number(found?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

const [source, destination, recipient] = Deno.args;
if (source !== undefined && destination !== undefined) {
  console.log(JSON.stringify(await measure(source, destination, recipient)));
}
