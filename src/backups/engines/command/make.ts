/** Running a command, and taking what it makes. */
import { isAbsolute, resolve } from "node:path";
import { systemClock } from "../../../lib/clock.ts";
import { HoldfastError } from "../../../lib/errors.ts";
import type { Artifact, EngineContext, MakeRequest } from "../../engine.ts";
import { writeError } from "../archive/system-errors.ts";
import { makeDump, type Produced } from "../dump/artifact.ts";
import { destinationProblems } from "../dump/destination.ts";
import type { Compression } from "../dump/protocol.ts";
import { openSink, work } from "../dump/work.ts";
import { failure } from "../tools/failure.ts";
import { missing, requireTool, type Tool, type Tools } from "../tools/find.ts";
import { Meter } from "../tools/meter.ts";
import { type Ended, runTool } from "../tools/run.ts";
import { Secrets } from "../tools/secrets.ts";
import type { CommandOptions } from "./options.ts";

/** File systems keep times in steps of up to two seconds. */
const MTIME_STEP_MS = 2000;

/** One sentence per problem. */
export async function checkOptions(tools: Tools, options: CommandOptions): Promise<string[]> {
  const { cwd } = options;
  const there = cwd === undefined || await Deno.stat(cwd).then(({ isDirectory }) => isDirectory, () => false);
  return [
    ...await programProblems(tools, options),
    ...(there ? [] : [`Directory "${cwd}" does not exist`]),
    ...await destinationProblems(options.destination),
  ];
}

async function programProblems(tools: Tools, options: CommandOptions): Promise<string[]> {
  const [program] = argumentsOf(options);
  if (!isAbsolute(program)) return await missing(tools, toolOf(program));
  const there = await Deno.stat(program).then(({ isFile }) => isFile, () => false);
  return there ? [] : [`Program "${program}" does not exist`];
}

/** A package of the same name is a guess, and mostly right. */
function toolOf(program: string): Tool {
  return { names: [program], package: program };
}

function argumentsOf({ command, shell }: CommandOptions): [string, ...string[]] {
  const [program, ...args] = shell === undefined ? command ?? [] : ["/bin/sh", "-c", shell];
  return [program ?? "", ...args];
}

/** Makes one artifact. */
export async function make(
  tools: Tools,
  request: MakeRequest<CommandOptions>,
  context: EngineContext,
): Promise<Artifact> {
  const { options, name } = request;
  const problems = await checkOptions(tools, options);
  if (problems.length > 0) {
    throw new HoldfastError("invalid", `Cannot make backup "${name}": ${problems.join("; ")}`);
  }
  const compression = options.compression ?? "none";
  const suffix = options.suffix ?? ".out";
  const runner = new Runner(tools, request, context);
  const left = options.output !== undefined && isAbsolute(options.output) ? options.output : undefined;
  const artifact = await makeDump(request, {
    engine: "command",
    suffix: suffix + (compression === "zstd" ? ".zst" : ""),
    content: name + suffix,
    compression,
    async produce(partial, scratch) {
      if ((options.output ?? "stdout") === "stdout") return await runner.toStdout(partial, compression);
      return await runner.toFile(left ?? `${await scratch()}/output`, partial, compression);
    },
  }, context);
  // Only now is it safe at the destination.
  if (left !== undefined) await removeTaken(left, context);
  return artifact;
}

class Runner {
  readonly #tools: Tools;
  readonly #request: MakeRequest<CommandOptions>;
  readonly #context: EngineContext;
  readonly #meter: Meter;
  #bytes = 0;

  constructor(tools: Tools, request: MakeRequest<CommandOptions>, context: EngineContext) {
    [this.#tools, this.#request, this.#context] = [tools, request, context];
    this.#meter = new Meter(context);
  }

  async toStdout(partial: string, compression: Compression): Promise<Produced> {
    using sink = openSink({ task: "write", path: partial, compression, marker: null }, this.#context);
    const { incomplete } = await this.#run({}, async (piece) => {
      await sink.write(piece);
      this.#bytes += piece.length;
      this.#report(false);
    });
    this.#report(true);
    return { written: await sink.finish(), incomplete, facts: {} };
  }

  async toFile(file: string, partial: string, compression: Compression): Promise<Produced> {
    const startedMs = systemClock.now();
    const { incomplete } = await this.#run({ HOLDFAST_OUTPUT: file });
    await requireFresh(file, startedMs);
    const written = await work<"pack">(
      { task: "pack", from: file, path: partial, compression },
      this.#context,
    );
    this.#bytes = written.content_bytes;
    this.#report(true);
    return { written, incomplete, facts: {} };
  }

  /** Errors: `upstream` for an exit code that is neither success nor incomplete. */
  async #run(
    env: Record<string, string>,
    onOutput?: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
  ): Promise<{ incomplete: boolean }> {
    const { options, name, labels } = this.#request;
    const [program, ...args] = argumentsOf(options);
    const secrets = new Secrets(this.#context);
    const word = options.shell === undefined ? program.slice(program.lastIndexOf("/") + 1) : "script";
    this.#report(true);
    const ended = await runTool({
      name: word,
      program: isAbsolute(program) ? program : await requireTool(this.#tools, toolOf(program)),
      args,
      env: {
        HOLDFAST_NAME: name,
        HOLDFAST_RUN_ID: String(labels.run_id ?? ""),
        ...await secrets.readAll(options.env ?? {}),
        ...env,
      },
      cwd: options.cwd ?? resolve(options.destination),
      ...(onOutput === undefined ? {} : { onOutput }),
      ...(options.timeout_seconds === undefined ? {} : { timeoutMs: options.timeout_seconds * 1000 }),
      ...(options.grace_seconds === undefined ? {} : { graceMs: options.grace_seconds * 1000 }),
    }, { context: this.#context, secrets });
    return { incomplete: judge(options, word, ended, this.#context) };
  }

  #report(final: boolean): void {
    this.#meter.report({ phase: "read", done_bytes: this.#bytes, done_items: 0 }, final);
  }
}

/** True for a backup that is incomplete by the command's own word. */
function judge(options: CommandOptions, word: string, ended: Ended, context: EngineContext): boolean {
  const { success_codes = [0], incomplete_codes = [] } = options;
  if (success_codes.includes(ended.code)) return false;
  if (!incomplete_codes.includes(ended.code)) {
    throw failure(word, `back up to "${options.destination}" with the command`, ended);
  }
  context.log("warning", `${word} ended with ${ended.code}: the backup is incomplete`);
  return true;
}

/** A file that was there before is no backup of this run. */
async function requireFresh(file: string, startedMs: number): Promise<void> {
  const refuse = (why: string) => {
    throw new HoldfastError("unavailable", `Cannot take "${file}": ${why}`, {
      code: "no_output",
      hint: "the command has to write it anew in each run",
    });
  };
  try {
    const { isFile, mtime, size } = await Deno.lstat(file);
    if (!isFile) refuse("it is not a file");
    if (size === 0) refuse("it is empty");
    if ((mtime?.getTime() ?? 0) < startedMs - MTIME_STEP_MS) refuse("it is older than the run");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw writeError(error, file);
    refuse("the command left no such file");
  }
}

async function removeTaken(file: string, context: EngineContext): Promise<void> {
  try {
    await Deno.remove(file);
  } catch {
    context.log("warning", `"${file}" was copied to the destination and could not be removed`);
  }
}
