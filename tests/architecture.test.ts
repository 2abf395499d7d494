/** Who may import whom, and what may stand where. The tables are the rules; each exception is a row as well. */
import assert from "node:assert/strict";
import { walk } from "./support/files.ts";
import { cyclesOf, type Import, importsOf, type Sources } from "./support/imports.ts";

const SLICES = [
  "auth",
  "servers",
  "notify",
  "backups",
  "schedules",
  "monitor",
  "veeam",
  "veeam-one",
  "network",
  "vpn",
];

const BASE = ["lib", "store", "telemetry"];
const BELOW_APP = [...BASE, "config", ...SLICES, "catalogue", "api", "cli", "web"];

/** A folder of `src`, or a file directly in it without its ending -> what it may import besides itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  lib: [],
  store: ["lib"],
  telemetry: ["lib"],
  config: ["lib"],
  notify: BASE,
  auth: BASE,
  servers: BASE,
  veeam: [...BASE, "notify"],
  "veeam-one": [...BASE, "notify"],
  network: [...BASE, "notify"],
  vpn: [...BASE, "notify"],
  backups: [...BASE, "notify", "servers"],
  schedules: [...BASE, "notify", "servers", "backups"],
  monitor: [...BASE, "notify", "servers", "backups", "schedules", "veeam"],
  // Besides the slices, the database and the health of the program can be asked about; the shapes stand in lib.
  catalogue: [...BASE, "config", ...SLICES],
  api: ["lib", "telemetry", "auth", "catalogue"],
  web: ["lib", "telemetry", "auth", "catalogue"],
  cli: ["lib", "config", "catalogue", "data_dir", "app", "daemon"],
  // What app.ts and daemon.ts are made of, apart from the services themselves.
  data_dir: ["lib", "store"],
  services: [...BASE, ...SLICES],
  observe: ["lib", "store", "telemetry", "services", "network"],
  // An engine that one slice makes for another.
  veeam_engine: ["lib", "backups", "veeam"],
  app: [...BELOW_APP, "data_dir", "observe", "services", "veeam_engine"],
  daemon: [...BELOW_APP, "app"],
  main: [...BELOW_APP, "app", "daemon"],
};

/** Imports the table forbids and that are meant: each setting is declared by the slice it belongs to. */
const ALLOWED_IMPORTS = SLICES.map((slice) => ({
  from: "src/config/schema.ts",
  to: `src/${slice}/config.ts`,
}));

/** The catalogue loads a slice's lists when they are asked for, so that a command pays for no service it does not use. */
const LAZY = /^src\/[\w-]+\/(operations|jobs)\.ts$/;

/** What a slice's `config.ts` may import: the schema library, so that reading settings loads nothing else. */
const CONFIG_IMPORTS = /^(zod|@hono\/zod-openapi)$/;

const FORBIDDEN_FOLDERS = ["utils", "helpers", "common"];

interface Forbidden {
  what: string;
  pattern: RegExp;
  where: (path: string) => boolean;
}

const anywhere = () => true;
const inSource = (path: string) => path.startsWith("src/");

const FORBIDDEN: readonly Forbidden[] = [
  {
    what: "ends the process; only src/main.ts may",
    pattern: /\bDeno\.exit\(|\bprocess\.exit\(/,
    where: (path) => inSource(path) && path !== "src/main.ts",
  },
  {
    what: "reads the time; a slice is given a clock",
    pattern: /\bDate\.now\(|\bnew Date\(\)|\bTemporal\.Now\b/,
    where: (path) => inSource(path) && SLICES.includes(areaOf(path)),
  },
  {
    what: "talks to SQLite past the store, where one day another database will answer",
    pattern: /"node:sqlite"|\bdatabase\.(sqlite|kysely)\b|\bsqlite_(schema|master)\b/,
    // The engine that backs up other programs' SQLite files is no user of ours.
    where: (path) => inSource(path) && !/^src\/(store\/|backups\/engines\/sqlite)/.test(path),
  },
  {
    what: "switches off a check of the types or the lint",
    pattern: /@ts-(ignore|expect-error|nocheck)|deno-lint-ignore/,
    where: anywhere,
  },
  { what: "marks something unfinished", pattern: /\b(TODO|FIXME|XXX)\b/, where: anywhere },
  {
    what: "keeps a test from running; print a line that starts with `skipped: ` instead",
    pattern: /\bDeno\.test\.(ignore|only)\b|\b(ignore|only): true\b/,
    where: (path) => path.startsWith("tests/"),
  },
  { what: "names an issue; say the reason itself", pattern: /\bissues? #?\d/i, where: anywhere },
  {
    what: "loads a package by import(); load a file of ours that re-exports it, see src/lib/yaml.ts",
    pattern: /\bimport\("(?!node:)[a-z@][^"]*"\)/,
    where: (path) => path.startsWith("src/"),
  },
  {
    what: "names a folder of one machine",
    pattern: /(^|[\s"'`(=:])\/work\//,
    where: anywhere,
  },
  {
    what: "names a package registry's host; the clients know it",
    pattern: /https?:\/\/[^\s\/"'`]*(registry|npmjs|jsr\.io|mirror|pypi|\bdeb\.)/,
    where: anywhere,
  },
];

/** This file names what it forbids. */
const UNREAD = ["tests/architecture.test.ts"];

const TOP_LEVEL = ["src", "tests", "deno.json", "deno.lock", "config.example.yaml", "README.md", "LICENSE"];

/** `src/backups/model.ts` belongs to `backups`, `src/main.ts` to `main`. */
function areaOf(path: string): string {
  return path.split("/")[1]?.replace(/\.ts$/, "") ?? "";
}

/** What is wrong with an import, in one sentence, if anything is. */
function judgeImport({ from, to }: Import): string | undefined {
  const [source, target] = [areaOf(from), areaOf(to)];
  if (source === target || ALLOWED_IMPORTS.some((allowed) => allowed.from === from && allowed.to === to)) {
    return;
  }
  const allowed = MAY_IMPORT[source];
  if (allowed === undefined) return `${from} imports ${to}: ${source} has no row in the table of imports`;
  if (!allowed.includes(target)) {
    return `${from} imports ${to}: ${source} may import ${allowed.join(", ") || "nothing of ours"}`;
  }
  if (source === "catalogue" && LAZY.test(to)) return;
  if (SLICES.includes(target) && to !== `src/${target}/mod.ts`) {
    return `${from} imports ${to}: another slice is reached through src/${target}/mod.ts only`;
  }
}

function judgeImports(sources: Sources): string[] {
  const imports = importsOf(sources);
  const sentences = new Set(imports.map(judgeImport).filter((sentence) => sentence !== undefined));
  return [
    ...sentences,
    ...cyclesOf(imports).map((path) => `${path.join(" imports ")}: imports must not go in a circle`),
  ];
}

function judgeConfigs(sources: Sources): string[] {
  return SLICES.flatMap((slice) => {
    const path = `src/${slice}/config.ts`;
    const specifiers = [...(sources.get(path) ?? "").matchAll(/\bfrom\s*"([^"]+)"/g)].map((found) =>
      found[1] ?? ""
    );
    return specifiers.filter((specifier) => !CONFIG_IMPORTS.test(specifier))
      .map((specifier) =>
        `${path} imports ${specifier}: a slice's config.ts imports the schema library only`
      );
  });
}

function judgeWords(sources: Sources): string[] {
  return [...sources].flatMap(([path, text]) =>
    FORBIDDEN.filter(({ where }) => where(path) && !UNREAD.includes(path)).flatMap(({ what, pattern }) =>
      text.split("\n").flatMap((line, index) =>
        pattern.test(line) ? [`${path}:${index + 1} ${what}: ${line.trim()}`] : []
      )
    )
  );
}

function judgeFolders(paths: Iterable<string>): string[] {
  return [...paths].filter((path) => path.split("/").some((part) => FORBIDDEN_FOLDERS.includes(part)))
    .map((path) => `${path} stands in a folder that says nothing: name the folder after what it holds`);
}

function read(paths: Iterable<string>): Sources {
  return new Map([...paths].map((path) => [path, Deno.readTextFileSync(path)]));
}

const typescript = [...walk("src")].filter((path) => path.endsWith(".ts"));

Deno.test("every import follows the table, a slice is reached through its mod.ts, and none go in a circle", () => {
  assert.deepEqual(judgeImports(read(typescript)), []);
});

Deno.test("a slice's config.ts imports the schema library only", () => {
  assert.deepEqual(judgeConfigs(read(typescript)), []);
});

Deno.test("no folder is called utils, helpers or common", () => {
  assert.deepEqual(judgeFolders([...walk("src"), ...walk("tests")]), []);
});

Deno.test("only main ends the process, slices are given a clock, and nothing is said that goes out of date", () => {
  const present = new Set([...Deno.readDirSync(".")].map((entry) => entry.name));
  const documents = [".ci/run", ".github/workflows", "README.md", "config.example.yaml", "deno.json"]
    .filter((path) => present.has(path.split("/")[0] ?? ""))
    .flatMap((path) => Deno.statSync(path).isDirectory ? [...walk(path)] : [path]);
  assert.deepEqual(judgeWords(read([...typescript, ...walk("tests"), ...documents])), []);
});

Deno.test("the top level of the repository holds what the house allows, dotfiles and what git ignores", () => {
  const ignored = Deno.readTextFileSync(".gitignore").split("\n").map((line) => line.replace(/\/$/, ""));
  const extra = [...Deno.readDirSync(".")].map((entry) => entry.name)
    .filter((name) => !TOP_LEVEL.includes(name) && !name.startsWith(".") && !ignored.includes(name));
  assert.deepEqual(extra, []);
});

const BAD: { rule: string; says: RegExp; files: Record<string, string> }[] = [
  {
    rule: "lib imports nothing of ours",
    says: /lib may import nothing of ours/,
    files: { "src/lib/clock.ts": 'import { x } from "../store/a.ts";', "src/store/a.ts": "" },
  },
  {
    rule: "an import that the table does not list is named with what is allowed",
    says: /servers may import lib, store, telemetry$/,
    files: { "src/servers/a.ts": 'import type { X } from "../backups/mod.ts";', "src/backups/mod.ts": "" },
  },
  {
    rule: "another slice is not reached past its mod.ts, not even by a dynamic import",
    says: /through src\/backups\/mod.ts only/,
    files: {
      "src/schedules/a.ts": 'const x = await import("../backups/model.ts");',
      "src/backups/model.ts": "",
    },
  },
  {
    rule: "app reaches slices through their mod.ts too",
    says: /through src\/auth\/mod.ts only/,
    files: { "src/app.ts": 'export {\n  a,\n} from "./auth/model.ts";', "src/auth/model.ts": "" },
  },
  {
    rule: "a worker that is started counts as imported",
    says: /may import/,
    files: {
      "src/store/a.ts": 'new Worker(new URL("../backups/a.worker.ts", import.meta.url));',
      "src/backups/a.worker.ts": "",
    },
  },
  {
    rule: "types alone make a circle too",
    says: /src\/lib\/a.ts imports src\/lib\/b.ts imports src\/lib\/a.ts: imports must not go in a circle/,
    files: { "src/lib/a.ts": 'import "./b.ts";', "src/lib/b.ts": 'import type { A } from "./a.ts";' },
  },
  {
    rule: "a new folder needs a row",
    says: /^src\/helper.ts imports .*: helper has no row/,
    files: { "src/helper.ts": 'import "./lib/a.ts";', "src/lib/a.ts": "" },
  },
];

for (const { rule, says, files } of BAD) {
  Deno.test(`the table bites: ${rule}`, () => {
    const sentences = judgeImports(new Map(Object.entries(files)));
    assert.equal(sentences.length, 1, sentences.join("\n"));
    assert.match(sentences[0] ?? "", says);
  });
}

Deno.test("the words bite where they are forbidden and nowhere else", () => {
  const sentences = judgeWords(
    new Map([
      ["src/main.ts", "Deno.exit(1)"],
      ["src/cli/run.ts", "Deno.exit(1)"],
      ["src/lib/clock.ts", "return Date.now();"],
      ["src/auth/token.ts", "const now = Date.now();"],
      ["src/observe.ts", "database.sqlite.prepare(text);"],
      ["src/store/probe.ts", "database.sqlite.prepare(text);"],
      ["tests/a.test.ts", "Deno.test.only('x', () => {});"],
      ["README.md", "As issue 12 says."],
    ]),
  );
  assert.deepEqual(sentences.map((sentence) => sentence.split(" ")[0]), [
    "src/cli/run.ts:1",
    "src/auth/token.ts:1",
    "src/observe.ts:1",
    "tests/a.test.ts:1",
    "README.md:1",
  ]);
});
