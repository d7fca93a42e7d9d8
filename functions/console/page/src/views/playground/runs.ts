/** Runs of a conversation: streamed answers, each with its state. */

import { ApiError, call, getJson } from "../../api/client.ts";
import type { RequestRecord, Tier } from "../../api/types.ts";
import { wordsOf } from "../../api/words.ts";
import { eventData } from "../../sse.ts";
import type { Body } from "./conversation.ts";

export interface Run {
  id: number;
  title: string;
  body: Body;
  state: "waiting" | "streaming" | "done" | "stopped" | "failed";
  text: string;
  requestId: string | null;
  tier: Tier | null;
  reason: string | null;
  model: string | null;
  /** What the answer's headers say besides: budget, adjustments, models that were left out. */
  notes: string[];
  costUsd: number | null;
  savedUsd: number | null;
  firstTokenMs: number | null;
  totalMs: number | null;
  finish: string | null;
  error: Error | null;
  stop: () => void;
}

interface Chunk {
  choices?: { delta?: { content?: string | null; tool_calls?: unknown }; finish_reason?: string | null }[];
  route_switch?: { tier?: Tier; reason?: string; model?: string; cost_usd?: number | null; saved_usd?: number | null };
  error?: { message?: string; code?: string | null };
}

let last = 0;

/** The last event of a whole stream. A connection can also end as if it had been one. */
const END = "[DONE]";

/** How long the record of a stopped answer takes to be written, at most as a rule. */
const RECORD_MS = 4000;

/** Start a run and return its first state. `tell` gets every later one. */
export function start(title: string, body: Body, headers: Record<string, string>, tell: (run: Run) => void): Run {
  const controller = new AbortController();
  const run: Run = {
    id: ++last, title, body, state: "waiting", text: "", requestId: null, tier: null, reason: null, model: null, notes: [],
    costUsd: null, savedUsd: null, firstTokenMs: null, totalMs: null, finish: null, error: null,
    stop: () => controller.abort(),
  };
  void follow(run, body, headers, controller.signal, tell);
  return run;
}

async function follow(run: Run, body: Body, headers: Record<string, string>, signal: AbortSignal, tell: (run: Run) => void): Promise<void> {
  const began = performance.now();
  let now = run;
  const change = (part: Partial<Run>) => tell((now = { ...now, ...part }));
  try {
    const sent = { ...body, stream: true, stream_options: { include_usage: true } };
    const response = await call("POST", "v1/chat/completions", sent, { signal, headers });
    change({ state: "streaming", ...decided(response.headers) });
    let isWhole = false;
    for await (const data of eventData(chunks(response))) {
      isWhole = data === END;
      if (isWhole) break;
      change(read(now, JSON.parse(data) as Chunk, performance.now() - began));
    }
    if (!isWhole) throw brokenOff();
    change({ state: "done", totalMs: performance.now() - began });
  } catch (error) {
    const stopped = error instanceof DOMException && error.name === "AbortError";
    change({ state: stopped ? "stopped" : "failed", error: stopped ? null : broken(error), totalMs: performance.now() - began });
    if (stopped) await costOfStopped(now, change);
  }
}

function broken(error: unknown): Error {
  return error instanceof ApiError ? error : brokenOff();
}

function brokenOff(): ApiError {
  return new ApiError("The connection was lost before the answer was complete. You may be charged for it.", 0, "broken_off");
}

async function* chunks(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body!.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
}

function decided(headers: Headers): Partial<Run> {
  const tier = Number(headers.get("x-route-tier"));
  const notes = [
    headers.get("x-route-budget") === "spent" && "The key's budget is spent, which lowered the tier.",
    headers.has("x-route-adjusted") && `Changed for the model: ${headers.get("x-route-adjusted")}.`,
    headers.has("x-route-skipped") && `Not called, because they keep failing: ${headers.get("x-route-skipped")}.`,
  ];
  return {
    requestId: headers.get("x-request-id"),
    tier: tier >= 1 && tier <= 3 ? (tier as Tier) : null,
    reason: headers.get("x-route-reason"),
    model: headers.get("x-route-model"),
    notes: notes.filter((each) => each !== false),
  };
}

/** What a chunk changes. The last one has the costs. */
function read(run: Run, chunk: Chunk, elapsedMs: number): Partial<Run> {
  if (chunk.error !== undefined) {
    const code = chunk.error.code ?? null;
    throw new ApiError(wordsOf(code, chunk.error.message ?? "The answer was interrupted."), 200, code, run.requestId);
  }
  const choice = chunk.choices?.[0];
  const added = choice?.delta?.content ?? "";
  const tools = choice?.delta?.tool_calls === undefined ? "" : `${JSON.stringify(choice.delta.tool_calls)}\n`;
  const costs = chunk.route_switch;
  return {
    text: run.text + added + tools,
    ...(added !== "" && run.firstTokenMs === null ? { firstTokenMs: elapsedMs } : {}),
    ...(choice?.finish_reason ? { finish: choice.finish_reason } : {}),
    ...(costs === undefined ? {} : {
      costUsd: costs.cost_usd ?? null, savedUsd: costs.saved_usd ?? null,
      tier: costs.tier ?? run.tier, reason: costs.reason ?? run.reason, model: costs.model ?? run.model,
    }),
  };
}

/** What was answered until it was stopped is paid for: the record says how much. */
async function costOfStopped(run: Run, change: (part: Partial<Run>) => void): Promise<void> {
  if (run.requestId === null) return;
  await new Promise((resolve) => setTimeout(resolve, RECORD_MS));
  const record = await getJson<RequestRecord>(`v1/results/${encodeURIComponent(run.requestId)}`).catch(() => null);
  if (record !== null) change({ costUsd: record.cost_usd, savedUsd: record.saved_usd });
}
