/** A small real engine for tests of the catalogue: every file of a directory, as JSON in one file, manifest beside it. */
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { z } from "zod";
import type { Artifact, Engine, ManifestFacts, StoredArtifact } from "../../src/backups/engine.ts";
import { HoldfastError } from "../../src/lib/errors.ts";

export const CopyOptions = z.strictObject({
  source: z.string(),
  destination: z.string(),
  unreadable: z.boolean().default(false),
});
type CopyOptions = z.output<typeof CopyOptions>;

const Facts = z.object({
  size_bytes: z.number(),
  sha256: z.string().nullable(),
  source_bytes: z.number(),
  item_count: z.number(),
  skipped_count: z.number(),
  incomplete: z.boolean(),
  created_at: z.string(),
  labels: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
});

const SUFFIX = ".copy";
const MANIFEST = ".manifest";

/** The engine, with some of its parts replaced. */
export function copyEngine(overrides: Partial<Engine<CopyOptions>> = {}): Engine<CopyOptions> {
  return {
    kind: "copy",
    summary: "Copies text files",
    options: CopyOptions,
    runsCommands: false,
    paths: (options) => ({ read: [options.source], write: [options.destination] }),
    check: async ({ source }) => await exists(source) ? [] : [`Source "${source}" does not exist`],
    make: async ({ options, name, labels }, context) => {
      context.signal.throwIfAborted();
      const files: Record<string, string> = {};
      for (const entry of Deno.readDirSync(options.source)) {
        if (entry.isFile) files[entry.name] = await Deno.readTextFile(join(options.source, entry.name));
      }
      await Deno.mkdir(options.destination, { recursive: true });
      const path = join(options.destination, name + SUFFIX);
      const text = JSON.stringify(files);
      await Deno.writeTextFile(`${path}.partial`, text);
      const facts: ManifestFacts = {
        path,
        size_bytes: text.length,
        sha256: sha256(text),
        source_bytes: text.length,
        item_count: Object.keys(files).length,
        skipped_count: options.unreadable ? 1 : 0,
        incomplete: options.unreadable,
        created_at: new Date(context.now()).toISOString(),
        labels,
      };
      await Deno.writeTextFile(path + MANIFEST, JSON.stringify(facts));
      await Deno.rename(`${path}.partial`, path);
      return { ...artifactOf(facts), verified: true };
    },
    verify: async ({ path, sha256: expected }) => {
      const text = await readOrThrow(path);
      const found = sha256(text);
      const problems = expected !== null && found !== expected ? [`Its hash is ${found}`] : [];
      return {
        ok: problems.length === 0,
        problems,
        size_bytes: text.length,
        sha256: found,
        item_count: problems.length === 0 ? Object.keys(filesOf(text)).length : 0,
      };
    },
    async *list({ path }) {
      for (const [name, text] of Object.entries(filesOf(await readOrThrow(path)))) {
        yield { path: name, kind: "file", size_bytes: text.length, mode: 0o644, mtime: "" };
      }
    },
    restore: async ({ path }, { target, patterns, force }) => {
      const files = Object.entries(filesOf(await readOrThrow(path)))
        .filter(([name]) => patterns.length === 0 || patterns.includes(name));
      await Deno.mkdir(target, { recursive: true });
      for (const [name, text] of files) {
        const file = join(target, basename(name));
        if (!force && await exists(file)) {
          throw new HoldfastError("conflict", `Cannot restore "${file}": it exists`);
        }
        await Deno.writeTextFile(file, text);
      }
      return { item_count: files.length, restored_bytes: files.join("").length, warnings: [] };
    },
    remove: async ({ path }) => {
      for (const file of [path, path + MANIFEST]) {
        await Deno.remove(file).catch((error) => {
          if (!(error instanceof Deno.errors.NotFound)) throw error;
        });
      }
    },
    async *discover(directory) {
      const names = [...Deno.readDirSync(directory)].map((entry) => entry.name).sort();
      for (const name of names.filter((name) => name.endsWith(SUFFIX + MANIFEST))) {
        const path = join(directory, name.slice(0, -MANIFEST.length));
        try {
          Deno.lstatSync(path);
          yield { ...Facts.parse(JSON.parse(Deno.readTextFileSync(path + MANIFEST))), path };
        } catch {
          yield { path, problem: "not a manifest, or without its artifact" };
        }
      }
    },
    identify: async (path): Promise<StoredArtifact | undefined> => {
      await readOrThrow(path);
      return path.endsWith(SUFFIX) ? { path, size_bytes: null, sha256: null } : undefined;
    },
    ...overrides,
  };
}

function artifactOf(facts: ManifestFacts): Artifact {
  const { path, size_bytes, sha256, source_bytes, item_count, incomplete } = facts;
  const skipped = incomplete ? [{ path: "secret", reason: "unreadable" as const }] : [];
  return { path, size_bytes, sha256, source_bytes, item_count, incomplete, skipped, verified: false };
}

function filesOf(text: string): Record<string, string> {
  return z.record(z.string(), z.string()).parse(JSON.parse(text));
}

async function readOrThrow(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new HoldfastError("not_found", `Cannot read "${path}": it does not exist`);
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
