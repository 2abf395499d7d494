/**
 * Windows of the wall clock in which a schedule may, or must not, start: pure functions of a text and an instant.
 *
 * A window is `[DAYS] [FROM-TO]`. Days are weekdays (`mon-fri`, `sat,sun`) or dates (`2026-12-24`,
 * `2026-12-24..2027-01-02`); without days it holds every day. Times are `22:00-06:00`, the end not included; a
 * window that ends before it begins goes on past midnight and belongs to the day it begins on. Without times it
 * holds the whole day.
 */
import { HoldfastError } from "../lib/errors.ts";
import { zoneOf } from "./zones.ts";

const DAY_MS = 86_400_000;
const DAY_MINUTES = 1440;
const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** A window as it is compared: which days, and minutes of the day. */
export interface Window {
  text: string;
  /** True for a day, given as its midnight on the wall clock, in milliseconds. */
  onDay(midnight: number): boolean;
  /** Minute of the day it begins at, 0 to 1439. */
  from: number;
  /** First minute after it; past midnight when it is not after `from`. */
  to: number;
}

/** A window people wrote. Errors: `invalid`. */
export function parseWindow(text: string): Window {
  const words = text.trim().toLowerCase().split(/\s+/).filter((word) => word !== "");
  const times = words.at(-1)?.includes(":") ? words.pop() : undefined;
  const [days, ...rest] = words;
  if (rest.length > 0 || (days === undefined && times === undefined)) throw refuse(text, "unknown form");
  const [from, to] = times === undefined ? [0, DAY_MINUTES] : timesOf(text, times);
  return { text: text.trim(), onDay: days === undefined ? () => true : daysOf(text, days), from, to };
}

function timesOf(text: string, times: string): [number, number] {
  const [, h1, m1, h2, m2] = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(times) ?? [];
  const [from, to] = [Number(h1) * 60 + Number(m1), Number(h2) * 60 + Number(m2)];
  const real = (minute: number, rest: string | undefined) => minute <= DAY_MINUTES && Number(rest) < 60;
  if (m2 === undefined || !real(from, m1) || !real(to, m2) || from === DAY_MINUTES) {
    throw refuse(text, `"${times}" is no time from 00:00 to 24:00`);
  }
  if (from === to) throw refuse(text, "it ends when it begins");
  return [from, to];
}

function daysOf(text: string, days: string): Window["onDay"] {
  if (/^\d/.test(days)) {
    const [first = "", last = first, ...rest] = days.split("..");
    const [from, to] = [dateOf(text, first), dateOf(text, last)];
    if (rest.length > 0) throw refuse(text, `"${days}" is no range of dates`);
    if (to < from) throw refuse(text, `${last} is before ${first}`);
    return (midnight) => midnight >= from && midnight <= to;
  }
  const set = new Set(days.split(",").flatMap((part) => weekdaysOf(text, part)));
  return (midnight) => set.has(new Date(midnight).getUTCDay());
}

function dateOf(text: string, date: string): number {
  const ms = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : NaN;
  // A parser may read 2026-02-30 as a day in March.
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== date) {
    throw refuse(text, `"${date}" is no date`);
  }
  return ms;
}

function weekdaysOf(text: string, part: string): number[] {
  const [first = "", last = first, ...rest] = part.split("-");
  const index = (word: string) => WEEKDAYS.findIndex((day) => word === day || word === day.slice(0, 3));
  const [from, to] = [index(first), index(last)];
  if (from < 0 || to < 0 || rest.length > 0) throw refuse(text, `"${part}" is no weekday`);
  const days = (to - from + 7) % 7 + 1;
  return Array.from({ length: days }, (_, i) => (from + i) % 7);
}

function refuse(text: string, reason: string): HoldfastError {
  return new HoldfastError("invalid", `Cannot use window "${text}": ${reason}`, {
    hint: 'write it as "22:00-06:00", "mon-fri 22:00-06:00", "sat,sun" or "2026-12-24..2027-01-02"',
  });
}

function contains({ onDay, from, to }: Window, wall: number): boolean {
  const midnight = Math.floor(wall / DAY_MS) * DAY_MS;
  const minute = Math.floor((wall - midnight) / 60_000);
  if (from < to) return minute >= from && minute < to && onDay(midnight);
  return (minute >= from && onDay(midnight)) || (minute < to && onDay(midnight - DAY_MS));
}

/** Windows of a schedule, as texts, and the zone they are read in. */
export interface Windows {
  allowed_windows: readonly string[];
  blackout_windows: readonly string[];
  timezone: string;
}

const parsed = new Map<string, Window>();
const KEPT = 1000;

/** A schedule's windows are looked at with every due instant. */
function windowOf(text: string): Window {
  let window = parsed.get(text);
  if (window === undefined) {
    if (parsed.size >= KEPT) parsed.clear();
    parsed.set(text, window = parseWindow(text));
  }
  return window;
}

/** Why nothing may start at an instant (milliseconds), or null when it may. */
export function closedAt(windows: Windows, instant: number): string | null {
  const { allowed_windows: allowed, blackout_windows: blackouts } = windows;
  if (allowed.length === 0 && blackouts.length === 0) return null;
  const wall = zoneOf(windows.timezone).wallAt(instant);
  const holds = (text: string) => contains(windowOf(text), wall);
  const blackout = blackouts.find(holds);
  if (blackout !== undefined) return `inside the blackout window ${blackout}`;
  if (allowed.length === 0 || allowed.some(holds)) return null;
  return `outside the allowed windows (${allowed.join(", ")})`;
}
