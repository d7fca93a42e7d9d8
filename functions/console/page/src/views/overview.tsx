/** What was spent and saved, and how well and fast it was answered. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { getJson } from "../api/client.ts";
import { getPrompt, type PromptDocument } from "../api/owner.ts";
import type { Costs, CostsPage, GroupBy, PromptVersion } from "../api/types.ts";
import { Button, Input, Segmented, Select } from "../components/basic.tsx";
import { Failed, Loads } from "../components/states.tsx";
import { day } from "../format.ts";
import { useLoaded } from "../hooks.ts";
import { withVersionNames } from "../prompt-version.ts";
import { href, setParams, usePlace } from "../router.ts";
import { before, daysError, daysOf, RANGES, wholeMonths, type Days } from "../ranges.ts";
import { scoreWords } from "../steering.ts";
import { Breakdown } from "./overview/breakdown.tsx";
import { Curves } from "./overview/curves.tsx";
import { FirstDay } from "./overview/first-day.tsx";
import { Totals } from "./overview/totals.tsx";
import { judged } from "./overview/judged.ts";

const GROUPS: readonly (readonly [GroupBy, string])[] = [
  ["key", "Key"], ["tag", "Tag"], ["model", "Model"], ["tier", "Tier"], ["day", "Day"],
];

function known<T extends string>(options: readonly (readonly [T, string])[], text: string | null, otherwise: T): T {
  return options.find(([each]) => each === text)?.[0] ?? otherwise;
}

export default function Overview() {
  const { params } = usePlace();
  const range = known(RANGES, params.get("range"), "30d");
  const group = known(GROUPS, params.get("by"), "key");
  const custom = { from: params.get("from") ?? daysOf("30d", { from: "", to: "" }).from, to: params.get("to") ?? daysOf("7d", { from: "", to: "" }).to };
  const days = daysOf(range, custom);
  const error = daysError(days);
  return (
    <div class="stack wide-gap">
      <div class="toolbar">
        <Segmented label="Range" value={range} options={RANGES} onChange={(name) => setParams({ range: name })} />
        {range === "custom" && <CustomDays days={custom} />}
        {error === null && <p class="hint">{day(days.from)} to {day(days.to)}, days in UTC</p>}
      </div>
      {error === null ? <Sums days={days} group={group} /> : <Failed title="These days cannot be shown" error={new Error(error)} />}
    </div>
  );
}

function Sums({ days, group }: { days: Days; group: GroupBy }) {
  const costs = useLoaded((signal) => getJson<CostsPage>("v1/costs", { ...days, group_by: "day" }, { signal }), [days.from, days.to]);
  const versions = useLoaded((signal) => getJson<{ data: PromptVersion[] }>("v1/prompt/history", {}, { signal }), []);
  const earlier = useLoaded(
    async (signal) => (await getJson<CostsPage>("v1/costs", { ...before(days), group_by: "day" }, { signal })).total,
    [days.from, days.to],
  );
  const verdict = useLoaded(async (signal) => ({ found: await judged(signal) }), []);
  const live = useLoaded((signal) => getPrompt(null, signal), []);
  const parts = { "the versions of the prompt": versions, "the previous period": earlier, "the judge's verdict": verdict, "the live prompt": live };
  const unread = Object.entries(parts).filter(([, { state }]) => state === "failed");
  const reload = () => {
    costs.reload();
    for (const [, part] of unread) part.reload();
  };
  return (
    <Loads of={{ ...costs, reload } as typeof costs} lines={8}>
      {(page) => isEmpty(page.total) ? <FirstDay /> : (
        <div class="stack wide-gap">
          <Totals total={page.total} earlier={earlier.state === "ready" ? earlier.data : null} verdict={verdict.data?.found ?? null} />
          {unread.length > 0 && <Unread parts={unread.map(([name]) => name)} retry={reload} />}
          <Curves page={page} versions={versions.data?.data ?? []} />
          {live.data !== null && <Steered prompt={live.data} />}
          <Grouped by={group} page={page} days={days} />
        </div>
      )}
    </Loads>
  );
}

function isEmpty(total: Costs): boolean {
  return total.requests === 0 && total.spent_usd === 0 && (total.learning_usd ?? 0) === 0;
}

/** What the page goes without; the rest of it stands. */
function Unread({ parts, retry }: { parts: string[]; retry: () => void }) {
  return <p class="hint" role="status">Could not be read and is left out: {parts.join(", ")}. <Button kind="quiet" onClick={retry}>Try again</Button></p>;
}

function Steered({ prompt }: { prompt: PromptDocument }) {
  return (
    <p class="hint">
      Steering of <a href={href("prompt")}>{withVersionNames(prompt.version)}</a>, that is, how easily a text around a
      query moves it to another tier: {scoreWords(prompt.steering)}.
    </p>
  );
}

/** While a year is typed, its first digits make days, too. */
const WAIT_MS = 400;

/** Two days, which count once they are in order and the reader stops typing. */
function CustomDays({ days }: { days: Days }) {
  const [typed, type] = useState(days);
  useEffect(() => type(days), [days.from, days.to]);
  const error = daysError(typed);
  useEffect(() => {
    if (error !== null || (typed.from === days.from && typed.to === days.to)) return undefined;
    const timer = setTimeout(() => setParams({ ...typed }), WAIT_MS);
    return () => clearTimeout(timer);
  }, [typed.from, typed.to]);
  return (
    <>
      <Input label="From" value={typed.from} onInput={(from) => type({ ...typed, from })} error={error} input={{ type: "date", max: typed.to }} />
      <Input label="To" value={typed.to} onInput={(to) => type({ ...typed, to })} input={{ type: "date", min: typed.from }} />
    </>
  );
}

/** Sums by key and tag are kept by month, so their range is widened to whole months. */
function Grouped({ by, page, days }: { by: GroupBy; page: CostsPage; days: Days }) {
  const monthly = by === "key" || by === "tag";
  const asked = useMemo(() => (monthly ? wholeMonths(days) : days), [by, days.from, days.to]);
  const loaded = useLoaded(
    async (signal) => (by === "day" ? page : getJson<CostsPage>("v1/costs", { ...asked, group_by: by }, { signal })),
    [by, asked.from, asked.to, page],
  );
  const widened = monthly && (asked.from !== days.from || asked.to !== days.to);
  return (
    <section class="stack" aria-labelledby="breakdown">
      <div class="toolbar spread">
        <h2 id="breakdown">Breakdown</h2>
        <Select label="By" class="inline" value={by} options={GROUPS} onChange={(next) => setParams({ by: next })} />
      </div>
      {widened && <p class="hint">Sums by {by} are kept by month, so these cover {day(asked.from)} to {day(asked.to)}.</p>}
      <Loads of={loaded}>{(told) => <Breakdown page={told} />}</Loads>
    </section>
  );
}
