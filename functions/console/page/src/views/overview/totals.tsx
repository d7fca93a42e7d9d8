import type { Costs } from "../../api/types.ts";
import { Stat, Stats } from "../../components/stat.tsx";
import { count, percent, plural, UNKNOWN, usd, usdLike } from "../../format.ts";
import { known, LONGEST_FIRST_MS, LONGEST_MS, p95, percentile } from "./percentiles.ts";
import { spentWithLearning } from "./sums.ts";
import type { Verdict } from "./judged.ts";
import { TierMix } from "./tier-mix.tsx";

interface TotalsProps {
  total: Costs;
  /** The sums of as many days before the range, to compare with. */
  earlier: Costs | null;
  verdict: Verdict | null;
}

export function Totals({ total, earlier, verdict }: TotalsProps) {
  return (
    <Stats>
      <Stat
        label="Spent" value={usd(spentWithLearning(total))}
        note={<>{parts(total)}<Change now={spentWithLearning(total)} then={earlier && spentWithLearning(earlier)} /></>}
      />
      <Saved total={total} />
      <Stat
        label="All on Tier 3" mark="estimated" value={usd(total.baseline_estimated_usd)}
        note={baseline(total)}
      />
      <Stat
        label="Requests" value={count(total.requests)}
        note={<>{requests(total)}<Change now={total.requests} then={earlier && earlier.requests} /></>}
      />
      <Stat label="Tier mix" value={<TierMix tiers={total.tiers} />} note="Tiers 1 · 2 · 3" />
      <Quality total={total} verdict={verdict} />
      <Stat
        label="Latency, median" value={percentile(total.latency_ms?.p50, LONGEST_MS)}
        note={<>{p95(total.latency_ms?.p95, LONGEST_MS)}<Change now={known(total.latency_ms?.p50, LONGEST_MS)} then={known(earlier?.latency_ms?.p50, LONGEST_MS)} /></>}
      />
      <Stat label="First token, median" value={percentile(total.first_token_ms?.p50, LONGEST_FIRST_MS)} note={p95(total.first_token_ms?.p95, LONGEST_FIRST_MS)} />
    </Stats>
  );
}

/** How a figure compares with the previous period. Nothing if that had none. */
function Change({ now, then }: { now: number | null | undefined; then: number | null | undefined }) {
  if (now == null || then == null || then <= 0) return null;
  const share = percent(Math.abs(now / then - 1));
  return <div>{share === "0%" ? "the same as" : `${now >= then ? "+" : "−"}${share} vs.`} the previous period</div>;
}

function parts(total: Costs): string {
  const money = usdLike([total.spent_usd, total.learning_usd]);
  const learning = total.learning_usd === null ? "" : `; learning ${money(total.learning_usd)}`;
  const missing = total.unpriced?.spent ? `; ${total.unpriced.spent}` : "";
  return `requests ${money(total.spent_usd)}, of which the router ${money(total.router_usd)}${learning}${missing}`;
}

function baseline(total: Costs): string {
  const missing = total.unpriced?.baseline ? `; ${total.unpriced.baseline}` : "";
  return `what the same answers would have cost there${missing}`;
}

function Saved({ total }: { total: Costs }) {
  const { saved_estimated_usd: saved, baseline_estimated_usd: baseline } = total;
  const isOfTheSame = total.requests_without_saving === total.requests_without_baseline; // answers
  const share = saved === null || baseline === null || baseline <= 0 || !isOfTheSame ? null : saved / baseline;
  const notes = [
    saved !== null && total.estimated && usd(total.saved_usd_low) !== usd(total.saved_usd_high) && `between ${usd(total.saved_usd_low)} and ${usd(total.saved_usd_high)}`,
    "net of router and learning",
    total.unpriced?.saved,
  ];
  return (
    <Stat
      label="Saved" mark={total.estimated ? "estimated" : undefined}
      value={saved === null ? UNKNOWN : <>{usd(saved)}{share !== null && <small class="share"> {percent(share)}</small>}</>}
      note={notes.filter(Boolean).join("; ")}
    />
  );
}

function requests(total: Costs): string {
  return [
    `${count(total.answered)} answered`,
    (total.failed ?? 0) > 0 && `${count(total.failed)} failed`,
    (total.dry_runs ?? 0) > 0 && `${count(total.dry_runs)} decided only`,
  ].filter(Boolean).join(", ");
}

function Quality({ total, verdict }: { total: Costs; verdict: Verdict | null }) {
  const people = total.quality?.people ?? null;
  const judge = verdict?.quality ?? null;
  if (people === null && judge !== null) {
    return (
      <Stat
        label="Quality, by the judge" value={percent(judge.mean, 1)}
        note={`as good as Tier 3${judge.n ? ` on ${plural(judge.n, "example")}` : ""}; no ratings from people yet`}
      />
    );
  }
  const notes = [
    people === null ? "no ratings from people yet" : `of ${plural(people.n, "rating")} from people`,
    judge !== null && `judge: ${percent(judge.mean, 1)}${judge.n ? ` on ${count(judge.n)} examples` : ""} as good as Tier 3`,
  ];
  return <Stat label="Quality" value={percent(people?.mean)} note={notes.filter(Boolean).join("; ")} />;
}
