/** restic itself, with repository and passwords in its environment: nothing of them is on a command line. */
import { HoldfastError } from "../../../lib/errors.ts";
import type { EngineContext, StoredArtifact } from "../../engine.ts";
import { failure, type Reason } from "../tools/failure.ts";
import { requireTool, type Tool, type Tools } from "../tools/find.ts";
import { type Ended, type Run, runTool } from "../tools/run.ts";
import { Secrets } from "../tools/secrets.ts";
import { ResticOptions } from "./options.ts";

export const RESTIC: Tool = { names: ["restic"], package: "restic" };

/** How long tidying up may take after a cancel, in milliseconds. */
const FINISH_MS = 20_000;

/** Exit codes of restic 0.17 and later; before, all but these two are 1 (https://restic.readthedocs.io, "Exit codes"). */
export const EXIT = { done: 0, incomplete: 3, no_repository: 10, locked: 11, wrong_password: 12 } as const;

const NO_REPOSITORY = /Is there a repository at the following location|repository does not exist/;
const LOCKED = /repository is already locked|unable to create lock in backend/;

const REASONS: readonly Reason[] = [
  {
    says: NO_REPOSITORY,
    kind: "invalid",
    code: "no_repository",
    why: "there is no repository",
    hint: "check that its storage is mounted; to make a new one set init to true",
  },
  {
    says: /no matching ID found|failed to find snapshot|no snapshot found/,
    kind: "not_found",
    code: "no_snapshot",
    why: "the snapshot is not there",
  },
  {
    says: /wrong password or no key found/,
    kind: "upstream",
    code: "wrong_credentials",
    why: "wrong password",
    hint: "the password is set with: holdfast secrets set NAME",
  },
  {
    says: LOCKED,
    kind: "unavailable",
    code: "locked",
    why: "the repository is locked by another restic",
    hint: "wait for it to end; a lock that was left behind goes with: restic unlock",
  },
  {
    says:
      /(Access Denied|403 Forbidden|401 Unauthorized|InvalidAccessKeyId|SignatureDoesNotMatch|Permission denied \(publickey[^)]*\))/,
    kind: "upstream",
    code: "wrong_credentials",
    why: "its storage refuses the credentials ($1)",
    hint: "check the variables in env",
  },
  {
    says:
      /(connection refused|no such host|i\/o timeout|Could not resolve hostname[^\n]*|Connection timed out)/i,
    kind: "upstream",
    code: "connect",
    why: "its storage cannot be reached ($1)",
  },
];

/** One run of restic. */
export interface Call extends Partial<Run> {
  args: readonly string[];
  /** Reads on from "Cannot ": `back up to repository "/srv/repo"`. */
  action: string;
  /** Exit codes besides 0 that are no failure. */
  accept?: readonly number[];
}

/** Runs restic against one repository. */
export class Client {
  readonly context: EngineContext;
  readonly options: ResticOptions;
  readonly #tools: Tools;
  readonly #secrets: Secrets;

  constructor(tools: Tools, options: ResticOptions, context: EngineContext) {
    [this.#tools, this.options, this.context] = [tools, options, context];
    this.#secrets = new Secrets(context);
  }

  /** The client of a recorded snapshot. Errors: `invalid` when nobody knows its repository. */
  static of(tools: Tools, artifact: StoredArtifact, context: EngineContext): { client: Client; id: string } {
    const id = /^restic:([0-9a-f]{64})$/.exec(artifact.path)?.[1];
    const options = ResticOptions.safeParse(artifact.options).data;
    if (id !== undefined && options !== undefined) return { client: new Client(tools, options, context), id };
    throw new HoldfastError(
      "invalid",
      `Cannot use "${artifact.path}": the catalogue does not know its repository`,
      {
        hint: "use restic itself: restic -r REPOSITORY snapshots",
      },
    );
  }

  /** The same client for the last things to do, which a cancel must not keep from being done. */
  finishing(): Client {
    const { context } = this;
    return new Client(this.#tools, this.options, {
      signal: AbortSignal.timeout(FINISH_MS),
      now: () => context.now(),
      log: (level, text) => context.log(level, text),
      progress: (update) => context.progress(update),
      secret: (name) => context.secret(name),
    });
  }

  /** What the repository is called in messages. */
  get name(): string {
    return `repository "${this.options.repository}"`;
  }

  /** Runs restic, which has to succeed. A lock that nobody holds any more is removed once. Errors: in the words of what it said. */
  async run(call: Call): Promise<Ended> {
    const ended = await this.#once(call);
    if (!LOCKED.test(ended.text) && ended.code !== EXIT.locked) return this.#judged(ended, call);
    // Removes only what a process that has ended left behind.
    await this.#once({ args: ["unlock"], action: `unlock ${this.name}`, quiet: true });
    return this.#judged(await this.#once(call), call);
  }

  #judged(ended: Ended, { action, accept = [] }: Call): Ended {
    if (ended.code === EXIT.done || accept.includes(ended.code)) return ended;
    throw failure("restic", action, ended, REASONS);
  }

  async #once({ args, action: _, accept: __, ...run }: Call): Promise<Ended> {
    const program = await requireTool(this.#tools, RESTIC);
    const cache = cacheDirectory();
    const env = {
      ...(cache === undefined ? {} : { RESTIC_CACHE_DIR: cache }),
      ...await this.#secrets.readAll(this.options.env ?? {}),
      RESTIC_REPOSITORY: this.options.repository,
      RESTIC_PASSWORD: await this.#secrets.read(this.options.password),
      RESTIC_PROGRESS_FPS: "3",
    };
    // Asked to end with SIGTERM, restic before 0.15 would leave its lock behind.
    const given: Run = {
      name: "restic",
      program,
      politely: "SIGINT",
      ...run,
      args: [...cacheArgs(), ...args],
      env,
    };
    return await runTool(given, { context: this.context, secrets: this.#secrets });
  }
}

/** Where restic is told to keep its cache: by its own variable, or in the cache directory of a systemd unit. */
function cacheDirectory(): string | undefined {
  const unit = Deno.env.get("CACHE_DIRECTORY");
  return Deno.env.get("RESTIC_CACHE_DIR") ?? (unit === undefined ? undefined : `${unit}/restic`);
}

/** Without a home there is no place for a cache, which restic would complain about each time. */
function cacheArgs(): string[] {
  const known = ["XDG_CACHE_HOME", "HOME"].some((name) => (Deno.env.get(name) ?? "") !== "");
  return known || cacheDirectory() !== undefined ? [] : ["--no-cache"];
}
