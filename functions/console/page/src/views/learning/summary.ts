/** What a run's report says about promise, steering and judge, as sentences. */

import type { JudgeFacts, MovedFigures, PromiseFacts, SteeringReport } from "../../api/owner.ts";
import { count, decimal, percent } from "../../format.ts";

export function promiseWords(promise: PromiseFacts | null | undefined): string {
  if (!promise) return "none: this stage sets no limit on the loss of quality";
  const limit = `at most ${Number((100 * promise.max_quality_loss).toFixed(2))}% worse`;
  return promise.candidate === "" ? `limit: ${limit}` : `limit: ${limit}; ${promise.candidate}`;
}

export function steeringWords(steering: SteeringReport | null | undefined): string {
  if (!steering) return "not measured";
  const { proposed, incumbent, refused } = steering;
  const measured = proposed ?? incumbent;
  if (!measured) return "not measured";
  const way = (tier: string, own: MovedFigures | null, before: MovedFigures | null | undefined) => {
    const compared = proposed && before ? ` (incumbent: ${percent(before.mean, 1)})` : "";
    return own ? `${percent(own.mean, 1)} of queries move to ${tier}${compared}` : `no query moves to ${tier}${compared}`;
  };
  const ways = `${way("a higher tier", measured.up, incumbent?.up)}, ${way("a lower tier", measured.down, incumbent?.down)}`;
  const told = `${proposed ? "candidate" : "incumbent"}: ${ways}`;
  return refused ? `${told}. Refused: ${refused}` : told;
}

export function judgeWords(judge: JudgeFacts | null | undefined): string | null {
  if (!judge?.model) return null;
  if (judge.agreement === null || judge.agreement === undefined) return `${judge.model}, not compared with labels`;
  return `${judge.model}: agrees with labels in ${percent(judge.agreement)} of ${count(judge.n)} (κ ${decimal(judge.kappa)})`;
}
