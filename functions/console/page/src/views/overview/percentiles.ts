/** Percentiles, which the API reads from a histogram whose last bucket has no end. */

import { duration } from "../../format.ts";

type Maybe = number | null | undefined;

/** The start of the last bucket, in milliseconds. */
export const LONGEST_MS = 16_000;
export const LONGEST_FIRST_MS = 8_000;

function isOver(ms: Maybe, longest: number): boolean {
  return ms !== null && ms !== undefined && ms > longest;
}

/** Return null for a time in the last bucket, which cannot be compared. */
export function known(ms: Maybe, longest: number): number | null {
  return isOver(ms, longest) ? null : (ms ?? null);
}

/** `over 16 s` in the last bucket: how far over, nobody knows. */
export function percentile(ms: Maybe, longest: number): string {
  return isOver(ms, longest) ? `over ${longest / 1000} s` : duration(ms);
}

export function p95(ms: Maybe, longest: number): string {
  return isOver(ms, longest) ? `95th percentile ${percentile(ms, longest)}` : `95% within ${duration(ms)}`;
}
