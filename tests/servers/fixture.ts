/** The registry over a real database, callers of every sort, and a way in through `invoke()`. */
import { invoke, type Kernel } from "../../src/lib/operation.ts";
import type { Caller, Operation } from "../../src/lib/operation.ts";
import { HoldfastError } from "../../src/lib/errors.ts";
import { Servers, type ServersApp } from "../../src/servers/mod.ts";
import { FakeClock } from "../support/clock.ts";
import { caller, type TempStore, tempStore } from "../support/store.ts";
import type { z } from "zod";

export const nobody = () =>
  caller({ kind: "anonymous", name: "anonymous", role: "public", on_host: false, servers: [] });
export const user = (...servers: number[]) =>
  caller({ kind: "user", id: 2, name: "bob", role: "user", on_host: false, servers });
export const operator = (overrides: Partial<Caller> = {}) =>
  caller({ kind: "user", id: 3, name: "olga", role: "operator", on_host: false, ...overrides });
export const admin = () => caller({ kind: "user", id: 1, name: "ada", role: "admin", on_host: false });
export const local = () => caller();

export interface Registry extends AsyncDisposable {
  store: TempStore;
  clock: FakeClock;
  servers: Servers;
  /** Schedules per server id, as the registry is told. */
  schedules: Map<number, number>;
  ask<Input extends z.ZodObject, Output extends z.ZodType>(
    op: Operation<ServersApp, Input, Output>,
    input: unknown,
    from: Caller,
  ): Promise<z.input<Output>>;
}

export async function registry(settings: { allow_commands?: boolean } = {}): Promise<Registry> {
  const clock = new FakeClock("2026-01-02T03:04:05Z");
  const store = await tempStore(clock);
  const schedules = new Map<number, number>();
  const servers = new Servers({
    database: store.database,
    clock,
    settings: { allow_commands: settings.allow_commands ?? false, check_timeout_seconds: 5 },
    validateEngine: (engine, options) => {
      if (engine !== "archive") {
        return Promise.reject(new HoldfastError("invalid", `Cannot use engine "${engine}"`));
      }
      return Promise.resolve({ ...Object(options), judged: true });
    },
    countSchedules: (id) => Promise.resolve(schedules.get(id) ?? 0),
  });
  const kernel: Kernel<ServersApp> = {
    app: { servers },
    audit: (from, outcome) =>
      store.database.change(from, (change) => Promise.resolve(change.audit({ target: "-", outcome }))),
  };
  return {
    store,
    clock,
    servers,
    schedules,
    async ask(op, input, from) {
      const answer = await invoke(kernel, op, input, from);
      if (typeof answer === "object" && answer !== null && Symbol.asyncIterator in answer) {
        throw new Error("stream");
      }
      return answer;
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** Matches an error of the family by its kind, for `assert.rejects`. */
export function ofKind(kind: HoldfastError["kind"], message?: RegExp) {
  return (error: unknown) => {
    if (!(error instanceof HoldfastError) || error.kind !== kind) throw error;
    if (message !== undefined && !message.test(`${error.message}; ${error.hint ?? ""}`)) throw error;
    return true;
  };
}
