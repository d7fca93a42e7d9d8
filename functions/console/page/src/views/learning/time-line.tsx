/** Drift and quality drops over time. */

import { useMemo } from "preact/hooks";
import type { DriftDay, QualityDrop } from "../../api/owner.ts";
import { Time } from "../../components/basic.tsx";
import { Chart, type Mark } from "../../components/chart.tsx";
import { Empty } from "../../components/states.tsx";
import { Table } from "../../components/table.tsx";
import { count, day, decimal, percent } from "../../format.ts";
import { versionName } from "../../prompt-version.ts";
import { timeLine } from "./days.ts";

/** A check of a day is drawn at its noon. */
const noon = (utcDay: string) => Date.parse(`${utcDay}T12:00:00Z`) / 1000;

export function TimeLine({ drift, drops }: { drift: DriftDay[]; drops: QualityDrop[] }) {
  const drawn = useMemo(() => lines(drift, drops), [drift, drops]);
  return (
    <section class="stack" aria-label="Drift and quality">
      <h2>Drift and quality</h2>
      {drift.length === 0 && (
        <Empty title="No drift check yet">
          <p>Every day, traffic is compared with what the live prompt's run predicted. That needs a learned prompt.</p>
        </Empty>
      )}
      {drift.length + drops.length > 0 && (
        <div class="card">
          <Chart
            title="Traffic that differs from the prediction" {...drawn} marksAlone
            format={(value) => percent(value, 1)} formatX={(x) => day(new Date(x * 1000).toISOString().slice(0, 10))}
          />
          <p class="hint">
            The share of requests that differ, by tier and by length of the query, from what the run of the live prompt
            predicted. “drifted” marks a day on which chance does not explain it, “quality drop” when people rated the
            answers of a version lower.
          </p>
        </div>
      )}
      {drops.length > 0 && (
        <Table
          caption="Quality checks" rows={drops.map((each, n) => ({ ...each, n }))} rowKey={(each) => String(each.n)}
          columns={[
            { name: "At", cell: (each) => <Time at={each.at} /> },
            { name: "Prompt", cell: (each) => versionName(each.prompt_version) },
            { name: "State", cell: (each) => each.state.replaceAll("_", " ") },
            { name: "What happened", cell: (each) => each.message },
          ]}
        />
      )}
    </section>
  );
}

function lines(drift: DriftDay[], drops: QualityDrop[]) {
  const days = timeLine(drift, drops);
  const x = days.map((each) => noon(each.day));
  const dropMark = ({ at }: QualityDrop): Mark[] => (at === null ? [] : [{ x: Date.parse(at) / 1000, label: "quality drop" }]);
  return {
    x,
    series: [
      { name: "By tier", values: days.map((each) => each.drift?.tiers_distance ?? null), color: "--tier-2" },
      { name: "By length", values: days.map((each) => each.drift?.lengths_distance ?? null), color: "--tier-3", dashed: true },
    ],
    marks: [
      ...days.filter((each) => each.drift?.drifted).map((each): Mark => ({ x: noon(each.day), label: "drifted" })),
      ...drops.flatMap(dropMark),
    ].sort((a, b) => a.x - b.x),
    details: [
      { name: "Requests", cell: (n: number) => count(days[n]?.drift?.requests) },
      { name: "p, tiers", cell: (n: number) => decimal(days[n]?.drift?.tiers_p_value, 4) },
      { name: "p, lengths", cell: (n: number) => decimal(days[n]?.drift?.lengths_p_value, 4) },
      { name: "Prompt", cell: (n: number) => versionName(days[n]?.drift?.prompt_version) },
    ],
  };
}
