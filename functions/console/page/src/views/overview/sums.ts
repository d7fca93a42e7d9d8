import type { Costs } from "../../api/types.ts";

/** What was spent in all, null if nothing of it is known. Learning is known for the total and for days. */
export function spentWithLearning(costs: Costs): number | null {
  const learning = costs.learning_usd ?? 0;
  return costs.spent_usd === null && learning === 0 ? null : (costs.spent_usd ?? 0) + learning;
}

/** Running sums; unknown values count as nothing. */
export function cumulative(values: readonly (number | null)[]): number[] {
  let sum = 0;
  return values.map((value) => (sum += value ?? 0));
}

/** The Unix seconds at which a day in UTC begins. */
export function secondsOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) / 1000;
}
