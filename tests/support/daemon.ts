/**
 * The program as people use it: commands with what they print and their exit code, and a daemon that is a real
 * process with its own data directory, started, killed and stopped by signals.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { z } from "zod";
import { compiledBinary } from "./binary.ts";
import { until, within } from "./wait.ts";

/** How the program is started. */
export interface Program {
  command: string;
  args: readonly string[];
  /** The compiled program's own file; null when the sources are run. */
  binary: string | null;
}

/** No command may take longer, in seconds. */
const COMMAND_LIMIT = 180;

let program: Promise<Program> | undefined;

/** The compiled program; the sources where it cannot be compiled, which has been said in a visible line then. */
export function theProgram(): Promise<Program> {
  return program ??= findProgram();
}

async function findProgram(): Promise<Program> {
  const binary = await compiledBinary();
  if ("skipped" in binary) return sourceProgram();
  return { command: binary.path, args: [], binary: binary.path };
}

/** The program run from its sources, with the permissions it is compiled with. */
export function sourceProgram(): Program {
  const permissions = ["read", "write", "net", "env", "run", "sys"].map((name) => `--allow-${name}`);
  const args = [
    "run",
    "--quiet",
    "--no-check",
    "--no-prompt",
    ...permissions,
    join(Deno.cwd(), "src/main.ts"),
  ];
  return { command: Deno.execPath(), args, binary: null };
}

/** How a command ended. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** What a command is given besides its arguments. */
export interface Given {
  stdin?: string;
  env?: Record<string, string>;
  /** A directory that counts as the person's own; by default the sandbox. */
  cwd?: string;
}

/** A temporary directory in which the program knows nothing of this host's settings. */
export class Sandbox implements AsyncDisposable {
  readonly program: Program;
  /** Where everything of this sandbox lies. */
  readonly dir: string;
  /** The data directory that `cli()`, `json()` and `serve()` use. */
  readonly dataDir: string;
  readonly #daemons: Daemon[] = [];

  constructor(program: Program, dir: string, dataDir = join(dir, "state")) {
    this.program = program;
    this.dir = dir;
    this.dataDir = dataDir;
  }

  /** A path below the sandbox. */
  path(...parts: string[]): string {
    return join(this.dir, ...parts);
  }

  /** The command as it would be started; nothing of this process's environment gets through. */
  command(args: readonly string[], { env = {}, cwd = this.dir }: Given = {}): Deno.CommandOptions {
    return {
      args: [...this.program.args, ...args],
      env: { ...runtimeEnvironment(), HOME: this.dir, NO_COLOR: "1", ...env },
      clearEnv: true,
      cwd,
    };
  }

  /** Runs one command to its end. */
  async run(args: readonly string[], given: Given = {}): Promise<Ended> {
    const child = new Deno.Command(this.program.command, {
      ...this.command(args, given),
      stdin: given.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    if (given.stdin !== undefined) {
      const writer = child.stdin.getWriter();
      // A command that was refused does not read.
      await writer.write(new TextEncoder().encode(given.stdin)).catch(() => {});
      await writer.close().catch(() => {});
    }
    try {
      const { code, stdout, stderr } = await within(COMMAND_LIMIT, `"${args.join(" ")}"`, child.output());
      const decoder = new TextDecoder();
      return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  /** Runs one command on the sandbox's data directory. */
  cli(...args: string[]): Promise<Ended> {
    return this.run(["--data-dir", this.dataDir, ...args]);
  }

  /** Runs one command that has to succeed; returns what it printed. */
  async ok(...args: string[]): Promise<string> {
    const ended = await this.cli(...args);
    assert.equal(ended.code, 0, `${args.join(" ")}: ${ended.stderr}`);
    return ended.stdout;
  }

  /** The JSON answer of a command that has to succeed, which has to fit the stated shape. */
  async json<S extends z.ZodType>(shape: S, ...args: string[]): Promise<z.output<S>> {
    return shape.parse(JSON.parse(await this.ok(...args, "--output", "json")));
  }

  /** Starts a daemon on the sandbox's data directory and a free port; resolves when it answers. */
  async serve(...args: string[]): Promise<Daemon> {
    const daemon = this.start(...args);
    await daemon.ready;
    return daemon;
  }

  /** The same, without waiting for it to answer. */
  start(...args: string[]): Daemon {
    const given = ["serve", "--data-dir", this.dataDir, "--api-listen", "127.0.0.1:0", ...args];
    const daemon = new Daemon(this.program.command, this.command(given));
    this.#daemons.push(daemon);
    return daemon;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const daemon of this.#daemons) await daemon.kill();
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** Opens a sandbox for the compiled program, or for the one given. */
export async function sandbox(program?: Program): Promise<Sandbox> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-box-" });
  return new Sandbox(program ?? await theProgram(), await Deno.realPath(dir));
}

/** What the runtime itself needs to run the sources, wherever `HOME` leads. */
const KEPT = new Set(["PATH", "DENO_DIR", "DENO_COVERAGE_DIR", "TMPDIR"]);

function runtimeEnvironment(): Record<string, string> {
  const all = Deno.env.toObject();
  const kept = Object.entries(all).filter(([name]) => KEPT.has(name));
  return { DENO_DIR: join(all.HOME ?? "", ".cache", "deno"), ...Object.fromEntries(kept) };
}

/** One line of a daemon's log. */
export type LogLine = Record<string, unknown>;

/** A running daemon. */
export class Daemon {
  readonly ready: Promise<void>;
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  readonly #lines: LogLine[] = [];
  #status: Deno.CommandStatus | undefined;
  #stderr = "";

  constructor(command: string, options: Deno.CommandOptions) {
    this.#child = new Deno.Command(command, {
      ...options,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#reading = this.#read();
    void this.#child.status.then((status) => this.#status = status);
    this.ready = this.logged((line) => typeof line.url === "string").then(() => {});
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Everything on standard error so far: the log, and what is meant for the person at the terminal. */
  get stderr(): string {
    return this.#stderr;
  }

  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  /** Base address of the API. */
  get url(): string {
    return String(this.#lines.find((line) => typeof line.url === "string")?.url);
  }

  get ended(): boolean {
    return this.#status !== undefined;
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#stderr += text;
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) if (part.startsWith('{"time"')) this.#lines.push(JSON.parse(part));
    }
  }

  /** The first log line that fits, also one from before; fails when the daemon ends without it. */
  async logged(fits: (line: LogLine) => boolean, seconds = 120): Promise<LogLine> {
    return await until("a log line", async () => {
      const found = this.#lines.find(fits);
      if (found !== undefined || this.#status === undefined) return found;
      await this.#reading;
      const last = this.#lines.find(fits);
      if (last !== undefined) return last;
      throw new Error(`The daemon ended with ${this.#status.code}: ${this.#stderr}`);
    }, seconds);
  }

  signal(name: Deno.Signal): void {
    this.#child.kill(name);
  }

  /** Its exit code, and the time from now to then; fails when it takes longer than `seconds`. */
  async end(seconds = 120, started = performance.now()): Promise<{ code: number; ms: number }> {
    const { code } = await within(seconds, "the end of the daemon", this.#child.status);
    await this.#reading;
    return { code, ms: performance.now() - started };
  }

  /** Stops it the way a service manager does. */
  async stop(seconds = 120): Promise<{ code: number; ms: number }> {
    const started = performance.now();
    this.signal("SIGTERM");
    return await this.end(seconds, started);
  }

  /** Ends it without a goodbye; one that has ended already is fine. */
  async kill(): Promise<void> {
    if (this.#status === undefined) this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#reading;
  }
}
