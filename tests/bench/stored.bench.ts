/**
 * How fast archives are encrypted, and how fast a file goes up in parts, against one plain PUT of the same bytes to the
 * same server (OpenStack Swift on this host, so disk and processor are shared with it). The best of three counts.
 */
import { generateIdentity, identityToRecipient } from "age-encryption";
import { join } from "node:path";
import { S3Client } from "../../src/backups/engines/s3/client.ts";
import { removeObject } from "../../src/backups/engines/s3/objects.ts";
import { uploadFile } from "../../src/backups/engines/s3/upload.ts";
import { startSwift } from "../support/swift_server.ts";
import { fillMixed } from "../support/tree.ts";
import type { ArchiveRun } from "./archive_run.ts";
import type { BenchResult } from "./result.ts";

const BYTES = 256 << 20;
const BLOCK_BYTES = 64 << 20;
const TURNS = 3;
const MEMORY_GOAL_MIB = 250;

async function inDirectory<Result>(work: (dir: string) => Promise<Result>): Promise<Result> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-bench-" });
  try {
    return await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function writeFile(path: string): void {
  const block = new Uint8Array(BLOCK_BYTES);
  fillMixed(block, 3);
  using file = Deno.createSync(path);
  for (let written = 0; written < BYTES; written += BLOCK_BYTES) {
    for (let at = 0; at < block.length;) at += file.writeSync(block.subarray(at));
  }
}

function megabytesPerSecond(ms: number): number {
  return Math.round(BYTES / ms / 1000);
}

/** Encrypted archives: throughput of the source's bytes, and memory. */
export function encryptedBench(): Promise<BenchResult[]> {
  return inDirectory(async (dir) => {
    const source = join(dir, "source");
    Deno.mkdirSync(source);
    writeFile(join(source, "file"));
    const recipient = await identityToRecipient(await generateIdentity());
    const script = new URL("./archive_run.ts", import.meta.url).pathname;
    const run = async (...more: string[]): Promise<ArchiveRun> => {
      const args = ["run", "-A", "-q", script, source, join(dir, "backups"), ...more];
      const { stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
      return JSON.parse(new TextDecoder().decode(stdout));
    };
    const [plain, sealed]: [ArchiveRun[], ArchiveRun[]] = [[], []];
    for (let turn = 0; turn < TURNS; turn++) {
      plain.push(await run());
      sealed.push(await run(recipient));
    }
    const best = (runs: ArchiveRun[]) => megabytesPerSecond(Math.min(...runs.map((one) => one.make_ms)));
    const peak = Math.max(...sealed.map((one) => one.peak_bytes)) / 2 ** 20;
    const [value, baseline] = [best(sealed), best(plain)];
    return [{
      name: "archive: 256 MiB encrypted, against not encrypted",
      value,
      unit: "MB/s",
      baseline,
      ratio: Math.round(value / baseline * 100) / 100,
    }, {
      name: "archive: peak memory of the process with 256 MiB encrypted",
      value: Math.round(peak),
      unit: "MiB",
      goal: `under ${MEMORY_GOAL_MIB} MiB`,
      met: peak < MEMORY_GOAL_MIB,
    }];
  });
}

/** Uploads in parts, against one plain PUT. */
export async function uploadBench(): Promise<BenchResult[]> {
  const swift = await startSwift("upload throughput");
  if (swift === undefined) return [];
  try {
    return await inDirectory(async (dir) => {
      const path = join(dir, "file");
      writeFile(path);
      const body = await Deno.readFile(path);
      const context = {
        signal: new AbortController().signal,
        secret: () => Promise.resolve(swift.secret_access_key),
        progress: () => {},
        log: () => {},
      };
      await using client = await S3Client.open(
        {
          endpoint: swift.endpoint,
          access_key_id: swift.access_key_id,
          secret_access_key: { secret: "key" },
          allow_private: true,
        },
        "bench",
        context,
      );
      await client.done({ method: "PUT" });
      const timed = async (work: () => Promise<unknown>) => {
        const start = performance.now();
        await work();
        const ms = performance.now() - start;
        await removeObject(client, "file");
        return ms;
      };
      const [parts, plain]: [number[], number[]] = [[], []];
      for (let turn = 0; turn < TURNS; turn++) {
        plain.push(await timed(() => client.done({ method: "PUT", key: "file", body })));
        parts.push(await timed(() => uploadFile({ client, key: "file", path, context })));
      }
      const [value, baseline] = [parts, plain].map((times) => megabytesPerSecond(Math.min(...times)));
      const ratio = Math.round(value! / baseline! * 100) / 100;
      return [{
        name: "s3: upload of 256 MiB in parts, against one PUT",
        value: value!,
        unit: "MB/s",
        baseline: baseline!,
        ratio,
      }];
    });
  } finally {
    await swift.stop();
  }
}
