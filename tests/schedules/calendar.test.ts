import assert from "node:assert/strict";
import { HoldfastError } from "../../src/lib/errors.ts";
import {
  checkExpression,
  type DstRule,
  instantsBetween,
  nextAfter,
  type Rule,
  ruleOf,
} from "../../src/schedules/calendar.ts";
import { expressionOf, hoursOf, INTERVALS } from "../../src/schedules/intervals.ts";
import { comingInstants, instantsAtChanges } from "../../src/schedules/preview.ts";
import { isZone, nearestZone } from "../../src/schedules/zones.ts";

const PARIS = "Europe/Paris";
const NEW_YORK = "America/New_York";
const LORD_HOWE = "Australia/Lord_Howe";

function due(expression: string, zone: string, from: string, to: string): string[] {
  const rule = ruleOf(checkExpression(expression), zone, 0);
  return instantsBetween(rule, Date.parse(from) - 1, Date.parse(to) - 1)
    .map((ms) => new Date(ms).toISOString().slice(0, 16));
}

/** [expression, zone, from, to (exclusive), due instants in UTC, why] */
const DAYS: [string, string, string, string, string[], string][] = [
  [
    "0 2 * * *",
    "UTC",
    "2026-01-01T00:00Z",
    "2026-01-03T00:00Z",
    ["2026-01-01T02:00", "2026-01-02T02:00"],
    "daily",
  ],
  ["30 2 * * *", PARIS, "2026-03-28T00:00Z", "2026-03-31T00:00Z", [
    "2026-03-28T01:30",
    "2026-03-29T01:00",
    "2026-03-30T00:30",
  ], "02:30 is left out: right after the jump"],
  [
    "0,15,30 2 * * *",
    PARIS,
    "2026-03-29T00:00Z",
    "2026-03-30T00:00Z",
    ["2026-03-29T01:00"],
    "three left out run once",
  ],
  ["*/15 2 * * *", PARIS, "2026-03-29T00:00Z", "2026-03-29T22:00Z", ["2026-03-29T01:00"], "steps too"],
  [
    "0 2,3 * * *",
    PARIS,
    "2026-03-29T00:00Z",
    "2026-03-29T22:00Z",
    ["2026-03-29T01:00"],
    "the time after the gap is the same instant",
  ],
  [
    "30 2 * * *",
    PARIS,
    "2026-10-25T00:00Z",
    "2026-10-26T00:00Z",
    ["2026-10-25T00:30"],
    "02:30 twice: the first",
  ],
  [
    "*/30 2 * * *",
    PARIS,
    "2026-10-24T22:00Z",
    "2026-10-25T23:00Z",
    ["2026-10-25T00:00", "2026-10-25T00:30"],
    "each once",
  ],
  ["0 */2 * * *", PARIS, "2026-03-28T23:00Z", "2026-03-29T05:00Z", [
    "2026-03-28T23:00",
    "2026-03-29T01:00",
    "2026-03-29T02:00",
    "2026-03-29T04:00",
  ], "every second hour keeps its 02:00"],
  ["0 * * * *", PARIS, "2026-03-28T23:00Z", "2026-03-29T03:00Z", [
    "2026-03-28T23:00",
    "2026-03-29T00:00",
    "2026-03-29T01:00",
    "2026-03-29T02:00",
  ], "hourly follows the clock forward"],
  ["15 * * * *", PARIS, "2026-10-24T23:00Z", "2026-10-25T03:00Z", [
    "2026-10-24T23:15",
    "2026-10-25T00:15",
    "2026-10-25T01:15",
    "2026-10-25T02:15",
  ], "hourly follows the clock back: both 02:15"],
  ["30 2 * * *", NEW_YORK, "2026-03-07T05:00Z", "2026-03-10T04:00Z", [
    "2026-03-07T07:30",
    "2026-03-08T07:00",
    "2026-03-09T06:30",
  ], "gap"],
  ["30 1 * * *", NEW_YORK, "2026-11-01T04:00Z", "2026-11-02T05:00Z", ["2026-11-01T05:30"], "repeated"],
  ["15 2 * * *", LORD_HOWE, "2026-10-02T14:00Z", "2026-10-05T13:00Z", [
    "2026-10-02T15:45",
    "2026-10-03T15:30",
    "2026-10-04T15:15",
  ], "half an hour is left out"],
  [
    "45 1 * * *",
    LORD_HOWE,
    "2026-04-04T13:00Z",
    "2026-04-05T13:00Z",
    ["2026-04-04T14:45"],
    "half an hour comes twice",
  ],
  ["45 * * * *", LORD_HOWE, "2026-04-04T14:00Z", "2026-04-04T17:00Z", [
    "2026-04-04T14:45",
    "2026-04-04T15:15",
    "2026-04-04T16:15",
  ], "hourly at a quarter to: both 01:45"],
  ["30 23 * * *", "America/Nuuk", "2026-03-28T03:00Z", "2026-03-30T02:00Z", [
    "2026-03-29T01:00",
    "2026-03-30T00:30",
  ], "the jump ends on the next day"],
  ["0 2 L * *", "UTC", "2026-02-01T00:00Z", "2026-05-01T00:00Z", [
    "2026-02-28T02:00",
    "2026-03-31T02:00",
    "2026-04-30T02:00",
  ], "last day"],
  [
    "0 2 * * 5#2",
    "UTC",
    "2026-01-01T00:00Z",
    "2026-03-01T00:00Z",
    ["2026-01-09T02:00", "2026-02-13T02:00"],
    "second Friday",
  ],
  [
    "0 2 15W * *",
    "UTC",
    "2026-02-01T00:00Z",
    "2026-04-01T00:00Z",
    ["2026-02-16T02:00", "2026-03-16T02:00"],
    "weekday nearest to the 15th",
  ],
  [
    "@weekly",
    "UTC",
    "2026-01-01T00:00Z",
    "2026-01-12T00:00Z",
    ["2026-01-04T00:00", "2026-01-11T00:00"],
    "nickname",
  ],
  [
    "0 0 29 2 *",
    "UTC",
    "2026-01-01T00:00Z",
    "2033-01-01T00:00Z",
    ["2028-02-29T00:00", "2032-02-29T00:00"],
    "leap days",
  ],
];

for (const [expression, zone, from, to, expected, why] of DAYS) {
  Deno.test(`"${expression}" in ${zone} from ${from}: ${why}`, () => {
    assert.deepEqual(due(expression, zone, from, to), expected);
  });
}

for (
  const [zone, changes] of [
    [PARIS, ["2026-03-29T01:00Z", "2026-10-25T01:00Z"]],
    [NEW_YORK, ["2026-03-08T07:00Z", "2026-11-01T06:00Z"]],
    [LORD_HOWE, ["2026-04-04T15:00Z", "2026-10-03T15:30Z"]],
  ] as const
) {
  for (const change of changes) {
    Deno.test(`an every-minute schedule in ${zone} is due at each real minute around ${change}`, () => {
      const from = Date.parse(change) - 6 * 3_600_000;
      const rule = ruleOf("* * * * *", zone, 0);
      const instants = instantsBetween(rule, from - 1, from + 12 * 3_600_000 - 1);
      assert.deepEqual(instants, Array.from({ length: 720 }, (_, i) => from + i * 60_000));
    });
  }
}

Deno.test("instants never repeat and never go back, whatever the expression and the zone", () => {
  const zones = [PARIS, NEW_YORK, LORD_HOWE, "America/Nuuk", "Africa/Casablanca", "Asia/Beirut"];
  for (const zone of zones) {
    for (const expression of ["*/7 * * * *", "*/20 0-3 * * *", "59 23 * * *", "30 */2 * * 0", "0 0 1 * *"]) {
      const rule = ruleOf(expression, zone, 0);
      let at = Date.UTC(2026, 0, 1);
      for (let i = 0; i < 400; i++) {
        const next = nextAfter(rule, at)!;
        assert.ok(next > at, `${expression} ${zone} ${new Date(at).toISOString()}`);
        // Asking from anywhere before gives the same instant: no instant depends on how one arrives at it.
        assert.equal(nextAfter(rule, Math.floor((at + next) / 2)), next);
        at = next;
      }
    }
  }
});

Deno.test("an interval is counted from its anchor in real hours", () => {
  const anchor = Date.parse("2026-03-28T20:10:30Z");
  const rule = ruleOf("@every 5h", PARIS, anchor);
  assert.deepEqual(
    instantsBetween(rule, anchor, anchor + 12 * 3_600_000).map((ms) => new Date(ms).toISOString()),
    ["2026-03-29T01:10:30.000Z", "2026-03-29T06:10:30.000Z"],
  );
  assert.equal(nextAfter(rule, anchor - 1e9), anchor + 5 * 3_600_000);
});

const REFUSED: [string, RegExp][] = [
  ["", /expected five fields .* found 0/],
  ["0 2 * *", /found 4/],
  ["0 2 * * * *", /found 6/],
  ["61 * * * *", /minute must be 0 to 59, not 61/],
  ["0 24 * * *", /hour must be 0 to 23, not 24/],
  ["0 0 0 * *", /day of month must be 1 to 31, not 0/],
  ["0 0 * 13 *", /month must be 1 to 12, not 13/],
  ["0 0 * * 8", /day of week must be 0 to 7, not 8/],
  ["0 0 * * 5#6", /day of week field "5#6"/],
  ["0 22-2 * * *", /hour field "22-2" is not understood/],
  ["a b c d e", /minute field "a"/],
  ["0 0 30 2 *", /no such date ever comes/],
  ["0 0 31 4,6 *", /no such date ever comes/],
  ["0 2 * * 1:2", /colon/],
  ["@dailly", /unknown nickname/],
  ["@reboot", /unknown nickname/],
  ["@every 0h", /@every Nh/],
];

for (const [expression, message] of REFUSED) {
  Deno.test(`the expression "${expression}" is refused`, () => {
    assert.throws(() => checkExpression(expression), (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.equal(error.kind, "invalid");
      assert.match(error.message, message);
      assert.equal(error.errors[0]?.path, "cron_expression");
      return true;
    });
  });
}

Deno.test("a misspelt nickname or zone is answered with the nearest one", () => {
  assert.throws(() => checkExpression("@dailly"), { hint: 'did you mean "@daily"?' });
  assert.equal(nearestZone("Europe/Pariss"), "Europe/Paris");
  assert.equal(nearestZone("Paris"), "Europe/Paris");
  assert.deepEqual(["Europe/Paris", "UTC", "US/Eastern", "+02:00", "Mars/Base", ""].map(isZone), [
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});

Deno.test("intervals and expressions translate by the published table, both ways", () => {
  for (const { hours, cron_expression } of INTERVALS) {
    assert.equal(expressionOf(hours), cron_expression);
    assert.equal(hoursOf(cron_expression), hours);
  }
  assert.equal(expressionOf(5), "@every 5h");
  assert.equal(hoursOf("@every 5h"), 5);
  assert.equal(hoursOf("0 */4 * * *"), 4);
  assert.equal(hoursOf("0 0 */3 * *"), 72);
  assert.equal(hoursOf("@daily"), 24);
  assert.equal(hoursOf("0 2 * * *"), null);
});

const coming = (rule: Rule, after: number, count: number) => comingInstants({ rule, after, count });

Deno.test("the coming instants name the changes of the clocks", () => {
  const spring = coming(ruleOf("30 2 * * *", PARIS, 0), Date.parse("2026-03-27T12:00Z"), 3);
  assert.deepEqual(spring, [
    { due_at: "2026-03-28T01:30:00.000Z", local: "2026-03-28T02:30:00+01:00" },
    {
      due_at: "2026-03-29T01:00:00.000Z",
      local: "2026-03-29T03:00:00+02:00",
      note: "02:30 does not exist on this day: clocks go forward from 02:00 to 03:00 on 2026-03-29",
    },
    { due_at: "2026-03-30T00:30:00.000Z", local: "2026-03-30T02:30:00+02:00" },
  ]);
  const autumn = coming(ruleOf("30 2 * * *", PARIS, 0), Date.parse("2026-10-24T12:00Z"), 2);
  assert.equal(
    autumn[0]?.note,
    "02:30 comes twice on this day, only the first counts: clocks go back from 03:00 to 02:00 on 2026-10-25",
  );
  assert.equal(autumn[1]?.note, "clocks go back from 03:00 to 02:00 on 2026-10-25");
  const hourly = coming(ruleOf("30 * * * *", PARIS, 0), Date.parse("2026-10-25T00:00Z"), 3);
  assert.deepEqual(hourly.map((instant) => instant.note?.split(":").slice(0, 2).join(":")), [
    "02:30 comes twice on this day, this is the first",
    "02:30 comes twice on this day, this is the second",
    undefined,
  ]);
});

/** [expression, rule, zone, from, to (exclusive), due instants in UTC, why] */
const RULES: [string, DstRule, string, string, string, string[], string][] = [
  ["30 2 * * *", "skip", PARIS, "2026-03-28T00:00Z", "2026-03-31T00:00Z", [
    "2026-03-28T01:30",
    "2026-03-30T00:30",
  ], "skip leaves the day out"],
  ["30 2 * * *", "wall", PARIS, "2026-03-28T00:00Z", "2026-03-31T00:00Z", [
    "2026-03-28T01:30",
    "2026-03-30T00:30",
  ], "the clock never shows it"],
  ["30 2 * * *", "skip", PARIS, "2026-10-25T00:00Z", "2026-10-26T00:00Z", ["2026-10-25T00:30"], "once"],
  ["30 2 * * *", "wall", PARIS, "2026-10-25T00:00Z", "2026-10-26T00:00Z", [
    "2026-10-25T00:30",
    "2026-10-25T01:30",
  ], "the clock shows it twice"],
  ["15 * * * *", "skip", PARIS, "2026-10-24T23:00Z", "2026-10-25T03:00Z", [
    "2026-10-24T23:15",
    "2026-10-25T00:15",
    "2026-10-25T01:15",
    "2026-10-25T02:15",
  ], "hourly follows the clock whatever the rule"],
  ["15 2 * * *", "skip", LORD_HOWE, "2026-10-03T00:00Z", "2026-10-05T00:00Z", [
    "2026-10-04T15:15",
  ], "a gap of half an hour"],
  ["45 1 * * *", "wall", LORD_HOWE, "2026-04-04T00:00Z", "2026-04-05T00:00Z", [
    "2026-04-04T14:45",
    "2026-04-04T15:15",
  ], "half an hour twice"],
];

for (const [expression, dst, zone, from, to, expected, why] of RULES) {
  Deno.test(`${expression} in ${zone} with rule ${dst}: ${why}`, () => {
    const rule = ruleOf(checkExpression(expression), zone, 0, { dst });
    const found = instantsBetween(rule, Date.parse(from) - 1, Date.parse(to) - 1);
    assert.deepEqual(found.map((ms) => new Date(ms).toISOString().slice(0, 16)), expected);
  });
}

Deno.test("a shift moves every instant and changes nothing else", () => {
  const plain = ruleOf("30 2 * * *", PARIS, 0);
  const shifted = ruleOf("30 2 * * *", PARIS, 0, { shift: 97_000 });
  const [from, to] = [Date.parse("2026-01-01T00:00Z"), Date.parse("2026-12-31T00:00Z")];
  assert.deepEqual(
    instantsBetween(shifted, from, to),
    instantsBetween(plain, from, to).map((ms) => ms + 97_000),
  );
  // The nominal time has passed already, the shifted one not yet.
  const nominal = Date.parse("2026-01-01T01:30Z");
  assert.equal(nextAfter(shifted, nominal), nominal + 97_000);
  assert.equal(coming(shifted, from, 1)[0]?.note, "1m 37s later, by its jitter");
});

Deno.test("the notes say what each rule does with a change of the clocks", () => {
  const notes = (expression: string, dst: DstRule) => {
    const preview = {
      rule: ruleOf(expression, PARIS, 0, { dst }),
      after: Date.parse("2026-01-10Z"),
      count: 9,
    };
    return instantsAtChanges(preview).flatMap(({ due_at, note }) =>
      note === undefined ? [] : [`${due_at.slice(5, 16)} ${note.split(": ")[0]}`]
    );
  };
  assert.deepEqual(notes("30 2 * * *", "standard"), [
    "03-29T01:00 02:30 does not exist on this day",
    "10-25T00:30 02:30 comes twice on this day, only the first counts",
  ]);
  assert.deepEqual(notes("30 2 * * *", "skip"), [
    "03-30T00:30 02:30 on 2026-03-29 does not exist and is left out",
    "10-25T00:30 02:30 comes twice on this day, only the first counts",
  ]);
  assert.deepEqual(notes("30 2 * * *", "wall"), [
    "03-30T00:30 02:30 on 2026-03-29 does not exist and is left out",
    "10-25T00:30 02:30 comes twice on this day, this is the first",
    "10-25T01:30 02:30 comes twice on this day, this is the second",
  ]);
  const utc = { rule: ruleOf("30 2 * * *", "UTC", 0), after: 0, count: 9 };
  assert.deepEqual(instantsAtChanges(utc), []);
});
