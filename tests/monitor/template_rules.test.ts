/** Path templates stay below their root, know their variables, and match in bounded time. */
import assert from "node:assert/strict";
import {
  fillSegment,
  fillTemplate,
  matchesName,
  parseTemplate,
  type VariableTexts,
} from "../../src/monitor/template.ts";

const VALUES: VariableTexts = {
  company_name: "ACME",
  city: "PARIS",
  database_name: "shop",
  year: "2026",
  month: "03",
  day: "02",
};

Deno.test("variables are filled name by name", () => {
  const names = (text: string) => fillTemplate(parseTemplate(text), VALUES).join("/");
  assert.equal(names("{company_name}/{city}/{year}/{database_name}"), "ACME/PARIS/2026/shop");
  assert.equal(names("x-{year}{month}{day}_{database_name}.d/"), "x-20260302_shop.d");
  assert.equal(names("plain"), "plain");
});

const REFUSED: readonly [string, RegExp][] = [
  ["", /it is empty/],
  ["  ", /it is empty/],
  ["../{city}", /it leaves its root/],
  ["{city}/../../etc", /it leaves its root/],
  ["./a", /it leaves its root/],
  ["/srv/{city}", /it is absolute/],
  ["a//b", /it holds an empty name/],
  ["a\\..\\b", /it holds a backslash/],
  ["a\u0000b", /it holds a control character/],
  ["{planet}", /unknown variable "planet"/],
  ["{}", /unknown variable ""/],
  ["{city", /"\{" without a "\}"/],
  ["{city/x}", /"\{" without a "\}"/],
  ["city}", /"\}" without a "\{"/],
  ["{{city}}", /unknown variable "\{city"/],
  ["a/*.gz", /it holds a wildcard, and has to name one place/],
  ["x".repeat(2000), /longer than 1024/],
];

for (const [text, reason] of REFUSED) {
  Deno.test(`the template ${JSON.stringify(text).slice(0, 30)} is refused`, () => {
    assert.throws(() => parseTemplate(text), { kind: "invalid", message: reason });
  });
}

Deno.test("a misspelt variable is answered with the one that was meant", () => {
  assert.throws(() => parseTemplate("{databse_name}"), { hint: "did you mean {database_name}?" });
});

Deno.test("wildcards are for looking for files, within limits", () => {
  const parse = (text: string) => parseTemplate(text, { wildcards: true });
  assert.equal(parse("{city}/**/dump-?*.gz").segments.length, 3);
  assert.throws(() => parse("**/a/**/b"), /"\*\*" more than once/);
  assert.throws(() => parse("a/**"), /it ends in "\*\*"/);
  assert.throws(() => parse("*".repeat(17)), /more than 16 wildcards/);
});

for (const value of ["../..", "a/b", "a\\b", "nul\u0000", ""]) {
  Deno.test(`the value ${JSON.stringify(value)} cannot add a directory or leave one`, () => {
    const fill = () => fillTemplate(parseTemplate("{city}/x"), { city: value });
    assert.throws(fill, { kind: "invalid" });
  });
}

Deno.test("values that become a dot, two dots or an overlong name together are refused", () => {
  for (const value of [".", "x".repeat(300)]) {
    assert.throws(
      () => fillTemplate(parseTemplate("{city}{city}"), { city: value }),
      /Cannot fill path template/,
    );
  }
});

const MATCHES: readonly [string, string, boolean][] = [
  ["*.gz", "shop.gz", true],
  ["*.gz", ".gz", true],
  ["*.gz", "shop.gz.part", false],
  ["shop-????.zst", "shop-2026.zst", true],
  ["shop-????.zst", "shop-226.zst", false],
  ["*a*b*", "xxaxxbxx", true],
  ["*a*b*", "xxbxxaxx", false],
  ["{city}*", "PARIS-1", true],
  ["?", "é", true],
  ["?", "😀", true],
  ["[a-z]+", "[a-z]+", true],
  ["[a-z]+", "abc", false],
];

for (const [pattern, name, fits] of MATCHES) {
  Deno.test(`"${pattern}" ${fits ? "fits" : "does not fit"} "${name}"`, () => {
    const template = parseTemplate(pattern, { wildcards: true });
    const [segment] = template.segments;
    assert.ok(segment !== undefined && segment !== "deep");
    assert.equal(matchesName(fillSegment(template, segment, VALUES), name), fits);
  });
}

Deno.test("a wildcard in a value is a character like others", () => {
  const template = parseTemplate("{city}.gz", { wildcards: true });
  const [segment] = template.segments;
  assert.ok(segment !== undefined && segment !== "deep");
  const filled = fillSegment(template, segment, { city: "*" });
  assert.equal(matchesName(filled, "*.gz"), true);
  assert.equal(matchesName(filled, "shop.gz"), false);
});

Deno.test("the worst pattern takes no longer than the product of both lengths", () => {
  const template = parseTemplate("a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", { wildcards: true });
  const [segment] = template.segments;
  assert.ok(segment !== undefined && segment !== "deep");
  for (let i = 0; i < 100; i++) assert.equal(matchesName(segment, "a".repeat(255)), false);
});
