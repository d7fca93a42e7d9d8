import type { CostsPage, CostsRow, GroupBy } from "../../api/types.ts";
import { Empty } from "../../components/states.tsx";
import { Table, type Column } from "../../components/table.tsx";
import { count, day, percent, usd, usdLike } from "../../format.ts";
import { LONGEST_FIRST_MS, LONGEST_MS, percentile } from "./percentiles.ts";
import { spentWithLearning } from "./sums.ts";
import { TierMix } from "./tier-mix.tsx";

const NAMES: Record<GroupBy, string> = { day: "Day", key: "Key", tag: "Tag", model: "Model", tier: "Tier" };

function nameOf(by: GroupBy, row: CostsRow): string {
  switch (by) {
    case "day": return day(row.day ?? "");
    case "key": return row.name ?? row.key_id ?? "Deleted keys";
    case "tag": return row.tag ?? "No tag";
    case "model": return row.model ?? "No model";
    case "tier": return row.tier === "router" ? "Router" : `Tier ${row.tier}`;
  }
}

export function Breakdown({ page }: { page: CostsPage }) {
  const by = page.group_by;
  const rows = by === "day" ? page.data.filter((row) => (row.requests ?? 0) > 0 || spentWithLearning(row) !== 0).reverse() : page.data;
  if (rows.length === 0) return <Empty title="No requests in this range" />;
  const money = usdLike(rows.flatMap((row) => [spentWithLearning(row), row.saved_estimated_usd]));
  const saved = (row: CostsRow) => (row.saved_estimated_usd === null || usd(row.saved_usd_low) === usd(row.saved_usd_high) ? undefined : `between ${usd(row.saved_usd_low)} and ${usd(row.saved_usd_high)}`);
  const columns: (Column<CostsRow> & { known?: (row: CostsRow) => unknown })[] = [
    { name: NAMES[by], cell: (row) => nameOf(by, row) },
    { name: "Requests", numeric: true, known: (row) => row.requests, cell: (row) => count(row.requests) },
    { name: "Answers", numeric: true, known: (row) => row.answered, cell: (row) => count(row.answered) },
    { name: "Spent", numeric: true, cell: (row) => <Sum text={money(spentWithLearning(row))} unpriced={row.requests_without_cost} hint={row.unpriced?.spent} /> },
    {
      name: "Saved (est.)", numeric: true, known: (row) => row.saved_estimated_usd,
      cell: (row) => <Sum text={money(row.saved_estimated_usd)} title={saved(row)} unpriced={row.requests_without_saving} hint={row.unpriced?.saved} />,
    },
    { name: "Tiers 1 · 2 · 3", wide: true, known: (row) => row.tiers, cell: (row) => <TierMix tiers={row.tiers} /> },
    { name: "Quality", numeric: true, wide: true, known: (row) => row.quality?.people, cell: (row) => <span title={`${count(row.quality?.people?.n ?? 0)} ratings`}>{percent(row.quality?.people?.mean)}</span> },
    { name: "Latency p50", numeric: true, wide: true, known: (row) => row.latency_ms, cell: (row) => percentile(row.latency_ms?.p50, LONGEST_MS) },
    { name: "p95", numeric: true, wide: true, known: (row) => row.latency_ms, cell: (row) => percentile(row.latency_ms?.p95, LONGEST_MS) },
    { name: "First token p50", numeric: true, wide: true, known: (row) => row.first_token_ms, cell: (row) => percentile(row.first_token_ms?.p50, LONGEST_FIRST_MS) },
  ];
  return (
    <>
      {by === "model" && <p class="hint">For each model: the cost of its calls, and the requests with a call that could not be priced. Answers are counted by tier.</p>}
      <Table
        caption={`Costs by ${by}`} rows={rows}
        // Models and tiers have sums of their own that lack some figures.
        columns={columns.filter(({ known }) => known === undefined || rows.some((row) => known(row) != null))}
        rowKey={(row) => String(row.day ?? row.key_id ?? row.tag ?? row.model ?? row.tier ?? "")}
      />
    </>
  );
}

interface SumProps {
  text: string;
  title?: string;
  unpriced: number | null;
  /** What the sum leaves out, in words; null if it is complete. */
  hint: string | null | undefined;
}

/** A sum, and how many requests or answers it leaves out: it must not pass for the whole. */
function Sum({ text, title, unpriced, hint }: SumProps) {
  return <span title={[title, hint].filter(Boolean).join("; ") || undefined}>{text}{hint != null && <span class="hint"> + {count(unpriced)} unpriced</span>}</span>;
}
