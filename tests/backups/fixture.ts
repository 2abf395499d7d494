/** The catalogue over a real database and real files, and a way in through `invoke()`. */
import { join } from "node:path";
import type { z } from "zod";
import { keepNewest } from "../../src/backups/keep.ts";
import {
  type BackedUpSchedule,
  type Backup,
  Backups,
  type BackupsApp,
  type BackupsSettings,
  type Engine,
} from "../../src/backups/mod.ts";
import type { EngineContext } from "../../src/backups/mod.ts";
import { HoldfastError } from "../../src/lib/errors.ts";
import { type Caller, invoke, type Kernel, type Operation } from "../../src/lib/operation.ts";
import { Servers } from "../../src/servers/mod.ts";
import { FakeClock } from "../support/clock.ts";
import { copyEngine } from "../support/copy_engine.ts";
import { caller, type TempStore, tempStore } from "../support/store.ts";

export interface World extends AsyncDisposable {
  store: TempStore;
  clock: FakeClock;
  backups: Backups;
  settings: BackupsSettings;
  /** A directory with two files, which is in the allowed roots. */
  source: string;
  /** A directory to write to, in the allowed roots as well. */
  destination: string;
  /** A directory outside of the allowed roots. */
  outside: string;
  /** Engine options for the two. */
  options: Record<string, unknown>;
  /** Makes a backup of schedule `s1` on server 1, one hour after the one before. */
  make(
    overrides?: { options?: Record<string, unknown>; schedule?: string; server?: number },
  ): Promise<Backup>;
  ask<Input extends z.ZodObject, Output extends z.ZodType>(
    op: Operation<BackupsApp, Input, Output>,
    input: unknown,
    from: Caller,
  ): Promise<z.input<Output>>;
  /** A second service on the same database, as after a restart. */
  restart(engine?: Engine): Backups;
}

export async function world(
  given: {
    engine?: Engine;
    settings?: Partial<BackupsSettings>;
    schedules?: BackedUpSchedule[];
    secrets?: Record<string, string>;
  } = {},
): Promise<World> {
  const clock = new FakeClock("2026-01-02T02:00:00Z");
  const store = await tempStore(clock);
  const root = join(store.dir, "allowed");
  const [source, destination, outside] = [
    join(root, "source"),
    join(root, "backups"),
    join(store.dir, "outside"),
  ];
  for (const path of [source, destination, outside]) await Deno.mkdir(path, { recursive: true });
  await Deno.writeTextFile(join(source, "a.txt"), "alpha");
  await Deno.writeTextFile(join(source, "b.txt"), "beta");
  const dataDir = join(store.dir, "data");
  await Deno.mkdir(dataDir);

  const settings: BackupsSettings = {
    allow_commands: false,
    allowed_roots: [root],
    data_dir: dataDir,
    trash_days: 0,
    scratch_dir: join(store.dir, "scratch"),
    reverify_days: 30,
    reverify_remote: false,
    reverify_bytes_per_second: 0,
    ...given.settings,
  };
  const servers = new Servers({
    database: store.database,
    clock,
    settings: { allow_commands: false, check_timeout_seconds: 5 },
    validateEngine: () => Promise.resolve({}),
    countSchedules: () => Promise.resolve(0),
  });
  for (const name of ["web-1", "web-2"]) {
    await servers.create({
      name,
      host: "192.0.2.1",
      description: null,
      running_check: { kind: "none" },
      default_engine: null,
      default_engine_options: null,
    }, caller());
  }
  const build = (engine: Engine) =>
    new Backups({
      database: store.database,
      clock,
      settings,
      engines: [engine],
      findServer: (ref) => servers.resolve(ref),
      findSchedule: (ref) => {
        const found = /^(?:s|nightly-)([1-9])$/.exec(ref);
        if (found === null) {
          return Promise.reject(new HoldfastError("not_found", `Cannot find schedule "${ref}"`));
        }
        const known = given.schedules?.find(({ id }) => id === `s${found[1]}`);
        return Promise.resolve(
          known ?? {
            id: `s${found[1]}`,
            name: `nightly-${found[1]}`,
            server_id: Number(found[1]),
            timezone: "UTC",
            keep: keepNewest(2),
            prove: { every_runs: null, every_seconds: null, command: null, command_role: "operator" },
          },
        );
      },
      listSchedules: () => Promise.resolve(given.schedules ?? []),
      readSecret: (name) => {
        const text = given.secrets?.[name];
        return text === undefined
          ? Promise.reject(
            new HoldfastError("not_found", `Cannot find secret "${name}"`, { code: "secret_missing" }),
          )
          : Promise.resolve(text);
      },
    });
  const backups = build(given.engine ?? copyEngine());
  const kernel: Kernel<BackupsApp> = {
    app: { backups },
    audit: (from, outcome) =>
      store.database.change(from, (change) => Promise.resolve(change.audit({ target: "-", outcome }))),
  };
  const options = { source, destination };
  return {
    store,
    clock,
    backups,
    settings,
    source,
    destination,
    outside,
    options,
    make(overrides = {}) {
      clock.advance(3_600_000);
      const server = overrides.server ?? 1;
      return backups.make({
        engine: "copy",
        engine_options: overrides.options ?? options,
        schedule: { id: overrides.schedule ?? `s${server}`, name: "nightly" },
        server: { id: server, name: `web-${server}` },
        run_id: "r1",
        backup_type: "scheduled",
      }, context(clock));
    },
    async ask(op, input, from) {
      const answer = await invoke(kernel, op, input, from);
      if (typeof answer === "object" && answer !== null && Symbol.asyncIterator in answer) {
        throw new Error("stream");
      }
      return answer;
    },
    restart: (engine) => build(engine ?? copyEngine()),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

export function context(clock: FakeClock, overrides: Partial<EngineContext> = {}): EngineContext {
  return {
    signal: new AbortController().signal,
    now: () => clock.now(),
    log: () => {},
    progress: () => {},
    secret: (name) => Promise.reject(new Error(`no secret ${name}`)),
    ...overrides,
  };
}

/** Names of the files in a directory, sorted. */
export function filesIn(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map((entry) => entry.name).sort();
}
