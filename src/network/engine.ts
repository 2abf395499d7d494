/**
 * A router's whole configuration as a backup: an engine for the slice that makes backups, which fits its interface.
 *
 * The artifact is one JSON file with the configuration, secrets and all, and what is needed to know it again; only its owner
 * may read it. A restore writes `config.json` and `config.commands`, the lines that a router takes; bringing them to the
 * router is `network config restore`, or a person.
 */
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { z } from "zod";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import { setLines } from "./configs.ts";
import type { Network } from "./network.ts";
import { isTree, type Tree } from "./tree.ts";

const FORMAT = "holdfast-vyos/1";
const SUFFIX = ".vyos.json";

const Options = z.strictObject({
  router: z.string().min(1).max(64).optional().describe("Router; may be absent when there is one"),
  destination: z.string().min(1).describe("Directory for the artifacts"),
});
type Options = z.output<typeof Options>;

/** What the artifact holds. */
const Artifact = z.object({
  format: z.literal(FORMAT),
  router: z.string(),
  taken_at: z.string(),
  labels: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
  config_sha256: z.string(),
  config: z.record(z.string(), z.unknown()),
});

interface Context {
  signal: AbortSignal;
  now(): number;
}

interface Stored {
  path: string;
  size_bytes: number | null;
  sha256: string | null;
}

/** The engine, on the routers of the configuration. */
export function configEngine(network: Network) {
  return {
    kind: "vyos",
    summary: "The whole configuration of a VyOS router",
    options: Options,
    runsCommands: false,
    paths: (options: Options) => ({ read: [], write: [resolve(options.destination)] }),
    check(options: Options): Promise<string[]> {
      try {
        network.routers.resolve(options.router);
        return Promise.resolve([]);
      } catch (error) {
        return Promise.resolve([messageOf(error)]);
      }
    },
    async make(
      request: { options: Options; name: string; labels: Record<string, string | number | null> },
      context: Context,
    ) {
      const { options, name, labels } = request;
      const router = network.routers.resolve(options.router).name;
      const config = await network.configs.read(router, context.signal);
      const lines = setLines(config);
      if (lines.length === 0) {
        throw new HoldfastError("upstream", `Cannot back up router "${router}": it has no configuration`);
      }
      const text = JSON.stringify({
        format: FORMAT,
        router,
        taken_at: new Date(context.now()).toISOString(),
        labels,
        config_sha256: digestOf(JSON.stringify(config)),
        config,
      }) + "\n";
      const path = join(resolve(options.destination), name + SUFFIX);
      await Deno.mkdir(resolve(options.destination), { recursive: true });
      const part = `${path}.part`;
      await Deno.writeTextFile(part, text, { mode: 0o600, createNew: true });
      context.signal.throwIfAborted();
      await Deno.rename(part, path);
      const written = await Deno.readTextFile(path);
      return {
        path,
        size_bytes: new TextEncoder().encode(written).length,
        sha256: digestOf(written),
        source_bytes: new TextEncoder().encode(JSON.stringify(config)).length,
        item_count: lines.length,
        skipped: [],
        incomplete: false,
        verified: written === text,
      };
    },
    async verify(artifact: Stored) {
      const text = await readArtifact(artifact.path);
      const sha256 = digestOf(text);
      const problems: string[] = [];
      if (artifact.sha256 !== null && artifact.sha256 !== sha256) {
        problems.push("the file is not the one that was made");
      }
      let item_count = 0;
      try {
        item_count = setLines(configOf(text, artifact.path)).length;
      } catch (error) {
        problems.push(messageOf(error));
      }
      const size_bytes = new TextEncoder().encode(text).length;
      return { ok: problems.length === 0, problems, size_bytes, sha256, item_count };
    },
    async *list(artifact: Stored) {
      const config = configOf(await readArtifact(artifact.path), artifact.path);
      const mtime = (await Deno.stat(artifact.path)).mtime?.toISOString() ?? "";
      for (const { name, text } of filesOf(config)) {
        const size_bytes = new TextEncoder().encode(text).length;
        yield { path: name, kind: "file" as const, size_bytes, mode: 0o600, mtime };
      }
    },
    async restore(artifact: Stored, request: { target: string; patterns: string[]; force: boolean }) {
      const config = configOf(await readArtifact(artifact.path), artifact.path);
      const wanted = filesOf(config).filter(({ name }) =>
        request.patterns.length === 0 || request.patterns.includes(name)
      );
      await Deno.mkdir(request.target, { recursive: true });
      for (const { name } of wanted) {
        if (!request.force && await exists(join(request.target, name))) {
          throw new HoldfastError("conflict", `Cannot restore "${name}": it exists already`, {
            hint: "use --force",
          });
        }
      }
      for (const { name, text } of wanted) {
        await Deno.writeTextFile(join(request.target, name), text, { mode: 0o600 });
      }
      const restored_bytes = wanted.reduce((sum, { text }) => sum + new TextEncoder().encode(text).length, 0);
      return { item_count: wanted.length, restored_bytes, warnings: [] };
    },
    async remove(artifact: Stored): Promise<void> {
      try {
        await Deno.remove(artifact.path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    },
  };
}

function filesOf(config: Tree): { name: string; text: string }[] {
  return [
    { name: "config.json", text: `${JSON.stringify(config, null, 2)}\n` },
    { name: "config.commands", text: `${setLines(config).join("\n")}\n` },
  ];
}

async function readArtifact(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new HoldfastError("not_found", `Cannot find artifact "${path}"`);
  }
}

/** Errors: `invalid` for a file that is no artifact or was changed. */
function configOf(text: string, path: string): Tree {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const artifact = Artifact.safeParse(value);
  if (!artifact.success || !isTree(artifact.data.config)) {
    throw new HoldfastError("invalid", `Cannot read "${path}": it is no backup of a router's configuration`);
  }
  const { config, config_sha256 } = artifact.data;
  if (digestOf(JSON.stringify(config)) !== config_sha256) {
    throw new HoldfastError("invalid", `Cannot read "${path}": the configuration in it was changed`);
  }
  return config;
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
