/** What a schedule keeps: the rules that retention goes by. */

/** How many copies are kept for each period, and how much in all; null is no rule. */
export interface KeepRules {
  /** Counts while no other rule says what to keep; failed copies never number more. At least 1. */
  max_backups: number;
  keep_last: number | null;
  keep_hourly: number | null;
  keep_daily: number | null;
  keep_weekly: number | null;
  keep_monthly: number | null;
  keep_yearly: number | null;
  /** Everything made so long before the newest copy. */
  keep_within_seconds: number | null;
  /** What all copies together may take; the oldest go first. */
  max_total_bytes: number | null;
}

/** Only the newest ones. */
export function keepNewest(max_backups: number): KeepRules {
  return { ...NO_RULES, max_backups };
}

/** The rules of which none is set. */
export const NO_RULES: Readonly<Omit<KeepRules, "max_backups">> = {
  keep_last: null,
  keep_hourly: null,
  keep_daily: null,
  keep_weekly: null,
  keep_monthly: null,
  keep_yearly: null,
  keep_within_seconds: null,
  max_total_bytes: null,
};

/** Periods of which the newest copy is kept each, with their rule. */
export const PERIOD_RULES = [
  ["hourly", "keep_hourly"],
  ["daily", "keep_daily"],
  ["weekly", "keep_weekly"],
  ["monthly", "keep_monthly"],
  ["yearly", "keep_yearly"],
] as const;
export type Period = typeof PERIOD_RULES[number][0];

/** Says in which period an instant (ISO 8601) lies; equal texts are the same period. */
export type PeriodOf = (instant: string, period: Period) => string;

/** Periods as a time zone has them; weeks begin on Monday. */
export function periodsIn(timezone: string): PeriodOf {
  const dayOf = localDay(timezone);
  return (instant, period) => {
    // An hour that comes twice is two hours.
    if (period === "hourly") return new Date(instant).toISOString().slice(0, 13);
    const day = dayOf(instant);
    if (period === "daily") return day;
    if (period === "monthly") return day.slice(0, 7);
    if (period === "yearly") return day.slice(0, 4);
    const date = new Date(`${day}T00:00:00Z`);
    date.setUTCDate(date.getUTCDate() - (date.getUTCDay() + 6) % 7);
    return date.toISOString().slice(0, 10);
  };
}

function localDay(timezone: string): (instant: string) => string {
  if (timezone === "UTC") return (instant) => new Date(instant).toISOString().slice(0, 10);
  // This locale writes dates as ISO 8601 does.
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: timezone, dateStyle: "short" });
  return (instant) => format.format(new Date(instant));
}
