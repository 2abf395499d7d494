import assert from "node:assert/strict";
import { globMatcher } from "../../../../src/backups/engines/archive/glob.ts";

const globs: [pattern: string, path: string, matches: boolean][] = [
  ["*.tmp", "a.tmp", true],
  ["*.tmp", "deep/down/a.tmp", true],
  ["*.tmp", "a.tmp/inside a directory", true],
  ["*.tmp", "a.tmpx", false],
  ["node_modules", "x/node_modules/y/z", true],
  ["node_modules", "x/my_node_modules", false],
  ["node_modules/", "x/node_modules/y", true],
  ["cache/*", "cache/a", true],
  ["cache/*", "x/cache/a", false],
  ["/cache", "cache/a", true],
  ["/cache", "x/cache", false],
  ["./cache/x", "cache/x", true],
  ["cache/**", "cache/a/b/c", true],
  ["cache/**", "cache", false],
  ["**/cache/*.db", "cache/a.db", true],
  ["**/cache/*.db", "x/y/cache/a.db", true],
  ["a/**/z", "a/z", true],
  ["a/**/z", "a/b/c/z", true],
  ["a/*/z", "a/b/c/z", false],
  ["?.log", "a.log", true],
  ["?.log", "ab.log", false],
  ["[a-c]x", "bx", true],
  ["[!a-c]x", "bx", false],
  ["[!a-c]x", "dx", true],
  ["[]]x", "]x", true],
  ["{one,two}.txt", "two.txt", true],
  ["{one,two}.txt", "three.txt", false],
  ["{*.a,b/*}", "x.a", true],
  ["a.b", "axb", false],
  ["a+(b)$^|", "a+(b)$^|", true],
  ["\\*", "*", true],
  ["\\*", "a", false],
  ["[", "[", true],
  ["🦕?", "🦕🦖", true],
  ["new*", "new\nline", true],
];
for (const [pattern, path, matches] of globs) {
  Deno.test(`${pattern} ${matches ? "covers" : "leaves"} ${JSON.stringify(path)}`, () => {
    assert.equal(globMatcher([pattern])(path), matches);
  });
}

Deno.test("globs: no pattern matches nothing, and several match what any of them matches", () => {
  assert.equal(globMatcher([])("a"), false);
  const matcher = globMatcher(["*.a", "b/c"]);
  assert.deepEqual(["x.a", "b/c/d", "b/d"].map(matcher), [true, true, false]);
});

const PATTERN_PARTS = [
  "a",
  "b",
  "/",
  "*",
  "**",
  "**/",
  "?",
  "[ab]",
  "[!a]",
  "{a,b*}",
  "{a/b,*}",
  "x",
  "\\*",
  "🦕",
];
const PATH_PARTS = ["a", "b", "/", "x", "ab", "c/", "🦕"];

Deno.test("any pattern covers what a regular expression of it matches", () => {
  const next = dice(20_000);
  const some = (parts: string[]) =>
    Array.from({ length: 1 + next(6) }, () => parts[next(parts.length)]).join("");
  let covered = 0;
  for (let round = 0; round < 5000; round++) {
    const [pattern, path] = [some(PATTERN_PARTS), some(PATH_PARTS).split("/").filter(Boolean).join("/")];
    const expected = asExpression(pattern).test(path);
    assert.equal(globMatcher([pattern])(path), expected, `${pattern} on ${path}`);
    if (expected) covered++;
  }
  assert.ok(covered > 500, `only ${covered} pairs matched`);
});

Deno.test("a pattern of many stars ends on a path that almost matches", () => {
  assert.equal(globMatcher([`${"a*".repeat(100)}b`])("a".repeat(255)), false);
  assert.equal(globMatcher([`${"**/a/".repeat(100)}b`])("a/".repeat(1000) + "c"), false);
  assert.equal(globMatcher([`${"**a".repeat(100)}b`])("a/".repeat(1000) + "c"), false);
  assert.equal(globMatcher(["?*".repeat(100) + "[!a]"])("a".repeat(255)), false);
});

const wrong: [what: string, pattern: string, message: RegExp][] = [
  ["a set that runs downwards", "[z-a]", /Cannot use pattern "\[z-a\]": it is no glob/],
  ["more choices than there are paths", "{a,b}".repeat(11), /more than 1024 patterns/],
  ["a pattern longer than any path", "a".repeat(4097), /more than 4096 characters/],
];
for (const [what, pattern, message] of wrong) {
  Deno.test(`${what} is no pattern`, () => {
    assert.throws(() => globMatcher([pattern]), { code: "invalid", message });
  });
}

/** Whole numbers below a limit, the same in every run. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

const WORDS: Record<string, string> = {
  "**/": "(?:[^/]+/)*",
  "**": ".*",
  "*": "[^/]*",
  "?": "[^/]",
  "[ab]": "[ab]",
  "[!a]": "[^a/]",
  "{a,b*}": "(?:a|b[^/]*)",
  "{a/b,*}": "(?:a/b|[^/]*)",
  "\\*": "\\*",
};

/** What the pattern means, as a regular expression: right, but without end where many stars are. */
function asExpression(pattern: string): RegExp {
  const root = pattern.replace(/\/+$/, "").includes("/") ? "^" : "(?:^|/)";
  const body = pattern.replace(/^\/+|\/+$/g, "");
  const words = body.match(/\*\*\/|\*\*|\{[^}]*\}|\[[^\]]*\]|\\\*|./gu) ?? [];
  return new RegExp(`${root}${words.map((word) => WORDS[word] ?? word).join("")}(?:$|/)`, "su");
}
