/**
 * What commands remember between runs when they work without a daemon: certificate pins, detected revisions.
 * Never tokens or passwords: what is here may be lost and may be read by whoever runs as this user.
 *
 * A file is JSON, readable by its owner only. A crash leaves the old or the new one, and processes that change the
 * same file at the same time take turns, so that none undoes what another remembered.
 */
import { join } from "node:path";
import type { z } from "zod";
import { type Clock, systemClock } from "./clock.ts";
import { HoldfastError, messageOf } from "./errors.ts";

/** How long a change waits for its turn, in milliseconds; a change takes a few. */
const PATIENCE_MS = 5_000;
const POLL_MS = 10;

/** The directory of such files, `$XDG_STATE_HOME/holdfast`; made when something is first written. */
export class StateDirectory {
  readonly #path: string | undefined;
  readonly #clock: Clock;

  /** Without a path (a user without home) everything reads as empty and writing is refused. */
  constructor(path: string | undefined, clock: Clock = systemClock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** The file of one slice; `name` is the slice's word, the schema must make its default of `{}`. */
  file<Schema extends z.ZodType>(name: string, schema: Schema): StateFile<Schema> {
    return new StateFile(this.#path, name, schema, this.#clock);
  }
}

/** One remembered object. */
export class StateFile<Schema extends z.ZodType> {
  readonly #directory: string | undefined;
  readonly #name: string;
  readonly #schema: Schema;
  readonly #clock: Clock;

  constructor(directory: string | undefined, name: string, schema: Schema, clock: Clock) {
    this.#directory = directory;
    this.#name = name;
    this.#schema = schema;
    this.#clock = clock;
  }

  /** What is remembered. Errors: `unavailable` when the file cannot be read or is damaged; it is never guessed. */
  read(): z.output<Schema> {
    const text = this.#directory === undefined ? undefined : readIfThere(this.#path(this.#directory));
    try {
      return this.#schema.parse(text === undefined ? {} : JSON.parse(text));
    } catch (error) {
      const path = this.#path(this.#directory ?? "");
      throw new HoldfastError("unavailable", `Cannot read "${path}": it is damaged`, {
        cause: error,
        hint: "remove the file; certificates are then shown and remembered anew",
      });
    }
  }

  /**
   * Replaces what is remembered by what `change` makes of it, after everybody else's changes; `change` may look at
   * it twice and does nothing else. Answers what is remembered now. Errors: `unavailable`.
   */
  async update(change: (before: z.output<Schema>) => z.input<Schema>): Promise<z.output<Schema>> {
    if (this.#directory === undefined) {
      throw new HoldfastError(
        "unavailable",
        `Cannot remember what "${this.#name}" learned: there is no home directory`,
        { hint: "set HOME or XDG_STATE_HOME" },
      );
    }
    const path = this.#path(this.#directory);
    try {
      Deno.mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      using _turn = await this.#turn(`${path}.lock`);
      const after = change(this.read());
      replaceFile(path, `${JSON.stringify(after, null, 2)}\n`);
      return this.#schema.parse(after);
    } catch (error) {
      if (error instanceof HoldfastError) throw error;
      throw new HoldfastError("unavailable", `Cannot write "${path}": ${messageOf(error)}`, { cause: error });
    }
  }

  #path(directory: string): string {
    return join(directory, `${this.#name}.state.json`);
  }

  /** Waits for the lock, which the kernel frees however its holder ends. */
  async #turn(path: string): Promise<Disposable> {
    const file = Deno.openSync(path, { write: true, create: true, mode: 0o600 });
    for (let waited = 0; !file.tryLockSync(true); waited += POLL_MS) {
      if (waited >= PATIENCE_MS) {
        file.close();
        throw new HoldfastError("unavailable", `Cannot change "${path}": another process keeps holding it`);
      }
      await this.#clock.sleep(POLL_MS);
    }
    return {
      [Symbol.dispose]() {
        // A process that is being started at this moment has the file open until it becomes another program.
        file.unlockSync();
        file.close();
      },
    };
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new HoldfastError("unavailable", `Cannot read "${path}": ${messageOf(error)}`, { cause: error });
  }
}

function replaceFile(path: string, text: string): void {
  const partial = `${path}.partial`;
  // Only one process at a time is here; what a crash left would keep its own mode.
  Deno.writeTextFileSync(partial, "", { mode: 0o600 });
  Deno.chmodSync(partial, 0o600);
  const file = Deno.openSync(partial, { write: true });
  try {
    const bytes = new TextEncoder().encode(text);
    for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
    file.syncSync();
  } finally {
    file.close();
  }
  Deno.renameSync(partial, path);
}
