/** The days of the time line of drift and quality. */

import type { DriftDay, QualityDrop } from "../../api/owner.ts";
import { utcDay } from "../../format.ts";

/** As many as the API keeps daily checks of. */
const LONGEST_DAYS = 90;

export interface TimeLineDay {
  /** In UTC, as `YYYY-MM-DD`. */
  day: string;
  /** Null if traffic was not checked on that day. */
  drift: DriftDay | null;
}

/** Return the days with a check or a drop, and today, in order: the line ends now, not with the last check. */
export function timeLine(drift: readonly DriftDay[], drops: readonly QualityDrop[], now = Date.now()): TimeLineDay[] {
  const checked = new Map(drift.map((each) => [each.day, each]));
  const dropped = drops.flatMap(({ at }) => (at === null ? [] : [utcDay(0, Date.parse(at))]));
  const days = new Set([...checked.keys(), ...dropped, utcDay(0, now)]);
  const first = utcDay(LONGEST_DAYS - 1, now);
  return [...days].filter((day) => day >= first).sort().map((day) => ({ day, drift: checked.get(day) ?? null }));
}
