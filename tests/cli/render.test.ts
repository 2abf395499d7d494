import assert from "node:assert/strict";
import stringWidth from "string-width";
import { parse } from "yaml";
import { formatCell, oneLine } from "../../src/cli/cells.ts";
import { filterRows, listPrinter, render, sortRows, type View } from "../../src/cli/render.ts";
import { fit } from "../../src/cli/table.ts";
import type { CliSpec } from "../../src/lib/operation.ts";
import { fakeTerminal } from "./terminal.ts";

const view = (output: View["output"], more: Partial<View> = {}): View => ({
  output,
  filters: [],
  sortBy: undefined,
  ...more,
});

async function shown(value: unknown, cli: CliSpec, how: View, columns = 0): Promise<string> {
  const terminal = fakeTerminal({ columns });
  await render(value, cli, how, terminal);
  return terminal.printed.join("\n");
}

const ROWS = [
  { id: 2, name: "web", size_bytes: 1536, at: "2026-01-02T03:04:05.678Z", ok: true },
  { id: 10, name: "db", size_bytes: null, at: null, ok: false },
];
const COLUMNS: CliSpec = {
  columns: [
    { key: "id", align: "right" },
    { key: "name" },
    { key: "size_bytes", title: "SIZE", format: "bytes" },
    { key: "at", format: "instant" },
    { key: "ok", format: "boolean" },
  ],
};

Deno.test("a table has headings, aligned columns and cells for people", async () => {
  assert.equal(
    await shown(ROWS, COLUMNS, view("table")),
    [
      "ID  NAME     SIZE  AT                    OK",
      " 2  web   1.5 KiB  2026-01-02 03:04:05Z  yes",
      "10  db          -  -                     no",
    ].join("\n"),
  );
});

Deno.test("an empty list says so beside the answer, not in it", async () => {
  const terminal = fakeTerminal();
  await render([], COLUMNS, view("table"), terminal);
  assert.deepEqual([terminal.printed, terminal.noted], [[], ["Nothing to show."]]);
});

Deno.test("a table fits the terminal whatever the letters, and is not cut where there is none", async () => {
  const texts = [
    "x".repeat(200),
    "漢字かな交じり文".repeat(20),
    "👩‍👩‍👧‍👦 🇫🇷 ".repeat(20),
    "e\u0301".repeat(100),
    "Привет ".repeat(20),
    "\u200b\u200d".repeat(50) + "zero width",
  ];
  const rows = texts.map((text, id) => ({ id, a: text, b: text, c: "short" }));
  const cli: CliSpec = { columns: [{ key: "id" }, { key: "a" }, { key: "b" }, { key: "c" }] };
  for (const columns of [80, 100, 40]) {
    const lines = (await shown(rows, cli, view("table"), columns)).split("\n");
    assert.equal(lines.length, rows.length + 1);
    for (const line of lines) {
      assert.ok(stringWidth(line) <= columns, `${stringWidth(line)} of ${columns}: ${line}`);
    }
    assert.ok(lines.slice(1).every((line) => line.endsWith("short")), "the narrow columns stay whole");
  }
  const whole = await shown(rows, cli, view("table"));
  for (const text of texts) assert.ok(whole.includes(text.trim()));
});

Deno.test("a table with a column that is of no use when cut is rather wider than the terminal", async () => {
  const path = `srv/${"x".repeat(100)}/notes.txt`;
  const cli: CliSpec = { columns: [{ key: "kind" }, { key: "path", whole: true }] };
  const lines = (await shown([{ kind: "file", path }], cli, view("table"), 80)).trimEnd().split("\n");
  assert.equal(lines[1], `file  ${path}`);
});

Deno.test("sentences of a column that wraps go on below themselves, and long words in them stay whole", async () => {
  const pin = "AB:".repeat(20);
  const cli: CliSpec = {
    columns: [{ key: "check" }, { key: "detail", wrap: true }, { key: "hint", wrap: true }],
  };
  const rows = [
    { check: "rights", detail: "cannot see the licence and the backup of its own configuration", hint: null },
    { check: "certificate", detail: "it changed", hint: `when that is meant: holdfast veeam trust ${pin}` },
  ];
  const text = await shown(rows, cli, view("table"), 100);
  assert.ok(!text.includes("…") && text.includes(pin), text);
  assert.match(text, /^rights +cannot see the .*-\n +[a-z]/m);
  for (const line of text.split("\n")) assert.ok(stringWidth(line) <= 100 || line.endsWith(pin), line);
  assert.match(await shown(rows, cli, view("table")), /^rights +cannot see .* configuration +-$/m);
});

Deno.test("the widest columns give way first, none below what can be read", () => {
  assert.deepEqual(fit([10, 10], 0), [10, 10]);
  assert.deepEqual(fit([10, 10], 22), [10, 10]);
  assert.deepEqual(fit([50, 10], 42), [30, 10]);
  assert.deepEqual(fit([50, 50], 42), [20, 20]);
  assert.deepEqual(fit([50, 50, 50], 5), [6, 6, 6]);
  assert.deepEqual(fit([], 80), []);
});

const ESC = "\x1b[31m\x07";
const RLO = "\u202e";

Deno.test("no control character reaches the terminal, from whatever kind of cell", async () => {
  assert.equal(oneLine(`a${ESC}\n\t\r\u009b\u2028${RLO}b`), "a\\x1b[31m\\x07\\n\\t\\x0d\\x9b\\u2028\\u202eb");
  assert.equal(oneLine("plain é 漢 👩‍👧 \\n"), "plain é 漢 👩‍👧 \\n");
  const evil = `x${ESC}\n${RLO}`;
  const harmful = /[\p{Cc}\u202e]/u;
  for (const format of ["bytes", "instant", "duration", "percent", "boolean", "list", undefined] as const) {
    for (const value of [evil, [evil], { deep: evil }, [{ deep: evil }]]) {
      assert.doesNotMatch(formatCell(value, format), harmful, `${format}`);
    }
  }
  const record = { name: evil, [`k${ESC}`]: evil, list: [evil], lines: `a${ESC}\nb`, inner: { name: evil } };
  const outputs = [
    await shown([record], {}, view("table")),
    await shown(record, {}, view("table")),
    await shown(evil, {}, view("table")),
    await shown(record, { text: () => `Made ${evil}` }, view("table")),
  ];
  for (const text of outputs) {
    assert.doesNotMatch(text.replaceAll("\n", ""), harmful);
    assert.match(text, /\\x1b/i);
  }
});

Deno.test("cells read as their format says", () => {
  const rows: [unknown, Parameters<typeof formatCell>[1], string][] = [
    [null, "bytes", "-"],
    [undefined, undefined, "-"],
    ["", undefined, "-"],
    [0, "bytes", "0 B"],
    [90, "duration", "1m 30s"],
    [12.345, "percent", "12.3 %"],
    [false, "boolean", "no"],
    ["2026-01-02T03:04:05.999+01:00", "instant", "2026-01-02 02:04:05Z"],
    ["never", "instant", "never"],
    [["a", "b"], "list", "a, b"],
    [[], "list", "-"],
    [[{ a: 1 }], "list", '{"a":1}'],
    [{ a: 1 }, undefined, '{"a":1}'],
    [0, undefined, "0"],
  ];
  for (const [value, format, text] of rows) assert.equal(formatCell(value, format), text);
});

Deno.test("one thing is shown a line per field", async () => {
  const text = await shown(
    {
      id: 1,
      size_bytes: 2048,
      created_at: "2026-01-02T03:04:05Z",
      tags: ["a", "b"],
      none: null,
      options: { deep: 5 },
    },
    {},
    view("table"),
  );
  assert.deepEqual(text.split("\n").map((line) => line.split(/ {2,}/)), [
    ["id", "1"],
    ["size bytes", "2 KiB"],
    ["created at", "2026-01-02 03:04:05Z"],
    ["tags", "a"],
    ["", "b"],
    ["none", "-"],
    ["options deep", "5"],
  ]);
});

Deno.test("JSON and YAML are the answer as it is, a page with its rows filtered included", async () => {
  assert.deepEqual(JSON.parse(await shown(ROWS, COLUMNS, view("json"))), ROWS);
  assert.deepEqual(parse(await shown(ROWS, COLUMNS, view("yaml"))), ROWS);
  assert.equal(await shown([], COLUMNS, view("json")), "[]");
  const page = { rows: ROWS, total: 2 };
  const cli: CliSpec<typeof page> = { rows: (answer) => answer.rows };
  const how = view("json", { filters: ["name=db"] });
  const terminal = fakeTerminal();
  await render(page, { rows: () => page.rows }, how, terminal);
  assert.deepEqual(JSON.parse(terminal.printed.join("\n")), { rows: [ROWS[1]], total: 2 });
  assert.equal(cli.rows?.(page), ROWS);
  assert.equal(await shown({ a: 1 }, { text: () => "for people" }, view("json")), '{\n  "a": 1\n}');
});

Deno.test("CSV has its header even without rows, quotes what needs it, and keeps every row", async () => {
  const cli: CliSpec = { columns: [{ key: "name" }, { key: "note" }] };
  assert.equal(await shown([], cli, view("csv")), "name,note");
  const rows = [
    { name: 'a "b"', note: "x,y" },
    { name: "two\nlines", note: " spaces " },
    { name: { deep: [1] }, note: null },
    { name: "", note: "" },
  ];
  assert.equal(
    await shown(rows, cli, view("csv")),
    'name,note\n"a ""b""","x,y"\n"two\nlines", spaces \n"{""deep"":[1]}",\n,',
  );
  assert.equal(
    await shown([{ name: "a" }, { name: "" }], { columns: [{ key: "name" }] }, view("csv")),
    "name\na\n",
  );
  assert.equal(await shown([{ a: 1 }, { b: 2 }], {}, view("csv")), "a,b\n1,\n,2");
  assert.equal(await shown({ a: 1 }, {}, view("csv")), "a\n1");
});

Deno.test("a spreadsheet finds no formula in CSV", async () => {
  for (const start of ["=", "+", "-", "@", "\t", "\r"]) {
    const text = await shown([{ name: `${start}cmd|' /C calc'!A0` }], {}, view("csv"));
    assert.match(text, /^name\n"?'/, JSON.stringify(start));
  }
});

Deno.test("filters are equal or contain, in any case, and all of them must hold", () => {
  const rows = [
    { id: 1, name: "Web-1", state: { ok: true }, tags: ["a"], none: null },
    { id: 11, name: "web-2", state: { ok: false }, tags: ["b", "a=b"], none: null },
  ];
  const cases: [string[], number[]][] = [
    [[], [1, 11]],
    [["id=1"], [1]],
    [["id~1"], [1, 11]],
    [["name=web-1"], [1]],
    [["name~WEB"], [1, 11]],
    [["name~web", "state.ok=false"], [11]],
    [["tags~a=b"], [11]],
    [["none="], [1, 11]],
    [["name="], []],
  ];
  for (const [filters, ids] of cases) {
    const found = filterRows(rows, filters).map((row) => rows.find((other) => other === row)?.id);
    assert.deepEqual(found, ids, filters.join(" and "));
  }
  for (const filter of ["name", "=x", "na me=x", ""]) {
    assert.throws(() => filterRows(rows, [filter]), {
      kind: "invalid",
      message: `Cannot filter by "${filter}": expected field=value or field~text`,
    });
  }
  assert.deepEqual(filterRows([], ["absent=x"]), []);
  assert.deepEqual(filterRows(rows, ["shown=x"], [{ key: "shown" }]), []);
  assert.throws(() => filterRows(rows, ["nmae=x"]), {
    kind: "invalid",
    message: 'Cannot filter by "nmae": there is no such field',
    hint: 'did you mean "name"?',
  });
  assert.throws(() => sortRows(rows, "-size_of_it"), {
    kind: "invalid",
    message: 'Cannot sort by "size_of_it": there is no such field',
  });
});

Deno.test("sorting goes by number, instant or text, absent values come last either way, and equals keep their order", () => {
  const rows = [
    { id: "a", n: 10, text: "b", deep: { at: "2026-01-02" } },
    { id: "b", n: 9, text: "a", deep: { at: "2025-01-02" } },
    { id: "c", n: null, text: "b", deep: {} },
  ];
  const order = (by: string | undefined) =>
    sortRows(rows, by).map((row) => rows.find((other) => other === row)?.id).join("");
  const cases: [string | undefined, string][] = [
    [undefined, "abc"],
    ["n", "bac"],
    ["-n", "abc"],
    ["text", "bac"],
    ["-text", "acb"],
    ["deep.at", "bac"],
    ["-deep.at", "abc"],
  ];
  for (const [by, expected] of cases) assert.equal(order(by), expected, by);
  assert.equal(rows[0]?.id, "a", "what was given stays as it was");
});

Deno.test("numbers stay numbers in CSV, a negative one too; text that looks like a formula behind spaces does not", async () => {
  const rows = [{ a: -5, b: "-5", c: "  =1+1", d: "＝1", e: "a=b", f: "2026-01-02" }];
  assert.equal(
    await shown(rows, {}, view("csv")),
    "a,b,c,d,e,f\n-5,'-5,'  =1+1,'＝1,a=b,2026-01-02",
  );
});

Deno.test("a page shows the cells of the table, loads nothing, and a name like a script stays a name", async () => {
  const evil = `</td><script>alert("x")</script> & 'q' \u202e`;
  const rows = [...ROWS, { id: 3, name: evil, size_bytes: 0, at: null, ok: true }];
  const terminal = fakeTerminal();
  await render(rows, COLUMNS, view("html", { filters: ["id~3"] }), terminal, `List <${evil}>`);
  const text = terminal.printed.join("\n");
  assert.doesNotMatch(text, /<script|\u202e|src=|href=|@import|url\(/);
  assert.match(text, /<title>List &lt;&lt;\/td&gt;&lt;script&gt;/);
  assert.match(text, /default-src 'none'; style-src 'unsafe-inline'/);
  assert.match(
    text,
    /<thead><tr><th scope="col" class="r">id<\/th><th scope="col">name<\/th><th scope="col" class="r">SIZE<\/th>/,
  );
  assert.equal(text.match(/<tr>/g)?.length, 2, "the filter counts");
  assert.ok(text.includes("&lt;/td&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;q&#39;"));
  const whole = await shown(ROWS, COLUMNS, view("html"));
  assert.match(whole, /<td class="r">1\.5 KiB<\/td><td>2026-01-02 03:04:05Z<\/td><td>yes<\/td>/);
  assert.match(await shown([], COLUMNS, view("html")), /<p>Nothing to show\.<\/p>/);
});

Deno.test("one thing, a text and nothing at all are pages too", async () => {
  const record = await shown({ id: 1, tags: ["<a>", "b"], inner: { size_bytes: 2048 } }, {}, view("html"));
  assert.match(record, /<tr><th scope="row">tags<\/th><td>&lt;a&gt;<br>b<\/td><\/tr>/);
  assert.match(record, /<tr><th scope="row">inner size bytes<\/th><td>2 KiB<\/td><\/tr>/);
  assert.match(
    await shown({ a: 1 }, { text: () => "<one>\ntwo" }, view("html")),
    /<pre>&lt;one&gt;\ntwo<\/pre>/,
  );
  assert.match(await shown("plain", {}, view("html")), /<pre>plain<\/pre>/);
});

Deno.test("a report has its parts one below the other, on the terminal and as a page", async () => {
  const cli: CliSpec = {
    sections: () => [
      { title: "Failed jobs", rows: ROWS, columns: [{ key: "name" }] },
      { title: "Waiting", rows: [], columns: [{ key: "name" }] },
      { text: `All else is well\x1b[2J` },
    ],
  };
  assert.equal(
    await shown({}, cli, view("table")),
    "Failed jobs\nNAME\nweb\ndb\n\nWaiting\nNothing to show.\n\nAll else is well\\x1b[2J",
  );
  const text = await shown({}, cli, view("html"));
  assert.match(text, /<h2>Failed jobs<\/h2>\n<table>/);
  assert.match(text, /<h2>Waiting<\/h2>\n<p>Nothing to show\.<\/p>/);
  assert.match(text, /<pre>All else is well\\x1b\[2J<\/pre>/);
  assert.equal(await shown({ a: 1 }, cli, view("json")), '{\n  "a": 1\n}');
});

Deno.test("a long list is printed in parts, and is the same text as in one piece", async () => {
  const rows = Array.from({ length: 2500 }, (_, i) => ({ id: i, name: `n${i}`, tags: ["a"] }));
  const printed = async (output: "json" | "csv", value: unknown) => {
    const terminal = fakeTerminal();
    await render(value, {}, { output, filters: [], sortBy: undefined }, terminal);
    return terminal.printed;
  };
  const json = await printed("json", rows);
  assert.ok(json.length > 2);
  assert.equal(json.join("\n"), JSON.stringify(rows, null, 2));
  const csv = (await printed("csv", rows)).join("\n").split("\n");
  assert.deepEqual([csv.length, csv[0]], [2501, "id,name,tags"]);
  assert.match(csv[1001]!, /^1000,n1000,/);
});

Deno.test("a list that is printed as it comes is the same text; what has to be sorted or measured waits for its end", async () => {
  const rows = Array.from({ length: 7 }, (_, i) => ({ id: i, name: i === 3 ? 'a, "b"' : `n${i}` }));
  const cli: CliSpec = { columns: [{ key: "id" }, { key: "name" }] };
  for (const output of ["json", "csv"] as const) {
    for (const some of [rows, []]) {
      const terminal = fakeTerminal();
      const list = listPrinter(cli, { output, filters: [], sortBy: undefined }, terminal)!;
      for (const part of [[], some.slice(0, 3), [], some.slice(3)]) list.add(part);
      assert.equal(list.begun(), some.length > 0);
      list.end();
      assert.equal(terminal.printed.join("\n"), await shown(some, cli, view(output)));
    }
  }
  const waits = (cli: CliSpec, part: Partial<View>) =>
    listPrinter(cli, { ...view("csv"), ...part }, fakeTerminal()) === undefined;
  assert.ok(
    waits(cli, { output: "table" }) && waits(cli, { sortBy: "id" }) && waits(cli, { filters: ["id=1"] }),
  );
  assert.ok(waits({}, {}) && !waits({}, { output: "json" }));
});

Deno.test("a long table is laid out in parts, and its columns stand where those of one piece would", async () => {
  const rows = Array.from({ length: 250 }, (_, i) => ({ name: "n".repeat(i % 30), id: i }));
  const lines =
    (await shown(rows, { columns: [{ key: "name" }, { key: "id", align: "right" }] }, view("table")))
      .split("\n");
  assert.equal(lines.length, 251);
  assert.deepEqual(new Set(lines.map((line) => line.length)), new Set([34]));
  assert.match(lines[250]!, /^n{9} +249$/);
});
