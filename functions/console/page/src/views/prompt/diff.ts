/** Compare two documents: lines side by side, and within a changed line the words. */

import { diffArrays, diffWordsWithSpace } from "diff";

export interface Part {
  text: string;
  changed: boolean;
}

export interface Side {
  /** From 1. */
  line: number;
  parts: Part[];
}

/** A line of each document; one of the sides is null where a line was added or removed. */
export interface DiffRow {
  before: Side | null;
  after: Side | null;
  changed: boolean;
}

/** Unchanged lines that are shown around a change. */
const CONTEXT = 3;
/** Lines that share less than this part of their text are shown as wholly changed. */
const LIKE = 0.35;

export function diffRows(before: string, after: string): DiffRow[] {
  const rows: DiffRow[] = [];
  let [left, right] = [1, 1];
  let removed: string[] = [];
  const flush = (added: string[]) => {
    for (let n = 0; n < Math.max(removed.length, added.length); n++) {
      const [words, otherWords] = changedWords(removed[n], added[n]);
      rows.push({
        before: words && { line: left++, parts: words },
        after: otherWords && { line: right++, parts: otherWords },
        changed: true,
      });
    }
    removed = [];
  };
  for (const each of diffArrays(before.split("\n"), after.split("\n"))) {
    if (each.removed) removed = each.value;
    else if (each.added) flush(each.value);
    else {
      flush([]);
      for (const text of each.value) {
        const parts = [{ text, changed: false }];
        rows.push({ before: { line: left++, parts }, after: { line: right++, parts }, changed: false });
      }
    }
  }
  flush([]);
  return rows;
}

function changedWords(before: string | undefined, after: string | undefined): [Part[] | null, Part[] | null] {
  if (before === undefined || after === undefined) return [whole(before), whole(after)];
  const parts = diffWordsWithSpace(before, after);
  const common = parts.filter((each) => !each.added && !each.removed).reduce((sum, each) => sum + each.value.trim().length, 0);
  if (common < LIKE * Math.max(before.length, after.length)) return [whole(before), whole(after)];
  const side = (without: "added" | "removed") =>
    joined(parts.filter((each) => !each[without]).map((each) => ({ text: each.value, changed: each.added || each.removed })));
  return [side("added"), side("removed")];
}

/** Changed words with only blanks between them are one change. */
function joined(parts: Part[]): Part[] {
  const found: Part[] = [];
  parts.forEach((part, n) => {
    const between = part.text.trim() === "" && found.at(-1)?.changed && parts[n + 1]?.changed;
    const changed = part.changed || Boolean(between);
    const last = found.at(-1);
    if (last?.changed === changed) last.text += part.text;
    else found.push({ text: part.text, changed });
  });
  return found;
}

const whole = (text: string | undefined): Part[] | null => (text === undefined ? null : [{ text, changed: true }]);

/** Rows to show, or how many unchanged ones are left out. */
export type Shown = { rows: DiffRow[] } | { hidden: DiffRow[] };

/** Leave out unchanged lines that are far from any change. */
export function folded(rows: readonly DiffRow[]): Shown[] {
  const near = rows.map((_, n) => rows.slice(Math.max(0, n - CONTEXT), n + CONTEXT + 1).some((each) => each.changed));
  const shown: Shown[] = [];
  rows.forEach((row, n) => {
    const last = shown.at(-1);
    const list = last && (near[n] ? ("rows" in last ? last.rows : null) : "hidden" in last ? last.hidden : null);
    if (list) list.push(row);
    else shown.push(near[n] ? { rows: [row] } : { hidden: [row] });
  });
  return shown;
}

/** How many words were removed and added. */
export function changedCount(rows: readonly DiffRow[]): { removed: number; added: number } {
  const words = (side: Side | null) =>
    (side?.parts ?? []).filter((each) => each.changed).flatMap((each) => each.text.match(/\S+/g) ?? []).length;
  return {
    removed: rows.reduce((sum, row) => sum + (row.changed ? words(row.before) : 0), 0),
    added: rows.reduce((sum, row) => sum + (row.changed ? words(row.after) : 0), 0),
  };
}
