/** Versions of routers' configurations: kept when they change, compared without their secrets, brought back. */
import { createHash } from "node:crypto";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import type { Database } from "../store/mod.ts";
import type { Changes, Decision } from "./changes.ts";
import type { Asked } from "./machines.ts";
import type { Outcome } from "./model.ts";
import type { Step } from "./plan.ts";
import * as queries from "./queries.ts";
import type { ConfigVersion, Db, NetworkTables } from "./queries.ts";
import type { Router, Routers } from "./routers.ts";
import { isSecret, maskedPath } from "./secrets.ts";
import { isTree, sameTree, type Tree } from "./tree.ts";

/** A comparison of two versions. */
export interface ConfigDiff {
  router: string;
  from: string;
  to: string;
  /** `+ set ...` and `- set ...`, secrets struck out. */
  lines: string[];
}

export class Configs {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #routers: Routers;
  readonly #changes: Changes;
  readonly #keep: number;

  constructor(
    options: { database: Database; clock: Clock; routers: Routers; changes: Changes; keep: number },
  ) {
    this.#database = options.database;
    this.#clock = options.clock;
    this.#routers = options.routers;
    this.#changes = options.changes;
    this.#keep = options.keep;
  }

  /** The whole configuration as it is now, secrets and all. */
  read(router: string | undefined, signal: AbortSignal): Promise<Tree> {
    return this.#routers.resolve(router).read(signal, (client) => client.showConfig([], signal));
  }

  /** Keeps the configuration as a version unless it is that of the newest one. Returns the newest. */
  async keep(name: string | undefined, reason: string, signal: AbortSignal): Promise<ConfigVersion> {
    const router = this.#routers.resolve(name);
    const config = JSON.stringify(sorted(await this.read(router.name, signal)));
    const digest = createHash("sha256").update(config).digest("hex");
    const [newest] = await queries.listConfigs(this.#db, router.name, 1);
    if (newest?.digest === digest) return newest;
    const row = { router: router.name, taken_at: iso(this.#clock.now()), reason, digest };
    const id = await queries.insertConfig(this.#db, { ...row, config });
    await queries.trimConfigs(this.#db, router.name, this.#keep);
    return { ...row, id };
  }

  /** The newest first. */
  async history(name: string | undefined, limit: number): Promise<ConfigVersion[]> {
    return await queries.listConfigs(this.#db, this.#routers.resolve(name).name, limit);
  }

  /** Compares a version (default: the newest) with another, or with what the router has now. Errors: `not_found`. */
  async diff(
    name: string | undefined,
    from: number | undefined,
    to: number | undefined,
    signal: AbortSignal,
  ): Promise<ConfigDiff> {
    const router = this.#routers.resolve(name);
    const start = from ?? (await this.history(router.name, 1))[0]?.id;
    if (start === undefined) throw noVersion(router.name);
    const before = await this.#version(router, start);
    const after = to === undefined ? await this.read(router.name, signal) : await this.#version(router, to);
    return {
      router: router.name,
      from: `version ${start}`,
      to: to === undefined ? "the router now" : `version ${to}`,
      lines: diffLines(before, after),
    };
  }

  /**
   * Makes the configuration that of a version, in one commit that is verified like any other. The API's own section stays as
   * it is: without it nobody could confirm. Errors: `not_found`, and the router's.
   */
  async restore(version: number, asked: Asked, caller: Caller): Promise<Outcome> {
    const router = this.#routers.resolve(asked.router);
    const wanted = await this.#version(router, version);
    if (asked.dry_run !== true) await this.keep(router.name, `before restore of ${version}`, caller.signal);
    const decide = ({ live }: { live: Tree }): Promise<Decision> =>
      Promise.resolve({
        subject: `version ${version}`,
        before: [],
        after: [],
        steps: stepsTo(live, wanted),
        warnings: ["service https is left as it is; see holdfast network drift for what machines need now"],
      });
    return await this.#changes.run(router, {
      kind: "restore",
      dryRun: asked.dry_run === true,
      evenIfVanished: true,
      look: (client, signal) => client.showConfig([], signal),
      decide,
    }, caller);
  }

  async #version(router: Router, id: number): Promise<Tree> {
    const row = await queries.configById(this.#db, router.name, id);
    if (row === undefined) throw noVersion(router.name, id);
    const tree: unknown = JSON.parse(row.config);
    return isTree(tree) ? tree : {};
  }

  get #db(): Db {
    return this.#database.tables<NetworkTables>();
  }
}

function noVersion(router: string, id?: number): HoldfastError {
  return new HoldfastError(
    "not_found",
    `Cannot find ${
      id === undefined ? "a version" : `version ${id}`
    } of the configuration of router "${router}"`,
    { hint: "see holdfast network config history; keep one now with holdfast network config keep" },
  );
}

/** The sections that have to change. */
function stepsTo(live: Tree, wanted: Tree): Step[] {
  const nodes = (tree: Tree) =>
    new Map(
      Object.entries(tree).flatMap(([name, node]): [string, [string[], Tree]][] => {
        if (!isTree(node)) return [];
        if (name !== "service") return [[name, [[name], node]]];
        return Object.entries(node).flatMap(([service, inner]): [string, [string[], Tree]][] =>
          isTree(inner) && service !== "https" ? [[`service ${service}`, [["service", service], inner]]] : []
        );
      }),
    );
  const [before, after] = [nodes(live), nodes(wanted)];
  return [...new Set([...before.keys(), ...after.keys()])].map((what): Step => ({
    what,
    path: (before.get(what) ?? after.get(what))![0],
    before: before.get(what)?.[1] ?? null,
    after: after.get(what)?.[1] ?? null,
  })).filter((step) => !sameTree(step.before, step.after));
}

/** A configuration as lines of `set`, secrets struck out; the keys tell even those apart. */
function linesOf(tree: Tree, path: readonly string[] = []): Map<string, string> {
  const lines = new Map<string, string>();
  for (const [name, value] of Object.entries(tree)) {
    const at = [...path, name];
    const secret = isSecret(at);
    if (isTree(value) && Object.keys(value).length > 0) {
      for (const [key, line] of linesOf(value, at)) lines.set(key, line);
      continue;
    }
    const values = isTree(value) ? [null] : typeof value === "string" ? [value] : value;
    for (const one of values) {
      const shown = one === null ? "" : ` ${secret ? "***" : quoted(one)}`;
      lines.set(`${at.join("\n")}\n${one ?? ""}`, `set ${pathText(at)}${shown}`);
    }
  }
  return lines;
}

function pathText(path: readonly string[]): string {
  return maskedPath(path).map(quoted).join(" ");
}

function quoted(text: string): string {
  return /^[\w./:,!*@-]+$/.test(text) ? text : `'${text}'`;
}

function diffLines(before: Tree, after: Tree): string[] {
  const [old, now] = [linesOf(before), linesOf(after)];
  return [
    ...[...old].filter(([key]) => !now.has(key)).map(([, line]) => `- ${line}`),
    ...[...now].filter(([key]) => !old.has(key)).map(([, line]) => `+ ${line}`),
  ];
}

/** The same tree with its names in order, so that equal ones have equal texts. */
function sorted(tree: Tree): Tree {
  return Object.fromEntries(
    Object.entries(tree).sort(([a], [b]) => a < b ? -1 : 1).map(([name, value]) => [
      name,
      isTree(value) ? sorted(value) : value,
    ]),
  );
}

/** The configuration as lines that a router takes, secrets and all; for backups. */
export function setLines(tree: Tree, path: readonly string[] = []): string[] {
  return Object.entries(tree).flatMap(([name, value]) => {
    const at = [...path, name];
    if (isTree(value) && Object.keys(value).length > 0) return setLines(value, at);
    const values = isTree(value)
      ? [""]
      : typeof value === "string"
      ? [` ${quoted(value)}`]
      : value.map((one) => ` ${quoted(one)}`);
    return values.map((one) => `set ${at.map(quoted).join(" ")}${one}`);
  });
}
