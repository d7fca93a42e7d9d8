/** Which of the last requests an edit would move, and what that costs. Asking costs router calls. */

import { useState } from "preact/hooks";
import { previewPrompt, type MovedRequest, type Preview as Previewed } from "../../api/owner.ts";
import { Button, Input, TierBadge } from "../../components/basic.tsx";
import { Failed, Loading } from "../../components/states.tsx";
import { Stat, Stats } from "../../components/stat.tsx";
import { Table } from "../../components/table.tsx";
import { announce } from "../../components/toast.tsx";
import { count, percent, plural, usd } from "../../format.ts";
import { Kept, useShared } from "../../kept.ts";
import { href } from "../../router.ts";

type Told = ({ found: Previewed; document: string } | { error: Error }) & { base: number };

/** It was paid for, so it stays while the reader looks at a request that would move. */
const last = new Kept<Told | null>(() => null);
/** The preview under way, which goes on while the reader looks at another view: each one is paid for. */
const asking = new Kept<symbol | null>(() => null);

interface PreviewProps {
  document: string;
  /** Whether it equals the live version, whose number is `base`. */
  same: boolean;
  base: number;
}

export function Preview({ document, same, base }: PreviewProps) {
  const [sample, setSample] = useState("25");
  const [days, setDays] = useState("7");
  const [budget, setBudget] = useState("0.25");
  const told = useShared(last);
  const shown = told?.base === base ? told : null;
  const busy = useShared(asking) !== null;
  const wrong = {
    sample: outside(sample, 1, 100, true), days: outside(days, 1, 30, true), budget: outside(budget, 0.000001, 1, false),
  };
  const isWrong = Object.values(wrong).some((each) => each !== null);
  const run = async () => {
    if (isWrong || asking.value !== null) return;
    const own = Symbol("preview");
    asking.set(own);
    const isCurrent = () => asking.value === own; // the key was not forgotten meanwhile
    await previewPrompt(document, Number(sample), Number(days), Number(budget)).then(
      (found) => {
        if (!isCurrent()) return;
        last.set({ found, document, base });
        announce(`Previewed: ${count(movedOf(found))} of ${plural(found.compared, "request")} change their tier.`);
      },
      (error: Error) => void (isCurrent() && last.set({ error, base })),
    );
    if (isCurrent()) asking.set(null);
  };
  return (
    <section class="card" aria-label="Preview">
      <h2>Preview</h2>
      <div class="stack">
        <p class="hint">Asks the router LLM about some of the last requests, with the live prompt and with your edit. No tier answers.</p>
        <div class="toolbar">
          <Input label="Requests (1 to 100)" value={sample} onInput={setSample} error={wrong.sample} input={{ inputMode: "numeric" }} />
          <Input label="Days (1 to 30)" value={days} onInput={setDays} error={wrong.days} input={{ inputMode: "numeric" }} />
          <Input label="Max spend, USD (up to 1)" value={budget} onInput={setBudget} error={wrong.budget} input={{ inputMode: "decimal" }} />
          <Button busy={busy} disabled={same || isWrong} onClick={run}>{busy ? "Asking the router LLM…" : "Preview"}</Button>
        </div>
        {same && <p class="hint">Edit the prompt first: it equals the live version.</p>}
        {busy && <Loading label="Previewing" lines={3} />}
        {!busy && shown !== null && ("error" in shown ? <Failed error={shown.error} retry={run} /> : <Result {...shown} current={document} />)}
      </div>
    </section>
  );
}

function outside(text: string, low: number, high: number, isWhole: boolean): string | null {
  const value = Number(text);
  const isFine = /^[\d.]+$/.test(text.trim()) && value >= low && value <= high && (!isWhole || Number.isInteger(value));
  if (isFine) return null;
  return isWhole ? `Enter a whole number from ${low} to ${high}.` : `Enter an amount above 0 and up to ${high}.`;
}

function Result({ found, document, current }: { found: Previewed; document: string; current: string }) {
  const moved = movedOf(found);
  const [before, after] = [found.cost_usd_before, found.cost_usd_after];
  const change = before !== null && after !== null && before > 0 ? (after - before) / before : null;
  return (
    <div class="stack">
      {document !== current && <p class="notice warn">You have changed the text since this preview.</p>}
      <Stats>
        <Stat label="Would move" value={count(moved)} note={comparedWords(found)} />
        <Stat label="Cost of answers now" value={usd(before)} mark="estimated" />
        <Stat
          label="With your edit" value={usd(after)} mark="estimated"
          note={change === null ? undefined : `${change < 0 ? "−" : "+"}${percent(Math.abs(change), 1)}`}
        />
        <Stat label="Cost of the preview" value={usd(found.router_cost_usd)} note="router calls" />
      </Stats>
      <ul class="bullets">
        {found.moves.map((each) => (
          <li key={`${each.from}-${each.to}`}><TierBadge tier={each.from} /> to <TierBadge tier={each.to} />: {count(each.requests)}</li>
        ))}
        {found.unknown_cost > 0 && <li>The cost of {count(found.unknown_cost)} is unknown: a model has no price.</li>}
        {found.notes.map((each) => <li key={each}>{each}</li>)}
      </ul>
      {found.moved.length > 0 && <Moved moved={found.moved} />}
    </div>
  );
}

const movedOf = (found: Previewed) => found.moves.reduce((sum, each) => sum + each.requests, 0);

/** Equal queries are asked once, so there can be fewer queries than requests. */
function comparedWords(found: Previewed): string {
  const share = found.compared > 0 ? ` (${percent(movedOf(found) / found.compared)})` : "";
  return `of ${plural(found.compared, "request")} compared${share}, with ${plural(found.queries, "different query", "different queries")}`;
}

function Moved({ moved }: { moved: MovedRequest[] }) {
  return (
    <Table
      caption="Queries that would move" rows={moved.map((each, n) => ({ ...each, n }))} rowKey={(each) => String(each.n)}
      columns={[
        { name: "Move", cell: (each) => <span class="tiers"><TierBadge tier={each.from} />→<TierBadge tier={each.to} /></span> },
        { name: "Requests", cell: (each) => count(each.requests), numeric: true },
        { name: "Answer now", cell: (each) => usd(each.cost_usd_before), numeric: true, wide: true },
        { name: "With your edit", cell: (each) => usd(each.cost_usd_after), numeric: true, wide: true },
        { name: "Query", cell: (each) => <Asked by={each} /> },
      ]}
    />
  );
}

/** The query and one of the requests that asked it, as far as the stage stores them. */
function Asked({ by: { query_text, request_id } }: { by: MovedRequest }) {
  return (
    <>
      <span class="clamp">{query_text ?? "not stored"}</span>
      {request_id !== null && <a href={href("decisions", { id: request_id })} aria-label={`Record of ${request_id}`}>Record</a>}
    </>
  );
}
