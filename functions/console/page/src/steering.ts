/** How easily texts around a query move its tier. The API tells the score; each view says it in these words. */

import type { MovedFigures, Steering } from "./api/owner.ts";
import { count, percent } from "./format.ts";

/** The router of a score whose local model decided alone. */
const NO_ROUTER = "none";

export function scoreWords(score: Steering | null): string {
  if (score === null) return "not measured for this text; route-switch steering measures it";
  const harmless = score.control === null ? "" : `; harmless texts move ${percent(score.control, 1)}`;
  return `${way("a higher tier", score.up)}; ${way("a lower tier", score.down)}${harmless} (${basis(score)})`;
}

function way(tier: string, moved: MovedFigures | null): string {
  if (moved === null) return `no query could be moved to ${tier}`;
  return `texts around a query move ${percent(moved.mean, 1)} of queries to ${tier} on average, ${worstWords(moved)}`;
}

/** What the score was measured with, and when. */
function basis({ router, texts, strings, measured }: Steering): string {
  const by = router === NO_ROUTER ? "its local model" : router;
  return `measured with ${by} and ${count(texts)} texts, set ${strings}${measured === "" ? "" : `, on ${measured}`}`;
}

export function worstWords(moved: MovedFigures | null): string {
  return moved === null ? "no query could be moved" : `${moved.moved} of ${moved.n} by the most effective text`;
}
