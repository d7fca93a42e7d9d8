/** What the judge said of the live prompt. */

import { getJson } from "../../api/client.ts";
import { qualityOfLive, type Interval, type RunDetails } from "./quality.ts";

export interface Verdict {
  /** The run that judged the prompt. */
  run: string;
  quality: Interval;
}

/** A quarter of a year of weekly runs. Most often the newest one tells it. */
const RUNS_READ = 12;

/**
 * Return what the newest run that judged the live prompt said, as it was before or as it became live.
 * Return null if no run judged it.
 */
export async function judged(signal: AbortSignal): Promise<Verdict | null> {
  const runs = await getJson<{ data: { run: string; state: string }[] }>("v1/runs", { limit: 20 }, { signal });
  for (const { run } of runs.data.filter((each) => each.state === "ended").slice(0, RUNS_READ)) {
    const quality = qualityOfLive(await getJson<RunDetails>(`v1/runs/${encodeURIComponent(run)}`, {}, { signal }));
    if (quality !== null) return { run, quality };
  }
  return null;
}
