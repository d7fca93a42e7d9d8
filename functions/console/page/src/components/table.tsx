/** Tables: a plain one, and one for thousands of rows that has only the visible ones in the page. */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

export interface Column<Row> {
  name: string;
  cell: (row: Row) => ComponentChildren;
  /** Numbers are aligned right, with figures of equal width. */
  numeric?: boolean;
  /** Left out where the table has little room; `most`: unless it has most room. */
  wide?: boolean | "most";
  /** A width in CSS, for long tables, and one for where the table has little room. */
  width?: string;
  narrow?: string;
}

interface TableProps<Row> {
  /** What the table lists; read by screen readers. */
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
}

const room = ({ wide }: Column<never>) => (wide === "most" ? "widest" : wide ? "wide" : "");
const classes = (column: Column<never>) => `${column.numeric ? "num" : ""} ${room(column)}`;

function widths<Row>({ width, narrow = width }: Column<Row>) {
  return width === undefined ? {} : { "--width": width, "--narrow": narrow };
}

function Head<Row>({ columns }: { columns: readonly Column<Row>[] }) {
  return (
    <thead>
      <tr>{columns.map((each) => <th key={each.name} scope="col" class={classes(each as Column<never>)}>{each.name}</th>)}</tr>
    </thead>
  );
}

function Cells<Row>({ columns, row }: { columns: readonly Column<Row>[]; row: Row }) {
  return <>{columns.map((each) => <td key={each.name} class={classes(each as Column<never>)}>{each.cell(row)}</td>)}</>;
}

export function Table<Row>({ caption, columns, rows, rowKey }: TableProps<Row>) {
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="hidden">{caption}</caption>
        <Head columns={columns} />
        <tbody>{rows.map((row) => <tr key={rowKey(row)}><Cells columns={columns} row={row} /></tr>)}</tbody>
      </table>
    </div>
  );
}

const ROW_PX = 36;
const SPARE_ROWS = 8;

interface LongTableProps<Row> extends TableProps<Row> {
  onOpen: (row: Row) => void;
}

/**
 * One row at a time takes the focus: arrow keys, Page Up and Down, Home and End move it, Enter
 * opens it.
 */
export function LongTable<Row>({ caption, columns, rows, rowKey, onOpen }: LongTableProps<Row>) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const [at, setAt] = useState(0);
  const wanted = useRef(false);
  const first = Math.max(0, Math.floor(top / ROW_PX) - SPARE_ROWS);
  const end = Math.min(rows.length, Math.ceil((top + height) / ROW_PX) + SPARE_ROWS);
  const current = Math.min(at, rows.length - 1);
  const reachable = Math.max(first, Math.min(current, end - 1)); // scrolling may have removed the current row

  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => entry && setHeight(entry.contentRect.height));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (!wanted.current) return;
    const row = box.current?.querySelector<HTMLElement>(`[data-row="${current}"]`);
    row?.focus({ preventScroll: true });
    wanted.current = !row;
  });

  const move = (to: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, to));
    wanted.current = true;
    setAt(next);
    reveal(box.current!, next);
    setTop(box.current!.scrollTop); // the row must be in the page to take the focus
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(height / ROW_PX) - 2);
    const steps: Record<string, number> = {
      ArrowDown: current + 1, ArrowUp: current - 1, PageDown: current + page, PageUp: current - page,
      Home: 0, End: rows.length - 1,
    };
    const row = rows[current];
    const to = steps[event.key];
    if (to !== undefined) move(to);
    else if (event.key === "Enter" && row !== undefined) onOpen(row);
    else return;
    event.preventDefault();
  };
  return (
    <div class="table-scroll long" ref={box} onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
      <table aria-rowcount={rows.length + 1} onKeyDown={onKeyDown}>
        <caption class="hidden">{caption}</caption>
        <colgroup>
          {columns.map((each) => <col key={each.name} class={room(each as Column<never>)} style={widths(each)} />)}
        </colgroup>
        <Head columns={columns} />
        <tbody>
          <Spacer rows={first} />
          {rows.slice(first, end).map((row, n) => (
            <tr
              key={rowKey(row)}
              data-row={first + n}
              aria-rowindex={first + n + 2}
              tabIndex={first + n === reachable ? 0 : -1}
              onFocus={() => setAt(first + n)}
              onClick={() => onOpen(row)}
            >
              <Cells columns={columns} row={row} />
            </tr>
          ))}
          <Spacer rows={rows.length - end} />
        </tbody>
      </table>
    </div>
  );
}

function reveal(box: HTMLElement, row: number): void {
  const from = row * ROW_PX;
  const room = box.clientHeight - ROW_PX * 2; // the header covers one row
  if (from < box.scrollTop) box.scrollTop = from;
  else if (from > box.scrollTop + room) box.scrollTop = from - room;
}

/** One cell: more would be columns of their own where some are left out. */
function Spacer({ rows }: { rows: number }) {
  return rows === 0 ? null : (
    <tr aria-hidden="true" class="spacer"><td style={{ height: `${rows * ROW_PX}px` }} /></tr>
  );
}
