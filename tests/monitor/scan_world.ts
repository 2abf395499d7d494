/** A deposit on disk, a scanner, and a judge that remembers what it was told. */
import { dirname, join } from "node:path";
import type {
  CapacitySample,
  ExpectedFile,
  FoundFile,
  Judge,
  Promotion,
  Refusal,
  Report,
  ReportCase,
  ReportOrigin,
  TemplateValues,
  Verdict,
  WatchedFile,
} from "../../src/monitor/report.ts";
import { hashBytes } from "../../src/monitor/scan/hash.ts";
import type { ScanResult } from "../../src/monitor/scan/result.ts";
import { Scanner } from "../../src/monitor/scan/scanner.ts";
import { FakeClock } from "../support/clock.ts";
import { until } from "../support/wait.ts";

export const NOW = "2026-03-02T14:00:00.000Z";
export const AGENT = "ACME_PARIS_NORTH";

export const VALUES: TemplateValues = {
  company_name: "ACME",
  city: "PARIS",
  neighborhood: "NORTH",
  database_name: "shop",
  agent_id: AGENT,
  due_at: "2026-03-02T13:00:00.000Z",
  year: null,
};

/** Expects every database not called `unexpected`; good is what has the hash the report says. */
export class MemoryJudge implements Judge {
  readonly judged: ReportCase[] = [];
  readonly refused: { origin: ReportOrigin; refusal: Refusal }[] = [];
  readonly keys = new Set<string>();
  readonly expected: ExpectedFile[] = [];
  readonly fileVerdicts: { expected: ExpectedFile; found: readonly FoundFile[] }[] = [];
  readonly kept: { entryId: number; path: string; modifiedAt: string }[] = [];
  readonly notKept: { entryId: number; reason: string; retry: boolean }[] = [];
  readonly watched: WatchedFile[] = [];
  readonly watchVerdicts: { entryId: number; found: FoundFile }[] = [];
  readonly samples: CapacitySample[] = [];
  readonly scans: number[] = [];
  readonly deposits: string[] = [];
  pending: Promotion[] = [];
  template = "{company_name}/{city}/{year}/{database_name}";
  /** Called before a report is judged; what it throws is the judge's failure. */
  before: (report: Report) => void = () => {};

  known(keys: readonly string[]): Promise<readonly string[]> {
    return Promise.resolve(keys.filter((key) => this.keys.has(key)));
  }

  wanted(_: string, reports: readonly Report[]): Promise<readonly ReadonlySet<string>[]> {
    return Promise.resolve(reports.map(({ databases }) => {
      const names = databases.map((one) => one.database_name);
      return new Set(names.filter((name) => name !== "unexpected"));
    }));
  }

  async judgeReports(_: string, cases: readonly ReportCase[]): Promise<readonly (readonly Verdict[])[]> {
    await Promise.resolve();
    for (const { report } of cases) this.before(report);
    return cases.map((one) => {
      this.keys.add(one.origin.key);
      this.judged.push(one);
      return one.report.databases.map(({ database_name, compress }) =>
        this.#verdict(database_name, one.files.get(database_name), compress.sha256)
      );
    });
  }

  #verdict(database_name: string, file: FoundFile | undefined, sha256: string | null): Verdict {
    const entry_id = this.judged.length + this.fileVerdicts.length;
    const isGood = file?.state === "present" && (sha256 === null || file.sha256 === sha256);
    const promotion: Promotion | null = isGood
      ? {
        entry_id,
        job_id: 1,
        path: file.path,
        size_bytes: file.size_bytes,
        sha256: file.sha256,
        final_storage_path_template: this.template,
        values: { ...VALUES, database_name },
      }
      : null;
    const status = isGood ? "ok" : file?.state === "present" ? "transfer_integrity_failed" : "missing";
    if (promotion !== null) this.pending.push(promotion);
    return { entry_id, job_id: 1, database_name, status, message: status, promotion };
  }

  refuseReport(origin: ReportOrigin, refusal: Refusal): Promise<void> {
    this.keys.add(origin.key);
    this.refused.push({ origin, refusal });
    return Promise.resolve();
  }

  expectedFiles(): Promise<readonly ExpectedFile[]> {
    return Promise.resolve(this.expected);
  }

  judgeFile(expected: ExpectedFile, found: readonly FoundFile[]): Promise<Verdict | null> {
    this.fileVerdicts.push({ expected, found });
    return Promise.resolve(this.#verdict(expected.values.database_name, found[0], null));
  }

  pendingPromotions(): Promise<readonly Promotion[]> {
    return Promise.resolve(this.pending);
  }

  promoted(entryId: number, path: string, modifiedAt: string): Promise<void> {
    this.pending = this.pending.filter((one) => one.entry_id !== entryId);
    this.kept.push({ entryId, path, modifiedAt });
    return Promise.resolve();
  }

  promotionFailed(entryId: number, reason: string, retry: boolean): Promise<void> {
    if (!retry) this.pending = this.pending.filter((one) => one.entry_id !== entryId);
    this.notKept.push({ entryId, reason, retry });
    return Promise.resolve();
  }

  watchedFiles(): Promise<readonly WatchedFile[]> {
    return Promise.resolve(this.watched);
  }

  judgeWatched(entryId: number, found: FoundFile): Promise<void> {
    this.watchVerdicts.push({ entryId, found });
    return Promise.resolve();
  }

  scanned(startedAt: number): Promise<void> {
    this.scans.push(startedAt);
    return Promise.resolve();
  }

  depositRead(root: string | null, failure: string | null): Promise<void> {
    this.deposits.push(`${root}: ${failure ?? "ok"}`);
    return Promise.resolve();
  }

  capacity(samples: readonly CapacitySample[]): Promise<void> {
    this.samples.push(...samples);
    return Promise.resolve();
  }
}

/** A deposit and a place for good files in a temporary folder. */
export interface ScanWorld extends AsyncDisposable {
  dir: string;
  deposit: string;
  final: string;
  clock: FakeClock;
  judge: MemoryJudge;
  scanner: Scanner;
  /** Writes a file below the deposit, modified at a moment of the clock long past unless told. */
  put(path: string, content: string | Uint8Array, modified?: string): Promise<string>;
  /** Puts a report into an agent's log. */
  report(name: string, content: unknown, modified?: string): Promise<string>;
  /** Runs a scan to its end; the clock moves on whenever the scan waits. */
  scan(): Promise<ScanResult>;
}

export async function scanWorld(settings: { final_root?: null } = {}): Promise<ScanWorld> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "holdfast-scan-" }));
  const [deposit, final] = [join(dir, "deposit"), join(dir, "validated")];
  for (const path of [`${deposit}/${AGENT}/log`, `${deposit}/${AGENT}/databases`, final]) {
    await Deno.mkdir(path, { recursive: true });
  }
  const clock = new FakeClock(NOW);
  const judge = new MemoryJudge();
  const roots = { deposit_root: deposit, final_root: final, ...settings, scan_minutes: 1 };
  const scanner = new Scanner({ judge, clock, settings: roots });
  const world: ScanWorld = {
    dir,
    deposit,
    final,
    clock,
    judge,
    scanner,
    async put(path, content, modified = "2026-03-02T13:05:00Z") {
      const file = join(deposit, path);
      await Deno.mkdir(dirname(file), { recursive: true });
      await (typeof content === "string" ? Deno.writeTextFile(file, content) : Deno.writeFile(file, content));
      await Deno.utime(file, new Date(modified), new Date(modified));
      return file;
    },
    report: (name, content, modified) =>
      world.put(
        `${AGENT}/log/${name}`,
        typeof content === "string" ? content : JSON.stringify(content),
        modified,
      ),
    scan: () => whileMoving(clock, scanner.scan(new AbortController().signal)),
    async [Symbol.asyncDispose]() {
      await scanner.stop();
      await Deno.remove(dir, { recursive: true });
    },
  };
  return world;
}

/** Waits for work on a fake clock, which moves on whenever somebody sleeps. */
export async function whileMoving<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let ended = false;
  const done = work.finally(() => ended = true);
  // Its failure is told below.
  done.catch(() => {});
  await until("the work to end", () => {
    if (clock.sleeping > 0) clock.advance(1000);
    return ended;
  });
  return await done;
}

export function hashOf(content: string | Uint8Array): string {
  return hashBytes(content);
}
