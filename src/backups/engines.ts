/** The engines there are, and the judgement of options for one of them. */
import { z } from "zod";
import { HoldfastError, messageOf, nearest } from "../lib/errors.ts";
import { type Caller, parseInput } from "../lib/operation.ts";
import { confine, type Confinement, requireAbsolute } from "./confine.ts";
import type { Engine } from "./engine.ts";

/** What decides over engines and paths. */
export interface EngineSettings extends Confinement {
  allow_commands: boolean;
}

/** Engines by kind. */
export class Engines {
  readonly #byKind: ReadonlyMap<string, Engine>;
  readonly #settings: EngineSettings;

  constructor(engines: readonly Engine[], settings: EngineSettings) {
    this.#byKind = new Map(engines.map((engine) => [engine.kind, engine]));
    this.#settings = settings;
  }

  get all(): readonly Engine[] {
    return [...this.#byKind.values()];
  }

  /** Errors: `invalid`, listing the kinds there are. */
  get(kind: string): Engine {
    const engine = this.#byKind.get(kind);
    if (engine !== undefined) return engine;
    const kinds = [...this.#byKind.keys()];
    const near = nearest(kind, kinds);
    const message = `unknown engine; there ${kinds.length === 1 ? "is" : "are"} ${kinds.join(", ")}`;
    throw new HoldfastError("invalid", `Cannot use engine "${kind}": ${message}`, {
      errors: [{ path: "engine", message }],
      ...(near === undefined ? {} : { hint: `did you mean "${near}"?` }),
    });
  }

  /** Options as an engine takes them. Errors: `invalid` with `engine_options.*` paths, `forbidden` for commands that are not allowed. */
  parse(engine: Engine, options: unknown): unknown {
    if (engine.runsCommands && !this.#settings.allow_commands) {
      throw new HoldfastError("forbidden", `Cannot use engine "${engine.kind}": it runs commands`, {
        hint: "set backups.allow_commands to true to let administrators use it",
      });
    }
    const schema = z.object({ engine_options: engine.options });
    return parseInput(schema, { engine_options: options }, `use engine "${engine.kind}"`).engine_options;
  }

  /** Everything that can be said against options before a run, for the caller who sets them. Errors: `invalid`, `forbidden`. */
  async validate(kind: string, options: unknown, caller: Caller): Promise<Record<string, unknown>> {
    const engine = this.get(kind);
    if (engine.runsCommands && caller.role !== "admin") {
      throw new HoldfastError(
        "forbidden",
        `Cannot use engine "${kind}": it runs commands, which needs role admin`,
      );
    }
    const parsed = this.parse(engine, options ?? {});
    requireRights(engine, parsed, caller);
    const { read, write } = engine.paths(parsed);
    // First of all: what an engine says of a path tells whether it exists.
    await this.#judgePaths([...read, ...write], caller);
    const problems = await engine.check(parsed);
    if (problems.length > 0) {
      throw new HoldfastError("invalid", `Cannot use engine "${kind}": ${problems.join("; ")}`, {
        errors: problems.map((message) => ({ path: "engine_options", message })),
      });
    }
    return z.record(z.string(), z.unknown()).parse(parsed);
  }

  /** Judges every path; for callers that are not on this host also where it leads. */
  async #judgePaths(paths: readonly string[], caller: Caller): Promise<void> {
    const refused: HoldfastError[] = [];
    for (const path of new Set(paths)) {
      try {
        if (caller.on_host) requireAbsolute(path);
        else await confine(path, this.#settings);
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        refused.push(error);
      }
    }
    const [first] = refused;
    if (first === undefined) return;
    throw new HoldfastError(first.kind, refused.map(messageOf).join("; "), {
      code: first.code,
      errors: refused.map((error) => ({ path: "engine_options", message: error.message })),
      ...(first.hint === undefined ? {} : { hint: first.hint }),
    });
  }

  /** Judges a path a caller names outside of engine options. Errors: `invalid`, `forbidden`. */
  async judgePath(path: string, caller: Caller): Promise<void> {
    if (caller.on_host) requireAbsolute(path);
    else await confine(path, this.#settings);
  }
}

/** Over the network some options are for admins. Errors: `forbidden`. */
export function requireRights(engine: Engine, options: unknown, caller: Caller): void {
  if (caller.on_host || caller.role === "admin") return;
  const reserved = engine.reserved?.(options) ?? [];
  if (reserved.length === 0) return;
  throw new HoldfastError(
    "forbidden",
    `Cannot use engine "${engine.kind}" with ${
      reserved.join(" and ")
    }: over the network that needs role admin`,
  );
}
