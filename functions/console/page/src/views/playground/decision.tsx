/** A decision: the tier, why, how sure, and what each tier would cost. */

import type { Route } from "../../api/types.ts";
import { TIERS } from "../../api/types.ts";
import { Badge, Bar, Facts, TierBadge } from "../../components/basic.tsx";
import { Table } from "../../components/table.tsx";
import { count, decimal, percent, usd, usdLike } from "../../format.ts";
import { versionName } from "../../prompt-version.ts";
import { REASONS, SESSIONS } from "../../reasons.ts";
import { Asked } from "./asked.tsx";
import type { Body } from "./conversation.ts";
import { leadWords, sentencesOf } from "./explained.ts";

export function Decision({ route, asked, isEarlier }: { route: Route; asked: Body; isEarlier: boolean }) {
  const { explanation } = route;
  return (
    <article class="card stack" aria-label="Decision">
      <header class="record-head">
        <TierBadge tier={route.tier} />
        <strong>{route.model}</strong>
        <Badge title={REASONS[route.reason]}>{route.reason}</Badge>
        <span class="faint">{versionName(route.prompt_version)}, profile {route.profile}</span>
      </header>
      <Asked body={asked} isEarlier={isEarlier} />
      {explanation === null ? <p>{REASONS[route.reason] ?? route.why}</p> : (
        <ul class="sentences">{sentencesOf(explanation).map((each) => <li key={each}>{each}</li>)}</ul>
      )}
      <Spoke route={route} />
      <Sureness route={route} />
      <Prices route={route} />
      <Facts
        entries={[
          ["Session", sessionOf(route)],
          ["Query", `${count(route.query_tokens)} tokens; the prices assume an answer of ${count(route.assumed_output_tokens)} tokens`],
          route.shadow_tier === null ? null : ["In shadow", <><TierBadge tier={route.shadow_tier} /> ({route.shadow_reason})</>],
          explanation?.evidence?.was_asked ? ["Cost of the explanation", usd(explanation.evidence.cost_usd)] : null,
        ]}
      />
      {explanation !== null && explanation.changes.length > 0 && (
        <details>
          <summary>What would change this decision</summary>
          <ul class="sentences">{explanation.changes.map((each) => <li key={each}>{each}</li>)}</ul>
        </details>
      )}
    </article>
  );
}

function sessionOf(route: Route): string {
  if (route.session === null) return "no rule applies: the tier was fixed, or the request has no session";
  const saved = route.session_saved_usd === null ? "" : ` (expected to save ${usd(route.session_saved_usd)}, further turns included)`;
  return (SESSIONS[route.session] ?? route.session) + saved;
}

function Spoke({ route }: { route: Route }) {
  const text = route.explanation?.evidence?.text;
  if (!text) return null;
  return (
    <blockquote class="spoke">
      <div class="hint">{text.kind === "demo" ? "Demo" : "Criterion"} {text.number} of Tier {text.tier} is the strongest evidence</div>
      {text.text ?? <span class="faint">Its text is shown to admin keys only.</span>}
    </blockquote>
  );
}

/** How far the chosen tier leads: by similarity, or by what a local model expects. */
function Sureness({ route }: { route: Route }) {
  const { evidence, local } = route.explanation ?? { evidence: null, local: null };
  const scores = evidence?.scores ?? null;
  if (scores === null && local === null) {
    return <p class="hint">Confidence: {evidence?.without_text ? sureness(route.tier, evidence.without_text) : "this decision has no score."}</p>;
  }
  const values = TIERS.map((tier) => (local === null ? scores![tier] ?? 0 : local.expected[tier]?.objective ?? 0));
  const own = values[route.tier - 1] ?? 0;
  const next = TIERS.filter((tier) => tier !== route.tier).reduce((best, tier) => (values[tier - 1]! > values[best - 1]! ? tier : best));
  const highest = Math.max(...values, 0.000001);
  return (
    <section>
      <h3>{leadWords(route.tier, next, own - values[next - 1]!, local?.asked ?? false)}</h3>
      <div class="scores">
        {TIERS.map((tier, n) => (
          <div key={tier} class="score">
            <TierBadge tier={tier} />
            <Bar tone={`mix-${tier}`} label={`Score of Tier ${tier}`} value={values[n] ?? 0} of={highest} />
            <span>{decimal(values[n], 3)}{local !== null && `, chance ${percent(local.expected[tier]?.chance)}`}</span>
          </div>
        ))}
      </div>
      {local !== null && <p class="hint">A tier's score is its chance of an answer no worse than Tier 3's, less λ times its cost.</p>}
      {local?.ask_below != null && <p class="hint">The router LLM {local.asked ? "was" : "was not"} asked: it is asked below a lead of {decimal(local.ask_below, 3)}.</p>}
      {evidence?.without_text != null && <p class="hint">{sureness(route.tier, evidence.without_text)}</p>}
    </section>
  );
}

function sureness(tier: number, without: number): string {
  return tier === without ? `Without that text it would still be Tier ${tier}.` : `Without that text, it would be Tier ${without}.`;
}

function Prices({ route }: { route: Route }) {
  const costs = route.estimated_cost_usd;
  const money = usdLike(Object.values(costs));
  const chosen = costs[route.tier] ?? null;
  return (
    <Table
      caption="Estimated cost on each tier" rows={TIERS} rowKey={String}
      columns={[
        { name: "Tier", cell: (tier) => <><TierBadge tier={tier} /> {tier === route.tier && <span class="hint">chosen</span>}</> },
        { name: "Estimated cost", numeric: true, cell: (tier) => money(costs[tier] ?? null) },
        {
          name: "Relative to the chosen tier", numeric: true,
          cell: (tier) => (chosen === null || chosen === 0 || costs[tier] == null ? "–" : `${decimal(costs[tier] / chosen, 2)} ×`),
        },
      ]}
    />
  );
}
