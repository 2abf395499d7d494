/** What engines are given in tests: a context that remembers, and a directory that goes away. */
import type { EngineContext, Progress } from "../../../src/backups/engine.ts";

/** A context that keeps everything it was told. */
export class RecordingContext implements EngineContext {
  readonly logs: { level: string; text: string }[] = [];
  readonly updates: Progress[] = [];
  readonly signal: AbortSignal;
  #onProgress: (update: Progress) => void;
  #secrets: Record<string, string>;

  constructor(
    signal = new AbortController().signal,
    onProgress: (update: Progress) => void = () => {},
    secrets: Record<string, string> = {},
  ) {
    [this.signal, this.#onProgress, this.#secrets] = [signal, onProgress, secrets];
  }

  now(): number {
    return Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  }

  log(level: "info" | "warning" | "error", text: string): void {
    this.logs.push({ level, text });
  }

  progress(update: Progress): void {
    this.updates.push(update);
    this.#onProgress(update);
  }

  secret(name: string): Promise<string> {
    const value = this.#secrets[name];
    return value === undefined
      ? Promise.reject(new Error(`no secret ${name} in this test`))
      : Promise.resolve(value);
  }

  /** Texts of the warnings so far. */
  get warnings(): string[] {
    return this.logs.filter((line) => line.level === "warning").map((line) => line.text);
  }
}

/** Runs `body` with a new directory, its links resolved, and removes it whatever happens. */
export async function inTempDir(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "holdfast-test-" }));
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Runs `body` with a file system of `megabytes` mounted at `dir`; false, and a visible line, when that needs more rights. */
export async function withSmallDisk(
  what: string,
  dir: string,
  megabytes: number,
  body: () => Promise<void>,
): Promise<boolean> {
  await Deno.mkdir(dir);
  const mounted = await run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", dir);
  if (!mounted) {
    console.log(`skipped: ${what}: cannot mount a small file system: run the tests as root on Linux`);
    return false;
  }
  try {
    await body();
  } finally {
    await run("umount", dir);
  }
  return true;
}

/** True when the command exists and ends well. */
export async function run(command: string, ...args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output();
    return success;
  } catch {
    return false;
  }
}
