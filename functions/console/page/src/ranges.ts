/** Ranges of UTC days, as costs are summed. */

import { utcDay } from "./format.ts";

export type RangeName = "7d" | "30d" | "90d" | "month" | "custom";

export interface Days {
  from: string;
  to: string;
}

export const RANGES: readonly (readonly [RangeName, string])[] = [
  ["7d", "7 days"],
  ["30d", "30 days"],
  ["90d", "90 days"],
  ["month", "This month"],
  ["custom", "Custom"],
];

const LENGTHS = { "7d": 7, "30d": 30, "90d": 90 } as const;

export function daysOf(name: RangeName, custom: Days, now = Date.now()): Days {
  if (name === "custom") return custom;
  const to = utcDay(0, now);
  if (name === "month") return { from: `${to.slice(0, 7)}-01`, to };
  return { from: utcDay(LENGTHS[name] - 1, now), to };
}

/** Whether the text is a day of the calendar, as `YYYY-MM-DD`. */
export function isDay(text: string): boolean {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  return !Number.isNaN(time) && iso(time) === text;
}

/** What keeps typed days from being a range, or null. */
export function daysError({ from, to }: Days): string | null {
  const bad = [from, to].find((each) => !isDay(each));
  if (bad !== undefined) return bad === "" ? "Choose both days." : `“${bad}” is not a day. Write YYYY-MM-DD, such as 2026-11-30.`;
  return from > to ? "The first day is after the last. Choose them in order." : null;
}

/** The days before a range, as many as it has. */
export function before({ from, to }: Days): Days {
  const [first, last] = [Date.parse(from), Date.parse(to)];
  const length = last - first + DAY_MS;
  return { from: iso(first - length), to: iso(first - DAY_MS) };
}

const DAY_MS = 86_400_000;

function iso(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** The whole months that a range touches, as sums by key and tag need; the last may end today. */
export function wholeMonths({ from, to }: Days, now = Date.now()): Days {
  const today = utcDay(0, now);
  const [year = 0, month = 0] = to.split("-").map(Number);
  const end = new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10);
  return { from: `${from.slice(0, 7)}-01`, to: end > today && to <= today ? today : end };
}
