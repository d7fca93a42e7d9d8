/** What the API returns, as far as the console reads it. docs/openapi.json says the rest. */

export type Tier = 1 | 2 | 3;
export const TIERS: readonly Tier[] = [1, 2, 3];

export interface Percentiles {
  mean: number;
  p50: number;
  p95: number;
}

/** Sums of a range, or of a row of it. null is unknown. */
export interface Costs {
  requests: number | null;
  answered: number | null;
  failed: number | null;
  dry_runs: number | null;
  spent_usd: number | null;
  router_usd: number | null;
  learning_usd: number | null;
  baseline_estimated_usd: number | null;
  saved_estimated_usd: number | null;
  saved_usd_low: number | null;
  saved_usd_high: number | null;
  estimated: boolean | null;
  saving_basis: Record<string, number> | null;
  requests_without_cost: number | null;
  requests_without_baseline: number | null;
  requests_without_saving: number | null;
  /** What a sum leaves out, in words; null if it is complete. */
  unpriced?: { spent: string | null; baseline: string | null; saved: string | null };
  tiers?: Record<string, number> | null;
  latency_ms?: Percentiles | null;
  first_token_ms?: Percentiles | null;
  quality?: { people: { mean: number; n: number } | null } | null;
}

export type GroupBy = "day" | "key" | "tag" | "model" | "tier";

export interface CostsRow extends Costs {
  day?: string;
  key_id?: string | null;
  name?: string | null;
  tags?: Record<string, string>;
  tag?: string | null;
  model?: string | null;
  tier?: string | null;
}

export interface CostsPage {
  from: string;
  to: string;
  group_by: GroupBy;
  total: Costs;
  data: CostsRow[];
}

export interface PromptVersion {
  version: string;
  digest: string | null;
  strategy: string | null;
  written_at: string | null;
  written_by: string | null;
  valid: boolean;
  reason: string | null;
}

export interface Row {
  request_id: string;
  created_at: string;
  status: "answered" | "partial" | "failed" | "dry_run";
  tier: Tier | null;
  decided_tier: Tier | null;
  reason: string;
  model: string | null;
  key_id: string | null;
  prompt_version: string | null;
  profile: string | null;
  cost_usd: number | null;
  saved_usd: number | null;
  saving_basis: string | null;
  latency_ms: number | null;
  first_token_ms: number | null;
  thumb: "up" | "down" | null;
  score: number | null;
  error: string | null;
}

export interface ResultsPage {
  object: "list";
  data: Row[];
  has_more: boolean;
  cursor: string | null;
  examined: number;
}

export interface Attempt {
  model: string;
  tier: Tier | null;
  status: string;
  latency_ms: number;
  usage: {
    input_tokens: number;
    output_tokens: number;
    cached_input_tokens: number;
    cache_write_tokens: number;
    reasoning_tokens: number;
  } | null;
  cost_usd: number | null;
  estimated: boolean;
  error: string | null;
  adjusted: string[];
  first_token_ms?: number | null;
  purpose?: string | null;
}

/** A request's record. Texts are null where the stage stores none. */
export interface RequestRecord {
  request_id: string;
  key_id: string;
  created_at: string;
  status: Row["status"];
  tier: Tier;
  decided_tier: Tier;
  routed_tier: Tier | null;
  reason: string;
  model: string | null;
  provider_model: string | null;
  prompt_version: string;
  why: string;
  strategy?: string | null;
  shadow_tier: Tier | null;
  shadow_reason: string | null;
  shadow_cost_usd: number | null;
  attempts: Attempt[];
  query_tokens: number;
  router_tokens: number;
  latency_ms: number;
  routing_ms: number;
  cost_usd: number | null;
  router_cost_usd: number | null;
  baseline_cost_usd: number | null;
  baseline_estimated: boolean;
  saved_usd: number | null;
  saved_usd_low: number | null;
  saved_usd_high: number | null;
  saving_basis: string;
  session?: string | null;
  session_saved_usd?: number | null;
  profile?: string;
  skipped_models?: string[];
  user: string | null;
  query_text: string | null;
  answer_text: string | null;
  feedback?: { score: number | null; thumb: "up" | "down" | null; comment?: string | null } | null;
}

/** The answer of `POST /v1/route`. */
export interface Route {
  id: string;
  tier: Tier;
  reason: string;
  model: string;
  profile: string;
  prompt_version: string;
  why: string;
  session: string | null;
  session_saved_usd: number | null;
  shadow_tier: Tier | null;
  shadow_reason: string | null;
  query_tokens: number;
  assumed_output_tokens: number;
  estimated_cost_usd: Record<string, number | null>;
  explanation: {
    sentences: string[];
    changes: string[];
    evidence: {
      text: { kind: "criterion" | "demo"; number: number; tier: Tier; text: string | null } | null;
      scores: Record<string, number> | null;
      without_text: Tier | null;
      was_asked: boolean;
      calls: number;
      cost_usd: number | null;
    } | null;
    local: {
      tier: Tier;
      lead: number;
      ask_below: number | null;
      asked: boolean;
      expected: Record<string, { chance: number; cost: number; objective: number }>;
    } | null;
  } | null;
}
