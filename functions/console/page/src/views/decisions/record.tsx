/** One request: who answered and why, every call, costs, and texts where the stage stores them. */

import { callJson, getJson } from "../../api/client.ts";
import type { Attempt, RequestRecord } from "../../api/types.ts";
import { Badge, Button, Code, Facts, TierBadge, Time } from "../../components/basic.tsx";
import { confirm, Dialog } from "../../components/dialog.tsx";
import { Loads } from "../../components/states.tsx";
import { Table, type Column } from "../../components/table.tsx";
import { toast } from "../../components/toast.tsx";
import { count, duration, percent, plural, usd } from "../../format.ts";
import { useLoaded } from "../../hooks.ts";
import { versionName } from "../../prompt-version.ts";
import { BASES, REASONS } from "../../reasons.ts";
import { StatusBadge } from "../decisions.tsx";
import { areHashes } from "./hashes.ts";
import { headersOf } from "./headers.ts";

interface Deleted {
  /** Learning runs that hold the request until they end. */
  pending: string[];
  remains: { place: string; what_to_do: string }[];
}

interface RecordProps {
  id: string;
  onClose: () => void;
  onDeleted: () => void;
}

export function Record({ id, onClose, onDeleted }: RecordProps) {
  const path = `v1/results/${encodeURIComponent(id)}`;
  const record = useLoaded((signal) => getJson<RequestRecord>(path, {}, { signal }), [id]);
  const remove = async () => {
    const body = <p>This deletes the record, its texts, its feedback and what learning derived from it. Cost totals stay. This cannot be undone.</p>;
    if (!(await confirm({ title: "Delete this request?", body, action: "Delete", danger: true }))) return;
    try {
      const { pending, remains } = await callJson<Deleted>("DELETE", path);
      toast("Deleted.");
      if (pending.length > 0) toast(`Still in progress: ${pending.join(", ")}. It removes its copy of this request when it ends.`, "warn");
      for (const { place, what_to_do } of remains) toast(`Not deleted: ${place}. ${what_to_do}`, "warn");
      onDeleted();
    } catch (error) {
      toast((error as Error).message, "bad");
    }
  };
  return (
    <Dialog title="Request" shape="side" onClose={onClose}>
      <p class="mono">{id}</p>
      <Loads of={record} lines={12}>{(told) => <Details record={told} />}</Loads>
      {record.state === "ready" && <footer><Button kind="danger" onClick={remove}>Delete this request</Button></footer>}
    </Dialog>
  );
}

function Details({ record }: { record: RequestRecord }) {
  return (
    <div class="record">
      <div class="record-head">
        <TierBadge tier={record.tier} />
        <StatusBadge status={record.status} />
        <span>{record.model}</span>
        <span class="faint"><Time at={record.created_at} /></span>
      </div>
      <Why record={record} />
      <Costs record={record} />
      <section>
        <h3>Calls</h3>
        <Attempts attempts={record.attempts} />
      </section>
      <Texts record={record} />
      <Feedback record={record} />
      <section>
        <h3>Routing headers, from the record</h3>
        <p class="hint">The record does not keep x-route-overhead-ms, x-route-budget and the headers of x-route-debug.</p>
        <Code label="Routing headers, from the record" text={headersOf(record).map(([name, value]) => `${name}: ${value}`).join("\n")} />
      </section>
    </div>
  );
}

function Why({ record }: { record: RequestRecord }) {
  return (
    <section>
      <h3>Why</h3>
      <Facts
        entries={[
          ["Reason", <><strong>{record.reason}</strong>: {REASONS[record.reason] ?? record.why}</>],
          record.why ? ["Details", record.why] : null,
          record.decided_tier !== record.tier ? ["Decided", <TierBadge tier={record.decided_tier} />] : null,
          record.routed_tier !== null && record.routed_tier !== record.tier ? ["Routing chose", <TierBadge tier={record.routed_tier} />] : null,
          record.shadow_tier !== null ? ["In shadow", <><TierBadge tier={record.shadow_tier} /> ({record.shadow_reason}), {usd(record.shadow_cost_usd)}</>] : null,
          record.provider_model === null ? null : ["Provider's model", record.provider_model],
          ["Query", `${plural(record.query_tokens, "token")}, ${plural(record.router_tokens, "token")} to the router`],
          ["Prompt", versionName(record.prompt_version)],
          record.strategy ? ["Strategy", record.strategy] : null,
          ["Profile", record.profile ?? "balanced"],
          record.session ? ["Session", record.session] : null,
          record.skipped_models?.length ? ["Skipped, because they keep failing", record.skipped_models.join(", ")] : null,
          ["Key", <span class="mono">{record.key_id}</span>],
          record.user ? ["User", record.user] : null,
        ]}
      />
    </section>
  );
}

/** The saving with its range, unless that is empty. */
function savedWords(saved: number, low: number | null, high: number | null): string {
  const isRange = low !== null && high !== null && usd(low) !== usd(high);
  return isRange ? `${usd(saved)}, between ${usd(low)} and ${usd(high)}` : usd(saved);
}

function Costs({ record }: { record: RequestRecord }) {
  const estimated = record.baseline_estimated ? " (estimated)" : "";
  return (
    <section>
      <h3>Costs and time</h3>
      <Facts
        entries={[
          ["Cost", usd(record.cost_usd)],
          ["Of that, the router", usd(record.router_cost_usd)],
          [`On Tier 3${estimated}`, usd(record.baseline_cost_usd)],
          [`Saved${estimated}`, record.saved_usd === null ? "unknown" : savedWords(record.saved_usd, record.saved_usd_low, record.saved_usd_high)],
          ["Basis of the saving", BASES[record.saving_basis] ?? record.saving_basis],
          record.session_saved_usd != null ? ["Session expects to save", usd(record.session_saved_usd)] : null,
          ["Latency", `${duration(record.latency_ms)}, including ${duration(record.routing_ms)} for routing`],
        ]}
      />
    </section>
  );
}

const CALLS: readonly Column<Attempt>[] = [
  { name: "Model", cell: (each) => <>{each.model}{each.purpose && <> <Badge>{each.purpose}</Badge></>}</> },
  { name: "For", cell: (each) => (each.tier === null ? "Router" : <TierBadge tier={each.tier} />) },
  { name: "Status", cell: (each) => <><span class={each.error === null ? "" : "bad-text"}>{each.status}</span>{each.error && <div class="bad-text">{each.error}</div>}{each.adjusted.map((note) => <div class="hint">{note}</div>)}</> },
  { name: "Tokens in", numeric: true, cell: (each) => count(each.usage?.input_tokens) },
  { name: "Cached", numeric: true, wide: true, cell: (each) => count(each.usage?.cached_input_tokens) },
  { name: "Tokens out", numeric: true, cell: (each) => count(each.usage?.output_tokens) },
  { name: "Cost", numeric: true, cell: (each) => <>{usd(each.cost_usd)}{each.estimated && " est."}</> },
  { name: "Latency", numeric: true, cell: (each) => duration(each.latency_ms) },
  { name: "First token", numeric: true, wide: true, cell: (each) => duration(each.first_token_ms) },
];

function Attempts({ attempts }: { attempts: Attempt[] }) {
  if (attempts.length === 0) return <p class="hint">No model was called.</p>;
  const rows = attempts.map((each, n) => ({ ...each, n }));
  return <Table caption="Calls of models, in order" columns={CALLS} rows={rows} rowKey={(each) => String((each as Attempt & { n: number }).n)} />;
}

/** What the stage stores of the texts: the texts, their hashes, or nothing. */
function Texts({ record: { query_text, answer_text } }: { record: RequestRecord }) {
  if (query_text === null && answer_text === null) {
    return <section><h3>Texts</h3><p class="hint">This stage does not store the texts of this request.</p></section>;
  }
  const isHashed = areHashes(query_text, answer_text);
  const title = (name: string) => (isHashed ? `Hash of the ${name}` : `${name.charAt(0).toUpperCase()}${name.slice(1)}`);
  return (
    <section class="stack">
      {isHashed && <p class="hint">This stage stores hashes of texts, not the texts. Equal texts have equal hashes.</p>}
      <Stored title={title("query")} text={query_text} />
      <Stored title={title("answer")} text={answer_text} />
    </section>
  );
}

function Stored({ title, text }: { title: string; text: string | null }) {
  return <div><h3>{title}</h3><div class="text" tabIndex={0} role="region" aria-label={title}>{text ?? "not stored"}</div></div>;
}

function Feedback({ record }: { record: RequestRecord }) {
  const given = record.feedback;
  if (given == null) return null;
  return (
    <section>
      <h3>Feedback</h3>
      <Facts
        entries={[
          given.thumb ? ["Thumb", given.thumb] : null,
          ["Score", percent(given.score)],
          given.comment ? ["Comment", given.comment] : null,
        ]}
      />
    </section>
  );
}
