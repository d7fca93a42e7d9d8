import { toChildArray, type ComponentChildren } from "preact";

interface StatProps {
  label: string;
  value: ComponentChildren;
  /** A word beside the value, such as `estimated`. */
  mark?: string;
  note?: ComponentChildren;
  title?: string;
}

/** One figure with its name, unit and what it rests on. */
export function Stat({ label, value, mark, note, title }: StatProps) {
  return (
    <div class="stat" title={title}>
      <dt>{label}</dt>
      <dd>
        <span class="stat-value">{value}</span>
        {mark && <span class="stat-mark">{mark}</span>}
        {note && <div class="stat-note">{note}</div>}
      </dd>
    </div>
  );
}

/** Five stand in one row; any other number in rows of four. */
export function Stats({ children }: { children: ComponentChildren }) {
  const isFive = toChildArray(children).length === 5;
  return <dl class={`stats ${isFive ? "five" : ""}`}>{children}</dl>;
}
