/**
 * When a schedule is due: pure functions from a rule and an instant to instants, all in milliseconds since the epoch.
 *
 * `croner` finds the times a wall clock without summer time would show; what happens on the days when clocks
 * change is decided here, because its own rules drop a time whose gap ends on the next day and every time of an
 * expression such as `*\/15 2 * * *`. The rule is the one most people expect:
 *
 * - A time that is left out when clocks go forward is due right after the jump, several of them once.
 * - A time that comes twice when clocks go back is due the first time only.
 * - An expression for every hour (hour field `*`) follows the clock: it is due whenever the clock shows its
 *   minutes, so an every-minute schedule is due at each real minute of a day of 23 or 25 hours.
 *
 * That is the rule `standard`. With `skip` a time that is left out is not due at all. With `wall` every expression
 * follows the clock: what it does not show is not due, what it shows twice is due twice.
 */
import { Cron, CronPattern } from "croner";
import { HoldfastError, messageOf, nearest } from "../lib/errors.ts";
import { type Zone, zoneOf } from "./zones.ts";

/** What happens to times that a change of the clocks leaves out or repeats. */
export const DST_RULES = ["standard", "skip", "wall"] as const;
export type DstRule = typeof DST_RULES[number];

/** When a schedule is due. */
export type Rule =
  & ({
    kind: "cron";
    expression: string;
    timezone: string;
    dst: DstRule;
  } | {
    kind: "interval";
    hours: number;
    /** Instant the hours are counted from; itself not due. */
    anchor: number;
    timezone: string;
  })
  & {
    /** Every instant comes so many milliseconds later. */
    shift: number;
  };

/** Short names for common expressions. */
export const NICKNAMES: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

/** Longest interval in hours: a year. */
export const MAX_INTERVAL_HOURS = 8784;

const EVERY = /^@every\s+(\d{1,4})h$/i;

/** What changes the instants of an expression. */
export interface RuleOptions {
  dst?: DstRule;
  /** Milliseconds that every instant comes later. */
  shift?: number;
}

/** The rule as an expression: five fields, a nickname, or `@every 5h` for an interval counted from `anchor`. */
export function ruleOf(
  expression: string,
  timezone: string,
  anchor: number,
  { dst = "standard", shift = 0 }: RuleOptions = {},
): Rule {
  const hours = EVERY.exec(expression)?.[1];
  return hours === undefined
    ? { kind: "cron", expression, timezone, dst, shift }
    : { kind: "interval", hours: Number(hours), anchor, timezone, shift };
}

/** The first due instant after `after`, or null when there is none. */
export function nextAfter(rule: Rule, after: number): number | null {
  const next = nextUnshifted(rule, after - rule.shift);
  return next === null ? null : next + rule.shift;
}

function nextUnshifted(rule: Rule, after: number): number | null {
  if (rule.kind === "interval") {
    const step = rule.hours * 3_600_000;
    return rule.anchor + (Math.max(0, Math.floor((after - rule.anchor) / step)) + 1) * step;
  }
  const walls = wallsOf(rule.expression);
  const zone = zoneOf(rule.timezone);
  if (walls.everyHour || rule.dst === "wall") return nextShown(walls, zone, after);
  return nextOnce(walls, zone, after, rule.dst === "skip");
}

/** Due instants after `from` up to and including `to`, at most `limit` of them. */
export function instantsBetween(rule: Rule, from: number, to: number, limit = Infinity): number[] {
  const instants: number[] = [];
  let next = nextAfter(rule, from);
  while (next !== null && next <= to && instants.length < limit) {
    instants.push(next);
    next = nextAfter(rule, next);
  }
  return instants;
}

/** The wall-clock times of an expression, on a clock that never changes. */
export interface Walls {
  everyHour: boolean;
  /** First matching time after `wall`. */
  next(wall: number): number | null;
}

/** Each real instant at which the clock shows a matching time. */
function nextShown(walls: Walls, zone: Zone, after: number): number | null {
  for (let from = after;;) {
    const span = zone.spanAt(from);
    const wall = walls.next(from + span.offset);
    if (wall === null) return null;
    if (wall - span.offset < span.to) return wall - span.offset;
    // The clock changes first: go on from the last moment before, read on the changed clock.
    from = span.to;
    const changed = zone.spanAt(from);
    const first = walls.next(from + changed.offset - 1);
    if (first === from + changed.offset) return from;
  }
}

/** Each matching time once. Later times never have earlier first instants, so the first one after `after` is the answer. */
function nextOnce(walls: Walls, zone: Zone, after: number, skip: boolean): number | null {
  let wall = walls.next(zone.wallAt(after));
  while (wall !== null) {
    const instant = zone.firstInstant(wall);
    const isLeftOut = skip && zone.wallAt(instant) !== wall;
    if (instant > after && !isLeftOut) return instant;
    wall = walls.next(wall);
  }
  return null;
}

/** Compiled expressions kept; one takes about 80 KB. */
const KEPT_WALLS = 256;
const compiled = new Map<string, Walls>();

/** Compiles an expression that {@linkcode checkExpression} accepted. */
export function wallsOf(expression: string): Walls {
  const known = compiled.get(expression);
  if (known !== undefined) return known;
  const fields = NICKNAMES[expression.toLowerCase()] ?? expression;
  const cron = new Cron(fields, { utcOffset: 0, mode: "5-part", paused: true });
  const everyHour = new CronPattern(fields, undefined, { mode: "5-part" }).hour.every((set) => set !== 0);
  const walls = { everyHour, next: (wall: number) => cron.nextRun(new Date(wall))?.getTime() ?? null };
  if (compiled.size >= KEPT_WALLS) compiled.delete(compiled.keys().next().value!);
  compiled.set(expression, walls);
  return walls;
}

const FIELDS: readonly { name: string; min: number; max: number }[] = [
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day of month", min: 1, max: 31 },
  { name: "month", min: 1, max: 12 },
  { name: "day of week", min: 0, max: 7 },
];

/** The expression in its stored form. Errors: `invalid`, with the field that is wrong and what it may be. */
export function checkExpression(text: string): string {
  const expression = text.trim().replaceAll(/\s+/g, " ");
  const refuse = (reason: string, hint?: string): HoldfastError =>
    new HoldfastError("invalid", `Cannot use cron expression "${text}": ${reason}`, {
      errors: [{ path: "cron_expression", message: reason }],
      ...(hint === undefined ? {} : { hint }),
    });
  if (expression.startsWith("@")) return checkNickname(expression, refuse);
  const fields = expression === "" ? [] : expression.split(" ");
  if (fields.length !== 5) {
    throw refuse(
      `expected five fields (minute hour day month weekday), found ${fields.length}`,
      'an example: "0 2 * * *" is every day at 02:00',
    );
  }
  for (const [index, field] of fields.entries()) {
    const reason = fieldProblem(field, index);
    if (reason !== undefined) throw refuse(reason);
  }
  // Any leap year will do as a start: what does not come within the years croner searches never comes.
  if (wallsOf(expression).next(Date.UTC(2024, 0, 1)) === null) {
    throw refuse(
      "no such date ever comes",
      "February has at most 29 days, April, June, September and November 30",
    );
  }
  return expression;
}

function checkNickname(expression: string, refuse: (reason: string, hint?: string) => HoldfastError): string {
  const lower = expression.toLowerCase();
  if (Object.hasOwn(NICKNAMES, lower)) return lower;
  const hours = Number(EVERY.exec(lower)?.[1]);
  if (hours >= 1 && hours <= MAX_INTERVAL_HOURS) return `@every ${hours}h`;
  const guess = nearest(lower.split(" ")[0]!, [...Object.keys(NICKNAMES), "@every"]);
  throw refuse(
    lower.startsWith("@every")
      ? `expected "@every Nh" with 1 to ${MAX_INTERVAL_HOURS} hours`
      : "unknown nickname",
    guess === undefined || guess === "@every"
      ? `known: ${Object.keys(NICKNAMES).join(", ")}, @every Nh`
      : `did you mean "${guess}"?`,
  );
}

/** What is wrong with one field, read alone so that the message can name it. */
function fieldProblem(field: string, index: number): string | undefined {
  const { name, min, max } = FIELDS[index]!;
  const plain = field.replaceAll(/[#/]\w*/g, "");
  const outside = (plain.match(/\d+/g) ?? []).map(Number).find((value) => value < min || value > max);
  if (outside !== undefined) return `${name} must be ${min} to ${max}, not ${outside}`;
  // A colon would make croner take the whole for a date.
  if (field.includes(":")) return `the ${name} field "${field}" has a colon`;
  const alone = FIELDS.map((_, other) => other === index ? field : "*").join(" ");
  try {
    new CronPattern(alone, undefined, { mode: "5-part" });
    return undefined;
  } catch (error) {
    const reason = messageOf(error).replace(/^CronPattern: (Syntax error, )?/, "").replace(/\.$/, "");
    return `the ${name} field "${field}" is not understood (${reason})`;
  }
}
