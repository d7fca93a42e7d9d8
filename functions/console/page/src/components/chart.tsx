/** Curves over time. The same figures are in a table below, for screen readers and for copying. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { onThemeChange } from "../theme.ts";
import { Button } from "./basic.tsx";
import { Table } from "./table.tsx";

export interface Series {
  name: string;
  values: readonly (number | null)[];
  /** A color of tokens.css, such as `--tier-1`. */
  color: string;
  dashed?: boolean;
  filled?: boolean;
  /** How its values are written, if not as the chart's others. */
  format?: (value: number | null) => string;
}

export interface Mark {
  x: number;
  label: string;
}

interface ChartProps {
  title: string;
  /** Unix seconds, in order. */
  x: readonly number[];
  series: readonly Series[];
  format: (value: number | null) => string;
  /** Labels of the y axis, if they are not formatted one by one. */
  formatAxis?: (values: number[]) => string[];
  formatX: (x: number) => string;
  marks?: readonly Mark[];
  /** Draw the marks even if no value is known. */
  marksAlone?: boolean;
  /** Draw each series as bars on top of the one before. */
  stacked?: boolean;
  /** Bounds of the y axis, such as 0 to 1 for shares. By default from 0. */
  range?: readonly [number, number];
  /** Said in place of the chart if there is nothing to draw. */
  empty?: string;
  /** What changes the chart, beside its title. */
  tools?: ComponentChildren;
  /** Further columns of the table, by the number of the x. */
  details?: readonly { name: string; cell: (n: number) => string }[];
}

export function Chart(props: ChartProps) {
  const [asTable, showTable] = useState(false);
  const id = useId();
  return (
    <figure class="chart" aria-labelledby={id}>
      <figcaption>
        <span id={id}>{props.title}</span>
        <div class="tools">
          {props.tools}
          <Button kind="quiet" aria-pressed={asTable} onClick={() => showTable(!asTable)}>Table</Button>
        </div>
      </figcaption>
      {asTable ? <Figures {...props} /> : isEmpty(props) ? <p class="plot none hint">{props.empty ?? "No figures in this range."}</p> : <Plot {...props} />}
    </figure>
  );
}

function isEmpty({ series, marks = [], marksAlone = false }: ChartProps): boolean {
  const isUnknown = series.every((each) => each.values.every((value) => value === null));
  return isUnknown && !(marksAlone && marks.length > 0);
}

function Figures({ title, x, series, format, formatX, marks = [], details = [] }: ChartProps) {
  const rows = x.map((at, n) => ({ at, n }));
  const marksAt = (at: number) => marks.filter((each) => formatX(each.x) === formatX(at)).map((each) => each.label).join(", ");
  return (
    <Table
      caption={title}
      rows={rows}
      rowKey={(row) => String(row.n)}
      columns={[
        { name: "Day", cell: (row) => formatX(row.at) },
        ...series.map((each) => ({
          name: each.name, numeric: true, cell: (row: { n: number }) => (each.format ?? format)(each.values[row.n] ?? null),
        })),
        ...details.map((each) => ({ name: each.name, numeric: true, cell: (row: { n: number }) => each.cell(row.n) })),
        ...(marks.length === 0 ? [] : [{ name: "Marks", cell: (row: { at: number }) => marksAt(row.at) }]),
      ]}
    />
  );
}

function Plot(props: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const [round, again] = useState(0);
  useEffect(() => onThemeChange(() => again((n) => n + 1)), []);
  useLayoutEffect(() => {
    const element = box.current!;
    const size = () => ({ width: Math.max(220, element.clientWidth), height: 220 });
    const data = [props.x, ...drawn(props)] as unknown as uPlot.AlignedData;
    const plot = new uPlot({ ...options(props, element), ...size() }, data, element);
    const observer = new ResizeObserver(() => plot.setSize(size()));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [props.x, props.series, props.marks, round]);
  return <div class="plot" ref={box} role="img" aria-label={`${props.title}. ${summary(props)} The button Table shows all figures.`} />;
}

/** The values to draw. Of stacked series the highest is drawn first, so that the others cover it. */
function drawn({ series, stacked, x }: ChartProps): (readonly (number | null)[])[] {
  if (!stacked) return series.map((each) => each.values);
  const sum = (at: number, upTo: number) => series.slice(0, upTo + 1).reduce((total, each) => total + (each.values[at] ?? 0), 0);
  return series.map((_, n) => x.map((_, at) => sum(at, n))).reverse();
}

function summary({ series, format }: ChartProps): string {
  const last = series.map((each) => `${each.name}: ${(each.format ?? format)(each.values.findLast((value) => value !== null) ?? null)}`);
  return `Latest values: ${last.join(", ")}.`;
}

/** The color that a custom property has in the current theme. */
function resolve(element: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  element.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

function options(props: ChartProps, element: HTMLElement): Omit<uPlot.Options, "width" | "height"> {
  const font = "11px system-ui, sans-serif";
  const [ink, grid] = [resolve(element, "--ink-faint"), resolve(element, "--line")];
  const axis = { font, stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  return {
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"), // sums are by UTC day
    padding: [18, 22, 0, 0],
    cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    legend: { live: true },
    scales: {
      x: { time: true, range: wholeDays },
      y: { range: props.range ? [...props.range] as [number, number] : fromZero },
    },
    axes: [
      { ...axis, grid: { show: false }, space: 64, size: 30, values: (_: uPlot, all: number[]) => all.map((value) => props.formatX(value)) },
      { ...axis, size: 64, values: (_: uPlot, all: number[]) => props.formatAxis?.(all) ?? all.map((value) => props.format(value)) },
    ],
    series: [
      { label: "Day", value: (_: uPlot, value: number | null) => (value === null ? "" : props.formatX(value)) },
      ...(props.stacked ? [...props.series].reverse() : props.series).map((each) => curve(each, props, element)),
    ],
    hooks: {
      draw: [(plot: uPlot) => drawMarks(plot, props.marks ?? [], ink, font)],
      ready: [showLatest],
      setCursor: [(plot: uPlot) => (plot.cursor.left ?? -1) < 0 && showLatest(plot)],
    },
  };
}

/** While nothing is pointed at, the legend has the latest values. */
function showLatest(plot: uPlot): void {
  const known = plot.data.slice(1).map((values) => [...(values ?? [])].findLastIndex((value) => value != null));
  plot.setLegend({ idx: Math.max(0, ...known) }, false);
}

/** A day's figures are drawn at its noon. */
const wholeDays: uPlot.Scale.Range = (_, low, high) => [low - 43_200, high + 43_200];
const fromZero: uPlot.Scale.Range = (_, low, high) => {
  const [bottom, top] = [Math.min(0, low ?? 0), Math.max(0, high ?? 0)];
  return bottom === top ? [0, 1] : [bottom * 1.08, top * 1.08];
};

/** Fewer values are drawn as points too: one between gaps has no line. */
const MOST_POINTS = 31;

function curve(series: Series, { format, stacked }: ChartProps, element: HTMLElement): uPlot.Series {
  const known = series.values.filter((value) => value !== null).length;
  const stroke = resolve(element, series.color);
  return {
    label: series.name,
    stroke,
    width: stacked ? 0 : 2,
    dash: series.dashed ? [5, 4] : [],
    fill: stacked ? stroke : series.filled ? translucent(stroke, 0.12) : undefined,
    points: { show: !stacked && known <= MOST_POINTS, size: 5, fill: stroke },
    paths: stacked ? uPlot.paths.bars!({ size: [0.7, 40] }) : undefined,
    value: (_: uPlot, _value: number | null, _series: number, at: number | null) => (at === null ? "" : (series.format ?? format)(series.values[at] ?? null)),
  };
}

function translucent(rgb: string, alpha: number): string {
  return rgb.replace(/^rgb\((.*)\)$/, (_, inside: string) => `rgb(${inside.replaceAll(",", " ")} / ${alpha})`);
}

/** A dashed line at each mark, with its label above the curves where there is room. */
function drawMarks(plot: uPlot, marks: readonly Mark[], ink: string, font: string): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = ink;
  ctx.font = font.replace("11px", `${11 * ratio}px`);
  ctx.lineWidth = ratio;
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  let free = -Infinity;
  for (const mark of marks) {
    const x = Math.round(plot.valToPos(mark.x, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const width = ctx.measureText(mark.label).width;
    const right = x + 4 * ratio + width <= bbox.left + bbox.width;
    const left = right ? x + 4 * ratio : x - 4 * ratio - width;
    if (left < free) continue;
    ctx.fillText(mark.label, left, bbox.top - 5 * ratio);
    free = left + width + 8 * ratio;
  }
  ctx.restore();
}
