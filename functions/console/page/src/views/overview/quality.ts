/** What a run says of the prompt that is live now. */

export interface Interval {
  mean: number;
  n?: number | null;
}

export interface RunDetails {
  summary: { policies?: { policy: string; quality?: Interval | null }[] | null } | null;
  frontier: { points: { name: string; is_live: boolean }[] } | null;
}

/** Return null if the run judged other prompts only, or has no figures. */
export function qualityOfLive({ summary, frontier }: RunDetails): Interval | null {
  const live = frontier?.points.find((each) => each.is_live)?.name;
  return summary?.policies?.find((each) => each.policy === live)?.quality ?? null;
}
