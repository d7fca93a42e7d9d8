/** Curves by day, with the versions of the prompt as marks. */

import { useMemo, useState } from "preact/hooks";
import type { CostsPage, CostsRow, PromptVersion } from "../../api/types.ts";
import { TIERS } from "../../api/types.ts";
import { Segmented } from "../../components/basic.tsx";
import { Chart, type Series } from "../../components/chart.tsx";
import { count, day, duration, percent, usd, usdLike } from "../../format.ts";
import { versionName } from "../../prompt-version.ts";
import { LONGEST_FIRST_MS, LONGEST_MS, percentile } from "./percentiles.ts";
import { cumulative, secondsOf, spentWithLearning } from "./sums.ts";

const NOON = 12 * 3600;

type Kind = "daily" | "sum";

const formatX = (x: number) => day(new Date(x * 1000).toISOString().slice(0, 10));

export function Curves({ page, versions }: { page: CostsPage; versions: PromptVersion[] }) {
  const [kind, show] = useState<Kind>("daily");
  const x = useMemo(() => page.data.map((row) => secondsOf(row.day ?? "") + NOON), [page]);
  const marks = useMemo(() => versions.flatMap((each) => {
    const at = each.written_at === null ? NaN : Date.parse(each.written_at) / 1000;
    return Number.isNaN(at) ? [] : [{ x: at, label: versionName(each.version) }];
  }).sort((a, b) => a.x - b.x), [versions]);
  const drawn = useMemo(() => series(page.data, kind), [page, kind]);
  const shared = { x, marks, formatX };
  const gaps = gapsOf(page);
  return (
    <div class="grid-2">
      <section class="card">
        <Chart
          {...shared} title={kind === "daily" ? "Cost by day" : "Cumulative cost"} series={drawn.costs} format={usd} formatAxis={(all) => all.map(usdLike(all))}
          details={gaps.length === 0 ? [] : unpricedColumns(page)}
          tools={<Segmented label="Kind of sum" value={kind} onChange={show} options={[["daily", "By day"], ["sum", "Cumulative"]]} />}
        />
        {gaps.length > 0 && <p class="hint">{gaps.join(" ")}</p>}
      </section>
      <section class="card"><Chart {...shared} title="Answers by tier" series={drawn.tiers} format={count} stacked /></section>
      <section class="card"><Chart {...shared} title="Quality from people" series={drawn.quality} format={percent} range={[0, 1]} empty="No ratings in this range." /></section>
      <section class="card"><Chart {...shared} title="Latency" series={drawn.latency} format={(ms) => percentile(ms, LONGEST_MS)} formatAxis={(all) => all.map(duration)} /></section>
    </div>
  );
}

/** What the curves of costs leave out, as sentences. */
function gapsOf({ total: { unpriced } }: CostsPage): string[] {
  return [
    unpriced?.spent ? `Spent is a lower bound: ${unpriced.spent}.` : "",
    unpriced?.baseline ? `“All Tier 3” is incomplete: ${unpriced.baseline}.` : "",
  ].filter((each) => each !== "");
}

const unpricedColumns = ({ data }: CostsPage) => [
  { name: "Unpriced requests", cell: (n: number) => count(data[n]?.requests_without_cost) },
  { name: "Answers without an estimate", cell: (n: number) => count(data[n]?.requests_without_baseline) },
];

function series(rows: CostsRow[], kind: Kind): Record<"costs" | "tiers" | "quality" | "latency", Series[]> {
  const sums = (values: (number | null)[]) => (kind === "sum" ? cumulative(values) : values);
  return {
    costs: [
      { name: "Spent", color: "--accent", filled: true, values: sums(rows.map(spentWithLearning)) },
      { name: "All Tier 3, estimated", color: "--ink-faint", dashed: true, values: sums(rows.map((row) => row.baseline_estimated_usd)) },
    ],
    tiers: TIERS.map((tier) => ({
      name: `Tier ${tier}`, color: `--tier-${tier}`, values: rows.map((row) => row.tiers?.[tier] ?? null),
    })),
    quality: [{ name: "Mean rating", color: "--good", values: rows.map((row) => row.quality?.people?.mean ?? null) }],
    latency: [
      { name: "Median", color: "--accent", values: rows.map((row) => row.latency_ms?.p50 ?? null) },
      { name: "95th percentile", color: "--tier-3", values: rows.map((row) => row.latency_ms?.p95 ?? null) },
      {
        name: "First token, median", color: "--tier-1", dashed: true, values: rows.map((row) => row.first_token_ms?.p50 ?? null),
        format: (ms) => percentile(ms, LONGEST_FIRST_MS),
      },
    ],
  };
}
