/** The list of requests, read page by page with the API's cursor. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { getJson, type Query } from "../../api/client.ts";
import type { ResultsPage, Row } from "../../api/types.ts";

const PAGE = 200;
const ENOUGH = 50;
const CALLS = 5;

interface State {
  rows: Row[];
  cursor: string | null;
  hasMore: boolean;
  examined: number;
  busy: boolean;
  error: Error | null;
}

const START: State = { rows: [], cursor: null, hasMore: true, examined: 0, busy: true, error: null };

export interface Results extends Omit<State, "cursor"> {
  /** Read on. A rare filter can take several calls; after five, the reader decides. */
  older: () => void;
  reload: () => void;
}

export function useResults(query: Query): Results {
  const [state, change] = useState(START);
  const running = useRef<AbortController | null>(null);
  const asked = JSON.stringify(query);
  const read = useCallback((from: State) => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    const told = (next: State) => controller.signal.aborted || change(next);
    told({ ...from, busy: true, error: null });
    void readOn(JSON.parse(asked) as Query, from, controller.signal, told);
  }, [asked]);
  useEffect(() => {
    read(START);
    return () => running.current?.abort();
  }, [read]);
  const older = useCallback(() => state.busy || read(state), [state, read]) as () => void;
  const reload = useCallback(() => read(START), [read]);
  return { ...state, older, reload };
}

async function readOn(query: Query, from: State, signal: AbortSignal, tell: (state: State) => void): Promise<void> {
  let state = { ...from, busy: true, error: null as Error | null };
  try {
    for (let calls = 0; calls < CALLS && state.hasMore && state.rows.length < from.rows.length + ENOUGH; calls++) {
      const page = await getJson<ResultsPage>("v1/results", { ...query, limit: PAGE, cursor: state.cursor }, { signal });
      state = {
        ...state,
        rows: withNew(state.rows, page.data),
        cursor: page.cursor,
        hasMore: page.has_more && page.cursor !== null,
        examined: state.examined + page.examined,
      };
      tell(state);
    }
    tell({ ...state, busy: false });
  } catch (error) {
    tell({ ...state, busy: false, error: error as Error });
  }
}

/** A request cannot be listed twice, whatever came in between two pages. */
function withNew(rows: Row[], page: Row[]): Row[] {
  const known = new Set(rows.slice(-PAGE).map((each) => each.request_id));
  return [...rows, ...page.filter((each) => !known.has(each.request_id))];
}
