/** What the owner's endpoints return and take: prompts, runs, learning, keys, switches, the trail. */

import type { Tier } from "./types.ts";
import { callJson, getJson } from "./client.ts";

export interface PromptVersion {
  version: string;
  digest: string | null;
  strategy: string | null;
  local_model: string | null;
  /** The lead below which the router LLM is asked as well. */
  ask_below: number | null;
  bypass_tokens: number | null;
  /** What Tiers 1, 2 and 3 of the router LLM mean for a profile. */
  profiles: Record<string, Tier[]> | null;
  bytes: number;
  written_at: string | null;
  written_by: string | null;
  valid: boolean;
  reason: string | null;
}

export interface MovedFigures {
  /** Share of queries that a text around them moves to another tier, on average. */
  mean: number;
  worst: string;
  moved: number;
  n: number;
}

/** How easily texts around a query move its tier, measured for exactly one text of the prompt. */
export interface Steering {
  router: string;
  texts: number;
  strings: string;
  up: MovedFigures | null;
  down: MovedFigures | null;
  control: number | null;
  /** A date, or empty if it is not known. */
  measured: string;
}

/** What a learning run found about exactly the text of a version. */
export interface Evidence {
  verdict: string;
  gain: { mean: number; low: number; high: number } | null;
  heldout_rows: number | null;
  quality: number | null;
  cost: number | null;
  promise: string | null;
  promised_loss: number | null;
}

export interface PromptDocument extends PromptVersion {
  document: string;
  serving: string;
  steering: Steering | null;
  origin: string | null;
  /** Null if no run made the text, or if somebody edited it since. */
  evidence: Evidence | null;
}

export interface Published {
  version: number | string | null;
  warnings: string[];
  steering: Steering | null;
}

export interface Move {
  from: Tier;
  to: Tier;
  requests: number;
}

export interface MovedRequest {
  request_id: string | null;
  /** How many of the compared requests asked this query. */
  requests: number;
  from: Tier;
  to: Tier;
  query_text: string | null;
  /** Of one answer. */
  cost_usd_before: number | null;
  cost_usd_after: number | null;
}

export interface Preview {
  /** Requests. */
  compared: number;
  /** The distinct queries that they asked. */
  queries: number;
  moves: Move[];
  moved: MovedRequest[];
  cost_usd_before: number | null;
  cost_usd_after: number | null;
  unknown_cost: number;
  router_cost_usd: number | null;
  notes: string[];
}

/** `starting` is of this page: the API lists a run once its first step has begun. */
export type RunState = "starting" | "under_way" | "waits_for_approval" | "ended" | "stopped";

export interface Run {
  run: string;
  started_at: string;
  trigger: string;
  reason: string | null;
  outcome: string | null;
  state: RunState;
  message: string | null;
  live_version: number | null;
  progress: Record<string, unknown> | null;
  /** Requests and examples that the run could not use, by reason. */
  left_out: LeftOut[];
}

export interface LeftOut {
  reason: string;
  examples: number;
}

export interface Interval {
  mean: number;
  low: number;
  high: number;
  n?: number | null;
}

export interface PolicyFigures {
  policy: string;
  quality: Interval | null;
  /** Relative to all on Tier 3. */
  cost?: Interval | null;
  cost_usd_per_query?: number | null;
  /** Shares of queries by tier. */
  mix?: Record<string, number> | null;
}

interface SteeringFigures {
  up: MovedFigures | null;
  down: MovedFigures | null;
}

export interface SteeringReport {
  proposed?: SteeringFigures;
  incumbent?: SteeringFigures;
  refused?: string | null;
}

export interface PromiseFacts {
  max_quality_loss: number;
  candidate: string;
  candidate_holds: boolean;
}

export interface JudgeFacts {
  model: string | null;
  agreement: number | null;
  kappa: number | null;
  n: number;
}

export interface RunSummary {
  verdict?: string | null;
  message?: string | null;
  needs_approval?: string | null;
  gain?: Interval | null;
  smallest_visible_gain?: number | null;
  rows?: { train: number; validation: number; heldout: number } | null;
  policies?: PolicyFigures[] | null;
  steering?: SteeringReport | null;
  promise?: PromiseFacts | null;
  judge?: JudgeFacts | null;
  spent_usd?: number | null;
  simulated?: string[];
}

export interface FrontierPoint {
  name: string;
  strategy: string | null;
  quality: number;
  /** Relative to all on Tier 3. */
  cost?: number;
  cost_usd: number | null;
  lambda: number | null;
  is_live: boolean;
  is_candidate: boolean;
}

/** `read` is the sum of the others: of `merged`, of all in `left_out`, and of `used`. */
export interface ExamplesOfRun {
  read: number;
  merged: number;
  left_out: LeftOut[];
  used: number;
}

export interface RunDetail extends Run {
  /** Null if the run has no report. */
  examples?: ExamplesOfRun | null;
  summary: RunSummary | null;
  frontier: { points: FrontierPoint[] } | null;
  candidate_document: string | null;
  artifacts: string[];
}

export interface DriftDay {
  day: string;
  prompt_version: string | null;
  requests: number;
  tiers_distance: number | null;
  tiers_p_value: number | null;
  lengths_distance: number | null;
  lengths_p_value: number | null;
  drifted: boolean;
}

export interface QualityDrop {
  at: string | null;
  prompt_version: string | number | null;
  state: string;
  message: string;
}

export interface Learning {
  month: string;
  budget_usd: number | null;
  spent_usd: number;
  remaining_usd: number | null;
  next_run_at: string | null;
  rows: {
    replayable: number;
    days: number;
    needed_for_verdict: number | null;
    /** What the rows for a verdict are; those for a promise are held-out rows. */
    verdict_unit: "requests" | "heldout_rows";
    needed_for_promise: number | null;
    note: string | null;
  };
  drift: DriftDay[];
  quality_drop: QualityDrop[];
  /** By the newest run that collected examples. */
  left_out: LeftOut[];
  notes: string[];
}

export type KeyRole = "client" | "admin";
export type WhenSpent = "refuse" | "downgrade";
export type Profile = "quality" | "balanced" | "cost";

export interface KeySettings {
  name: string;
  tiers: Tier[];
  tags: Record<string, string>;
  requests_per_minute: number | null;
  monthly_budget_usd: number | null;
  when_spent: WhenSpent | null;
  profile: Profile | null;
  max_upgrade_share: number | null;
}

export interface Key extends KeySettings {
  key_id: string;
  role: KeyRole;
  created_at: string;
  revoked_at: string | null;
  rotated_at: string | null;
  /** When secrets end that a rotation replaced. */
  former_secrets_end_at: string[];
  limited_until: string | null;
  month: { spent_usd: number; reserved_usd: number; requests: number; requests_of_unknown_cost: number } | null;
}

/** `warnings` name settings without effect. */
export interface ChangedKey extends Key {
  warnings: string[];
}

/** A key with its secret, which no later answer has. */
export interface KeyWithSecret extends Key {
  key: string;
  warnings?: string[];
}

export interface Switches {
  pin_tier: Tier | null;
  routing: "on" | "shadow" | "off";
  learning: "on" | "off";
  /** When a change takes effect, and whether it reset the other switches. */
  note: string;
}

export interface Change {
  at: string;
  by: string;
  what: string;
  action: string;
  subject: string;
  before: string | null;
  after: string | null;
  confirmed: boolean;
}

interface List<T> {
  data: T[];
}

export const listVersions = (signal?: AbortSignal) =>
  getJson<List<PromptVersion>>("v1/prompt/history", {}, { signal });
export const getPrompt = (version: number | null, signal?: AbortSignal) =>
  getJson<PromptDocument>("v1/prompt", { version }, { signal });
export const publishPrompt = (document: string, base_version: number, dry_run = false) =>
  callJson<Published>("POST", "v1/prompt", { document, base_version, dry_run });
export const rollBack = (version: number, base_version: number) =>
  callJson<Published>("POST", "v1/prompt/rollback", { version, base_version });
export const previewPrompt = (document: string, sample: number, days: number, budget_usd: number) =>
  callJson<Preview>("POST", "v1/prompt/preview", { document, sample, days, budget_usd });

export const listRuns = (signal?: AbortSignal) => getJson<List<Run>>("v1/runs", { limit: 50 }, { signal });
export const getRun = (run: string, signal?: AbortSignal) =>
  getJson<RunDetail>(`v1/runs/${encodeURIComponent(run)}`, {}, { signal });
export const startRun = () => callJson<{ run: string }>("POST", "v1/runs", {});
export const answerRun = (run: string, answer: "approve" | "reject") =>
  callJson<Run>("POST", `v1/runs/${encodeURIComponent(run)}/${answer}`, {});
export const getLearning = (signal?: AbortSignal) => getJson<Learning>("v1/learning", {}, { signal });

export const listKeys = (signal?: AbortSignal) => getJson<List<Key>>("v1/keys", {}, { signal });
export const makeKey = (settings: Partial<KeySettings> & { name: string; role: KeyRole }) =>
  callJson<KeyWithSecret>("POST", "v1/keys", settings);
export const changeKey = (id: string, changes: Partial<KeySettings>) =>
  callJson<ChangedKey>("PATCH", `v1/keys/${encodeURIComponent(id)}`, changes);
export const rotateKey = (id: string, grace_hours: number) =>
  callJson<KeyWithSecret>("POST", `v1/keys/${encodeURIComponent(id)}/rotate`, { grace_hours });
export const revokeKey = (id: string) => callJson<Key>("DELETE", `v1/keys/${encodeURIComponent(id)}`);
export const getSwitches = (signal?: AbortSignal) => getJson<Switches>("v1/switches", {}, { signal });
export const setSwitches = (changes: Partial<Switches>) => callJson<Switches>("PATCH", "v1/switches", changes);
export const listChanges = (cursor: string | null, what: string, signal?: AbortSignal) =>
  getJson<List<Change> & { cursor: string | null }>("v1/audit", { cursor, what, limit: 20 }, { signal });
