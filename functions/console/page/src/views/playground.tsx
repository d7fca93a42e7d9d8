/** Try a conversation: see how it would be routed and why, run it, and compare tiers. */

import { useEffect } from "preact/hooks";
import { callJson, getJson } from "../api/client.ts";
import type { Route } from "../api/types.ts";
import { Button, Input, Select } from "../components/basic.tsx";
import { Empty, Failed } from "../components/states.tsx";
import { announce } from "../components/toast.tsx";
import { count, plural, usd } from "../format.ts";
import { useLoaded } from "../hooks.ts";
import { Kept, useShared } from "../kept.ts";
import { hold } from "../leaving.ts";
import { bodyOf, headersOf, message, NO_OPTIONS, sessionError, textOf, tokensError, type Body, type Message, type Options } from "./playground/conversation.ts";
import { Decision } from "./playground/decision.tsx";
import { Editor } from "./playground/editor.tsx";
import { RunCard } from "./playground/run-card.tsx";
import { start, type Run } from "./playground/runs.ts";
import { Snippets } from "./playground/code.tsx";

type Decided = { state: "none" | "busy" } | { state: "done"; route: Route; body: Body } | { state: "failed"; error: Error; body: Body };

/** Runs that are shown together: one, or two side by side. */
interface Batch {
  id: number;
  runs: Run[];
}

const PAIRS = [["1", "2"], ["2", "3"], ["1", "3"]] as const;
const MOST_BATCHES = 20;

/** Requests are paid for, so what follows a click at once, such as a double click, sends none. */
const REST_MS = 1000;

const kept = {
  messages: new Kept<Message[]>(() => [message("user", "")]),
  options: new Kept<Options>(() => NO_OPTIONS),
  pair: new Kept(() => "1-3"),
  decided: new Kept<Decided>(() => ({ state: "none" })),
  batches: new Kept<Batch[]>(() => []),
  resting: new Kept(() => false),
};

function isBusy(): boolean {
  const open = kept.batches.value.some((batch) => batch.runs.some((each) => each.state === "waiting" || each.state === "streaming"));
  return open || kept.decided.value.state === "busy" || kept.resting.value;
}

function rest(): void {
  kept.resting.set(true);
  setTimeout(() => kept.resting.set(false), REST_MS);
}

let lastBatch = 0;

function run(wanted: readonly (readonly [title: string, body: Body])[], headers: Record<string, string>): void {
  if (isBusy()) return;
  const tell = (run: Run) => kept.batches.set(kept.batches.value.map((batch) => ({
    ...batch, runs: batch.runs.map((each) => (each.id === run.id ? run : each)),
  })));
  const runs = wanted.map(([title, body]) => start(title, body, headers, tell));
  kept.batches.set([{ id: ++lastBatch, runs }, ...kept.batches.value].slice(0, MOST_BATCHES));
  rest();
}

async function explain(body: Body, headers: Record<string, string>): Promise<void> {
  if (isBusy()) return;
  kept.decided.set({ state: "busy" });
  rest();
  try {
    const asked = { ...body, route_switch: { ...body.route_switch, explain: true } };
    const route = await callJson<Route>("POST", "v1/route", asked, { headers });
    kept.decided.set({ state: "done", body, route });
    announce(`Decided: Tier ${route.tier}, by ${route.reason}.`);
  } catch (error) {
    kept.decided.set({ state: "failed", body, error: error as Error });
  }
}

export default function Playground() {
  const messages = useShared(kept.messages);
  const options = useShared(kept.options);
  const pair = useShared(kept.pair);
  const decided = useShared(kept.decided);
  const batches = useShared(kept.batches);
  useShared(kept.resting);
  const edit = kept.messages.set;
  const body = bodyOf(messages, options);
  const headers = headersOf(options);
  const isWritten = body.messages.length > 0;
  const ready = isWritten && sessionError(options.sessionId) === null && tokensError(options.maxTokens) === null;
  const busy = isBusy();
  useEffect(() => hold("conversation", isWritten), [isWritten]);
  const compare = () => run(pair.split("-").map((tier) => [`Tier ${tier}`, { ...body, model: `tier-${tier}` }] as const), headers);
  return (
    <div class="playground">
      <section class="stack" aria-label="Conversation">
        <Editor messages={messages} onChange={edit} />
        <Choices options={options} onChange={kept.options.set} />
        <div class="toolbar">
          <Button kind="primary" onClick={() => run([[titleOf(options), body]], headers)} disabled={!ready || busy}>Run</Button>
          <Button onClick={() => explain(body, headers)} disabled={!ready || busy}>{decided.state === "busy" ? "Deciding…" : "Decide only"}</Button>
          <span class="spacer-x" />
          <div class="bar-row together">
            <Select label="Tiers to compare" value={pair} onChange={kept.pair.set} options={PAIRS.map((each) => [each.join("-"), `Tiers ${each.join(" and ")}`] as const)} />
            <Button onClick={compare} disabled={!ready || busy}>Compare</Button>
          </div>
        </div>
        <p class="hint">Runs are ordinary requests: they are charged to this key, counted, and subject to its limits. “Decide only” calls no tier; explaining a decision can cost up to two router calls.</p>
        <Snippets body={body} headers={headers} />
      </section>
      <section class="stack" aria-label="Results">
        <Spent batches={batches} />
        {decided.state === "failed" && <Failed error={decided.error} title={isOf(decided.body, body) ? "No decision" : "No decision on an earlier text"} />}
        {decided.state === "done" && <Decision route={decided.route} asked={decided.body} isEarlier={!isOf(decided.body, body)} />}
        {batches.map((batch) => (
          <div key={batch.id} class={batch.runs.length > 1 ? "pair" : ""}>
            {batch.runs.map((each) => <RunCard key={each.id} run={each} isEarlier={textOf(each.body) !== textOf(body)} onContinue={(text) => edit([...messages, message("assistant", text), message("user", "")])} />)}
          </div>
        ))}
        {batches.length === 0 && decided.state === "none" && (
          <Empty title="Nothing tried yet">
            <p>Write a message and choose “Decide only” to see which tier would answer and why, or “Run” to get an answer.</p>
          </Empty>
        )}
      </section>
    </div>
  );
}

/** Whether a decision is about this text with these options. */
function isOf(asked: Body, body: Body): boolean {
  return JSON.stringify(asked) === JSON.stringify(body);
}

function titleOf(options: Options): string {
  return options.model === "auto" ? "Routed" : options.model;
}

function Choices({ options, onChange }: { options: Options; onChange: (options: Options) => void }) {
  const models = useLoaded(async (signal) => (await getJson<{ data: { id: string }[] }>("v1/models", {}, { signal })).data, []);
  const set = (part: Partial<Options>) => onChange({ ...options, ...part });
  const known = models.data?.map((each) => each.id) ?? [...new Set(["auto", options.model])];
  return (
    <div class="filters">
      <Select
        label="Model" value={options.model} onChange={(model) => set({ model })} options={known.map((each) => [each, each] as const)}
        hint={models.state === "failed" ? "The other models could not be read. Open this view again to try again." : undefined}
      />
      <Select
        label="Profile" value={options.profile} onChange={(profile) => set({ profile })}
        options={[["", "Key default"], ["quality", "Quality"], ["balanced", "Balanced"], ["cost", "Cost"]]}
      />
      <Input label="Max output tokens" value={options.maxTokens} onInput={(maxTokens) => set({ maxTokens })} error={tokensError(options.maxTokens)} input={{ inputMode: "numeric", placeholder: "Stage default" }} />
      <Input label="Session id" value={options.sessionId} error={sessionError(options.sessionId)} onInput={(sessionId) => set({ sessionId })} input={{ placeholder: "None" }} />
    </div>
  );
}

function Spent({ batches }: { batches: Batch[] }) {
  const runs = batches.flatMap((batch) => batch.runs).filter((each) => each.state !== "waiting" && each.state !== "streaming");
  if (runs.length === 0) return null;
  const unknown = runs.filter((each) => each.costUsd === null && each.requestId !== null).length;
  const sum = runs.reduce((total, each) => total + (each.costUsd ?? 0), 0);
  return (
    <p class="hint" role="status">
      {plural(runs.length, "run")} in this tab, {usd(sum)} spent{unknown > 0 && `; the cost of ${count(unknown)} is unknown`}
    </p>
  );
}
