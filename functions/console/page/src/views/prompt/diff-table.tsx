/** Two documents side by side. Changed words are marked, and said to screen readers. */

import { useMemo, useState } from "preact/hooks";
import { Button } from "../../components/basic.tsx";
import { Empty } from "../../components/states.tsx";
import { plural } from "../../format.ts";
import { changedCount, diffRows, folded, type DiffRow, type Side } from "./diff.ts";

interface DiffProps {
  before: string;
  after: string;
  beforeName: string;
  afterName: string;
}

export function DiffTable({ before, after, beforeName, afterName }: DiffProps) {
  const rows = useMemo(() => diffRows(before, after), [before, after]);
  const words = useMemo(() => changedCount(rows), [rows]);
  if (before === after) return <Empty title="No difference"><p>{beforeName} and {afterName} have the same text.</p></Empty>;
  const label = `${beforeName} beside ${afterName}`;
  return (
    <div class="stack">
      <p role="status">{plural(words.removed, "word")} removed, {plural(words.added, "word")} added.</p>
      <div class="table-scroll" role="region" tabIndex={0} aria-label={label}>
        <table class="diff">
          <caption class="hidden">{label}</caption>
          <thead>
            <tr>
              <th scope="col"><span class="hidden">Line</span></th><th scope="col">{beforeName}</th>
              <th scope="col"><span class="hidden">Line</span></th><th scope="col">{afterName}</th>
            </tr>
          </thead>
          <tbody>
            {folded(rows).map((each, n) =>
              "rows" in each ? each.rows.map((row, k) => <Row key={`${n}-${k}`} row={row} />) : <Hidden key={n} rows={each.hidden} />,
            )}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Hidden({ rows }: { rows: DiffRow[] }) {
  const [open, show] = useState(false);
  if (open) return <>{rows.map((row, n) => <Row key={n} row={row} />)}</>;
  return (
    <tr class="folded">
      <td colSpan={4}><Button kind="quiet" onClick={() => show(true)}>Show {plural(rows.length, "unchanged line")}</Button></td>
    </tr>
  );
}

function Row({ row }: { row: DiffRow }) {
  return (
    <tr class={row.changed ? "changed" : ""}>
      <Cell side={row.before} kind="removed" />
      <Cell side={row.after} kind="added" />
    </tr>
  );
}

function Cell({ side, kind }: { side: Side | null; kind: "removed" | "added" }) {
  const Mark = kind === "removed" ? "del" : "ins";
  return (
    <>
      <td class="line">{side?.line}</td>
      <td class={side === null ? "none" : `words ${kind}`}>
        {side?.parts.map((part, n) =>
          part.changed && part.text !== "" ? (
            <Mark key={n}><span class="hidden">{kind}: </span>{part.text}</Mark>
          ) : part.text,
        )}
      </td>
    </>
  );
}
