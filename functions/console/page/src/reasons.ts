/** What the reasons of decisions mean, as docs/routing.md says at length. */

export const REASONS: Readonly<Record<string, string>> = {
  router: "The routing prompt chose this tier.",
  bypass: "The query is too short to be worth a router call, so the lowest tier answers.",
  override: "The request, its key or the owner named the tier.",
  fallback: "The router failed or routing is off, so the safe tier answers.",
  degraded: "A tier other than the chosen one answered, or the key's budget is spent.",
  capped: "Routing chose Tier 3, but the key has used up its share of Tier 3.",
  shadow: "A fixed tier answers; the router's decision is only recorded.",
  session: "The conversation stays on its current tier.",
};

export const SESSIONS: Readonly<Record<string, string>> = {
  new: "new: this is the first message, so nothing is kept yet",
  kept: "kept: the conversation stays on its tier",
  "moved up": "moved up: the conversation needs a higher tier",
  "moved down": "moved down: a lower tier is now enough",
};

export const STATUSES: Readonly<Record<string, string>> = {
  answered: "Answered",
  partial: "Interrupted",
  failed: "Failed",
  dry_run: "Decided only",
};

export const BASES: Readonly<Record<string, string>> = {
  tier_3: "Tier 3's own model answered",
  configured: "the configured length of Tier 3's answers",
  measured: "the measured length of Tier 3's answers",
  prior: "an assumed length of Tier 3's answers, not measured yet",
  no_answer: "unknown: there was no answer",
  no_tokens: "unknown: the provider reported no tokens",
  no_price: "unknown: a price is missing",
};
