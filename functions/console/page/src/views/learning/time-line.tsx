/** Drift and quality drops over time. */

import { useMemo } from "preact/hooks";
import type { DriftDay, QualityDrop } from "../../api/owner.ts";
import { Time } from "../../components/basic.tsx";
import { Chart, type Mark } from "../../components/chart.tsx";
import { Empty } from "../../components/states.tsx";
import { Table } from "../../components/table.tsx";
import { count, day, decimal, percent } from "../../format.ts";

const seconds = (iso: string) => Date.parse(iso.length === 10 ? `${iso}T00:00:00Z` : iso) / 1000;

export function TimeLine({ drift, drops }: { drift: DriftDay[]; drops: QualityDrop[] }) {
  const drawn = useMemo(
    () => ({
      x: drift.map((each) => seconds(each.day)),
      series: [
        { name: "By tier", values: drift.map((each) => each.tiers_distance), color: "--tier-2" },
        { name: "By length", values: drift.map((each) => each.lengths_distance), color: "--tier-3", dashed: true },
      ],
      marks: [
        ...drift.filter((each) => each.drifted).map((each): Mark => ({ x: seconds(each.day), label: "drifted" })),
        ...drops.flatMap((each): Mark[] => (each.at === null ? [] : [{ x: seconds(each.at), label: "quality drop" }])),
      ].sort((a, b) => a.x - b.x),
      details: [
        { name: "Requests", cell: (n: number) => count(drift[n]?.requests) },
        { name: "p, tiers", cell: (n: number) => decimal(drift[n]?.tiers_p_value, 4) },
        { name: "p, lengths", cell: (n: number) => decimal(drift[n]?.lengths_p_value, 4) },
        { name: "Prompt", cell: (n: number) => drift[n]?.prompt_version ?? "–" },
      ],
    }),
    [drift, drops],
  );
  return (
    <section class="stack" aria-label="Drift and quality">
      <h2>Drift and quality</h2>
      {drift.length === 0 ? (
        <Empty title="No drift check yet">
          <p>Every day, traffic is compared with what the live prompt's run predicted. That needs a learned prompt.</p>
        </Empty>
      ) : (
        <div class="card">
          <Chart
            title="Traffic that differs from the prediction" {...drawn}
            format={(value) => percent(value, 1)} formatX={(x) => day(new Date(x * 1000).toISOString().slice(0, 10))}
          />
          <p class="hint">
            The share of requests that differ, by tier and by length of the query, from what the run of the live prompt
            predicted. “drifted” marks a day on which chance does not explain it.
          </p>
        </div>
      )}
      {drops.length > 0 && (
        <Table
          caption="Quality checks" rows={drops.map((each, n) => ({ ...each, n }))} rowKey={(each) => String(each.n)}
          columns={[
            { name: "At", cell: (each) => <Time at={each.at} /> },
            { name: "Prompt", cell: (each) => String(each.prompt_version ?? "–") },
            { name: "State", cell: (each) => each.state.replaceAll("_", " ") },
            { name: "What happened", cell: (each) => each.message },
          ]}
        />
      )}
    </section>
  );
}
