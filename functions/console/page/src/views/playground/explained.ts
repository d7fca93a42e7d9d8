/** Which sentences of an explanation the page says itself, in the blocks below them. */

import type { Route } from "../../api/types.ts";
import { withVersionNames } from "../../prompt-version.ts";

/** The text that is quoted, its scores, what a local model expects, each tier's price, and the cost of the explanation. */
const IN_BLOCKS = [
  /^The text of that tier that is most like /,
  /^Asked for its reason in a second call, the router LLM named (criterion|demo) /i,
  /^Scores, of which the highest decides: /,
  /^Its estimate of the chance /,
  /^Objective, /,
  /^An answer of \d+ tokens by Tier /,
  /^Tier \d \([^)]*\) would cost about (?!.* It may not answer this request\.$)/,
  /^Explaining took /,
];

/** Return the sentences that say more than the blocks do. */
export function sentencesOf({ sentences }: NonNullable<Route["explanation"]>): string[] {
  return sentences.filter((each) => !IN_BLOCKS.some((block) => block.test(each))).map(withVersionNames);
}

/** Scores that lie closer together change places with a few words, as the API says. */
const ALMOST_EQUAL = 0.01;

/**
 * How far the tier leads, in words. It can score less than another, because sessions, limits and prices
 * decide as well. `isDoubted` says that the lead was too small for a local model alone.
 */
export function leadWords(tier: number, next: number, lead: number, isDoubted: boolean): string {
  if (lead < 0) return `Tier ${next} scores ${(-lead).toFixed(3)} more than Tier ${tier}, but did not decide`;
  const how = lead < ALMOST_EQUAL ? "Almost equal" : isDoubted ? "Close" : "Clear";
  return `${how}: Tier ${tier} leads Tier ${next} by ${lead.toFixed(3)}`;
}
