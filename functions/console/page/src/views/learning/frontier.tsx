/** Cost and quality of a run's policies, as a picture and as a table. */

import { useId, useRef, useState } from "preact/hooks";
import type { FrontierPoint } from "../../api/owner.ts";
import { Button } from "../../components/basic.tsx";
import { Table } from "../../components/table.tsx";
import { decimal, percent, usd } from "../../format.ts";
import { useWidth } from "../../hooks.ts";

/** In pixels of the page, so that texts have their size on every screen. */
const HEIGHT = 320;
const [LEAST_WIDTH, MOST_WIDTH] = [240, 820];
const EDGE = { left: 56, right: 28, top: 30, bottom: 44 };
/** So many pixels for a label of the axis of costs. */
const TICK_PX = 110;
const TICKS = 4;

interface FrontierProps {
  points: FrontierPoint[];
  title: string;
}

export function Frontier({ points, title }: FrontierProps) {
  const [asTable, showTable] = useState(points.length === 0);
  const id = useId();
  return (
    <figure class="chart" aria-labelledby={id}>
      <figcaption>
        <span id={id}>{title}</span>
        <Button kind="quiet" aria-pressed={asTable} onClick={() => showTable(!asTable)}>Table</Button>
      </figcaption>
      {asTable ? <Points points={points} title={title} /> : <Picture points={points} title={title} />}
    </figure>
  );
}

const kind = (point: FrontierPoint) => (point.is_candidate ? "candidate" : point.is_live ? "live" : point.lambda === null ? "baseline" : "curve");

function Points({ points, title }: FrontierProps) {
  return (
    <Table
      caption={title} rows={points.map((point, n) => ({ ...point, n }))} rowKey={(each) => String(each.n)}
      columns={[
        { name: "Policy", cell: (each) => each.name },
        { name: "Strategy", cell: (each) => each.strategy ?? "–", wide: true },
        { name: "λ", cell: (each) => decimal(each.lambda, 2), numeric: true },
        { name: "Quality", cell: (each) => percent(each.quality, 1), numeric: true },
        { name: "Cost, all Tier 3 = 1", cell: (each) => decimal(each.cost), numeric: true },
        { name: "Cost per query", cell: (each) => usd(each.cost_usd), numeric: true },
      ]}
    />
  );
}

/** Round steps from at or below the lowest to at or above the highest value, within 0 and `most`. */
function scale(values: number[], from: number, to: number, low = Math.min(...values), most = Infinity, steps = TICKS) {
  const high = Math.max(...values);
  const rough = (high - low || high || 1) / steps;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * size).find((each) => each >= rough)!;
  const first = Math.max(0, Math.floor(low / step) * step);
  const last = Math.min(most, Math.ceil(high / step) * step);
  return {
    at: (value: number) => from + ((value - first) / (last - first || 1)) * (to - from),
    ticks: Array.from({ length: Math.round((last - first) / step) + 1 }, (_, n) => first + n * step),
  };
}

/** Dollars, or where a run does not know what Tier 3 costs, the share of it. */
function costsOf(points: FrontierPoint[]) {
  const inUsd = points.every((each) => each.cost_usd !== null);
  const cost = (each: FrontierPoint) => (inUsd ? each.cost_usd : each.cost) ?? 0;
  const told = (value: number) => (inUsd ? `$${Number(value.toPrecision(3))}` : decimal(value));
  return { cost, told, axis: inUsd ? "cost per query (USD)" : "cost (all on Tier 3 = 1)" };
}

function Picture({ points, title }: FrontierProps) {
  const { cost, told: costTold, axis } = costsOf(points);
  const box = useRef<HTMLDivElement>(null);
  const width = Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, useWidth(box, MOST_WIDTH)));
  const x = scale(points.map(cost), EDGE.left, width - EDGE.right, 0, Infinity, Math.min(TICKS, Math.floor(width / TICK_PX)));
  const y = scale(points.map((each) => each.quality), HEIGHT - EDGE.bottom, EDGE.top, undefined, 1);
  const named = points.filter((each) => kind(each) !== "curve");
  const curve = points.filter((each) => kind(each) === "curve").sort((a, b) => cost(a) - cost(b));
  const told = named.map((each) => `${each.name}: quality ${percent(each.quality, 1)} at a cost of ${costTold(cost(each))}`);
  return (
    <div class="frontier" ref={box}>
      <svg viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={`${title}. ${told.join("; ")}. The button Table shows all figures.`}>
        {y.ticks.map((tick) => (
          <g key={tick}>
            <line class="grid" x1={EDGE.left} x2={width - EDGE.right} y1={y.at(tick)} y2={y.at(tick)} />
            <text class="tick" x={EDGE.left - 8} y={y.at(tick) + 4} text-anchor="end">{percent(tick, y.ticks.length > 1 && y.ticks[1]! - y.ticks[0]! < 0.01 ? 1 : 0)}</text>
          </g>
        ))}
        {x.ticks.map((tick) => <text key={tick} class="tick" x={x.at(tick)} y={HEIGHT - 26} text-anchor="middle">{costTold(tick)}</text>)}
        <text class="axis" x={width - EDGE.right} y={HEIGHT - 6} text-anchor="end">{axis}</text>
        <text class="axis" x={EDGE.left - 8} y={12} text-anchor="end">quality</text>
        <polyline class="curve" points={curve.map((each) => `${x.at(cost(each))},${y.at(each.quality)}`).join(" ")} />
        {curve.map((each, n) => <circle key={n} class="dot curve" cx={x.at(cost(each))} cy={y.at(each.quality)} r={3} />)}
        {named.map((each, n) => (
          <g key={n} class={kind(each)}>
            <circle class="dot" cx={x.at(cost(each))} cy={y.at(each.quality)} r={6} />
            <text class="name" {...label(x.at(cost(each)), y.at(each.quality), n, width)}>{each.name}</text>
          </g>
        ))}
      </svg>
    </div>
  );
}

/** Beside the point, on the side where there is room; every other label is below its point. */
function label(x: number, y: number, n: number, width: number) {
  const left = x > width * 0.7;
  return { x: left ? x - 10 : x + 10, y: y + (n % 2 === 0 ? -7 : 16), "text-anchor": left ? "end" : "start" } as const;
}
