/** The last requests, newest first, and the record of each. */

import { useMemo, useState } from "preact/hooks";
import { getJson } from "../api/client.ts";
import type { Row } from "../api/types.ts";
import { Badge, Button, TierBadge, Time } from "../components/basic.tsx";
import { Empty, Failed, Loading } from "../components/states.tsx";
import { LongTable, type Column } from "../components/table.tsx";
import { count, duration, percent, plural, usdLike } from "../format.ts";
import { useLoaded } from "../hooks.ts";
import { STATUSES } from "../reasons.ts";
import { closeParams, href, openParams, usePlace } from "../router.ts";
import { Filters, isFiltered, queryOf, type KeyName } from "./decisions/filters.tsx";
import { Record } from "./decisions/record.tsx";
import { useResults } from "./decisions/results.ts";

const TONES = { answered: "good", partial: "warn", failed: "bad", dry_run: "neutral" } as const;

export function StatusBadge({ status }: { status: Row["status"] }) {
  return <Badge tone={TONES[status] ?? "neutral"}>{STATUSES[status] ?? status}</Badge>;
}

const columnsOf = (keyNames: ReadonlyMap<string, string>): readonly Column<Row>[] => [
  { name: "Time", width: "142px", narrow: "95px", cell: (row) => <Time at={row.created_at} /> },
  { name: "Tier", width: "74px", narrow: "62px", cell: (row) => <TierBadge tier={row.tier} /> },
  { name: "Reason", wide: true, width: "80px", cell: (row) => row.reason },
  { name: "Model", wide: true, cell: (row) => <span title={row.model ?? undefined}>{row.model ?? "–"}</span> },
  { name: "Key", wide: true, width: "92px", cell: (row) => <span title={row.key_id ?? undefined}>{keyNames.get(row.key_id ?? "") ?? row.key_id ?? "–"}</span> },
  { name: "Status", width: "122px", narrow: "111px", cell: (row) => <StatusBadge status={row.status} /> },
  { name: "Cost", numeric: true, width: "94px", narrow: "77px", cell: (row) => money(row.cost_usd) },
  { name: "Saved (est.)", numeric: true, wide: "most", width: "94px", cell: (row) => money(row.saved_usd) },
  { name: "Latency", numeric: true, wide: true, width: "76px", cell: (row) => duration(row.latency_ms) },
  { name: "First token", numeric: true, wide: "most", width: "88px", cell: (row) => duration(row.first_token_ms) },
  { name: "Rating", wide: true, width: "78px", cell: rating },
  { name: "Error", wide: true, width: "86px", cell: (row) => <span class="bad-text" title={row.error ?? undefined}>{row.error}</span> },
];

const money = usdLike([0]);

/** The API counts any score as a thumb. One that was not given as a thumb is shown, too. */
function rating({ thumb, score }: Row) {
  if (thumb === null) return null;
  const isThumb = score === null || score === 0 || score === 1;
  return <Badge tone={thumb === "up" ? "good" : "bad"} title={`Score ${percent(score)}`}>{isThumb ? thumb : percent(score)}</Badge>;
}

export default function Decisions() {
  const { params } = usePlace();
  const query = queryOf(params);
  const results = useResults(query);
  const keys = useLoaded(async (signal) => (await getJson<{ data: KeyName[] }>("v1/keys", {}, { signal })).data, []);
  const columns = useMemo(() => columnsOf(new Map(keys.data?.map((each) => [each.key_id, each.name]))), [keys.data]);
  const [gone, forget] = useState<ReadonlySet<string>>(new Set());
  const opened = params.get("id");
  const rows = results.rows.filter((row) => !gone.has(row.request_id));
  const failed = results.error !== null && rows.length === 0;
  const filtered = isFiltered(query);
  return (
    <div class="stack">
      <Filters query={query} keys={keys.data} />
      <div class="toolbar spread">
        <p class="hint" role="status">
          {!failed && <>
            {results.busy && rows.length === 0 ? "Loading…" : found(rows.length, results.examined, filtered)}
            {!results.busy && results.hasMore && ", older ones not loaded"}
          </>}
        </p>
        <div class="bar-row">
          {filtered && <Button kind="quiet" onClick={() => (location.hash = href("decisions"))}>Clear filters</Button>}
          <Button onClick={results.reload} busy={results.busy}>Refresh</Button>
        </div>
      </div>
      {results.error !== null && <Failed error={results.error} retry={results.older} />}
      {rows.length > 0 && (
        <LongTable
          caption="Requests, newest first. Enter opens the record of a request."
          columns={columns} rows={rows} rowKey={(row) => row.request_id}
          onOpen={(row) => openParams({ id: row.request_id })}
        />
      )}
      {rows.length === 0 && results.busy && <Loading lines={10} />}
      {rows.length === 0 && !results.busy && results.error === null && <Nothing filtered={filtered} more={results.hasMore} />}
      {results.hasMore && !failed && rows.length + results.examined > 0 && (
        <Button class="start" onClick={results.older} busy={results.busy}>{results.busy ? "Loading…" : "Older"}</Button>
      )}
      {opened !== null && (
        <Record
          key={opened} id={opened}
          onClose={() => closeParams({ id: "" })}
          onDeleted={() => {
            forget(new Set([...gone, opened]));
            closeParams({ id: "" });
          }}
        />
      )}
    </div>
  );
}

/** `5 of 148 match` with a filter, or `148 requests`. */
function found(shown: number, examined: number, filtered: boolean): string {
  return filtered ? `${count(shown)} of ${plural(Math.max(shown, examined), "request")} match` : plural(shown, "request");
}

function Nothing({ filtered, more }: { filtered: boolean; more: boolean }) {
  if (more) return <Empty title="No match so far"><p>Choose “Older” to search further back.</p></Empty>;
  if (filtered) return <Empty title="No request matches"><p>Clear a filter, or choose other days.</p></Empty>;
  return (
    <Empty title="No requests yet">
      <p>Send one from the <a href={href("playground")}>playground</a>, or from any client of this stage.</p>
    </Empty>
  );
}
