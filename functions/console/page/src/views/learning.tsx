/** Learning: budget, what a verdict still needs, runs and their verdicts, drift and quality. */

import { useEffect, useRef, useState } from "preact/hooks";
import { getLearning, getRun, listRuns, startRun, type Learning as Figures, type Run } from "../api/owner.ts";
import { Bar, Button, Time } from "../components/basic.tsx";
import { confirm } from "../components/dialog.tsx";
import { Loads } from "../components/states.tsx";
import { Stat, Stats } from "../components/stat.tsx";
import { announce, toast } from "../components/toast.tsx";
import { count, usd, UNKNOWN } from "../format.ts";
import { useInterval, useLoaded } from "../hooks.ts";
import { Kept, useShared } from "../kept.ts";
import { usePlace } from "../router.ts";
import { RunPanel } from "./learning/run.tsx";
import { isActive, Runs, runWords } from "./learning/runs.tsx";
import { TimeLine } from "./learning/time-line.tsx";

const POLL_S = 10;
const IDLE_POLL_S = 30;
/** While a run that was started is not in the list: its first step records it, which takes up to 20 s. */
const STARTING_POLL_S = 2;
/** After an answer, a run ends within seconds. */
const ANSWERED_POLL_S = 2;

/** The run that was started here, until the list has it. */
const started = new Kept<Run | null>(() => null);

export default function Learning() {
  const figures = useLoaded(getLearning, []);
  const runs = useLoaded(listRuns, []);
  const { params } = usePlace();
  const [answered, setAnswered] = useState<string | null>(null);
  const reload = () => {
    runs.reload();
    figures.reload();
  };
  const listedRuns = runs.data?.data ?? [];
  const starting = useStarting(listedRuns);
  useInterval(runs.reload, pollSeconds(listedRuns, starting, answered));
  useNews(listedRuns);
  const chosen = params.get("run");
  const settle = (isAccepted: boolean) => {
    if (isAccepted) setAnswered(chosen);
    reload();
  };
  const listed = listedRuns.find((each) => each.run === chosen);
  return (
    <div class="stack-wide">
      <Loads of={figures} lines={3}>{(found) => <Month {...found} />}</Loads>
      <section class="stack" aria-label="Runs">
        <header class="bar-row spread">
          <h2>Runs</h2>
          <StartRun remaining={figures.data?.remaining_usd ?? null} started={reload} />
        </header>
        <Loads of={{ ...runs, state: runs.data !== null && runs.state === "loading" ? "ready" : runs.state } as typeof runs}>
          {(found) => <Runs runs={starting === null ? found.data : [starting, ...found.data]} />}
        </Loads>
      </section>
      {figures.data !== null && <TimeLine drift={figures.data.drift} drops={figures.data.quality_drop} />}
      {chosen !== null && (runs.data !== null || runs.state === "failed") && <RunPanel key={chosen} run={chosen} listed={listed} answered={settle} />}
    </div>
  );
}

/** How often the list is read: soon where something is about to change. */
function pollSeconds(runs: readonly Run[], starting: Run | null, answered: string | null): number {
  if (starting?.state === "starting") return STARTING_POLL_S;
  if (runs.some((each) => each.run === answered && isActive(each))) return ANSWERED_POLL_S;
  return runs.some((each) => each.state === "under_way") ? POLL_S : IDLE_POLL_S;
}

/** Read aloud what changes while nobody touches the page. */
function useNews(runs: readonly Run[]): void {
  const known = useRef(new Map<string, string>());
  useEffect(() => {
    const changed = runs.filter((each) => (known.current.get(each.run) ?? runWords(each)) !== runWords(each));
    known.current = new Map(runs.map((each) => [each.run, runWords(each)]));
    if (changed.length > 0) announce(changed.map((each) => `Run ${each.run}: ${runWords(each)}`).join(". "));
  }, [runs]);
}

function Month({ month, budget_usd, spent_usd, remaining_usd, next_run_at, rows, left_out, notes }: Figures) {
  return (
    <div class="stack">
      <Stats>
        <Stat
          label={`Budget left, ${monthName(month)}`} value={budget_usd === null ? UNKNOWN : usd(remaining_usd)}
          note={budget_usd === null ? "not known" : (
            <>
              {usd(spent_usd)} of {usd(budget_usd)} used
              <Bar value={spent_usd} of={budget_usd} label="Learning budget used this month, USD" tone={spent_usd >= budget_usd ? "bad" : "info"} />
            </>
          )}
        />
        <Stat label="Next run" value={<span class="stat-text">{next_run_at === null ? "not scheduled" : <Time at={next_run_at} />}</span>} note="if learning is on" />
        <Stat label="Requests to learn from" value={count(rows.replayable)} note={`in ${count(rows.days)} days`} />
        <Missing label={`${UNITS[rows.verdict_unit]} missing for a verdict`} missing={rows.needed_for_verdict} />
        <Missing label={`${UNITS.heldout_rows} missing for a promise`} missing={rows.needed_for_promise} />
      </Stats>
      {[rows.note, ...notes].filter(Boolean).map((note) => <p key={note} class="hint">{note}</p>)}
      {left_out.length > 0 && <p class="hint">The newest run could not learn from {left_out.map((each) => `${count(each.examples)} ${each.reason}`).join("; ")}.</p>}
    </div>
  );
}

/** A run holds out a part of its examples, so a held-out row takes several requests. */
const UNITS = { requests: "Requests", heldout_rows: "Held-out rows" } as const;

/** `2026-11` as `Nov 2026`. */
function monthName(month: string): string {
  const date = new Date(`${month}-01T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? month : date.toLocaleDateString("en-US", { month: "short", year: "numeric", timeZone: "UTC" });
}

function Missing({ label, missing }: { label: string; missing: number | null }) {
  const note = missing === null ? "not known yet" : missing === 0 ? "reached" : "still missing";
  return <Stat label={label} value={count(missing)} note={note} />;
}

/** Return the run that was started here, unless the list has it, with what became of it. */
function useStarting(listed: readonly Run[]): Run | null {
  const run = useShared(started);
  const isListed = run !== null && listed.some((each) => each.run === run.run);
  useEffect(() => {
    if (isListed) started.set(null);
  }, [isListed]);
  const look = () => void getRun(run!.run).then(
    (found) => started.value?.run === found.run && found.state !== "under_way" && started.set(found),
    () => undefined, // the next look tells
  );
  useInterval(look, STARTING_POLL_S, run !== null && !isListed && run.state === "starting");
  return isListed ? null : run;
}

function startedRun(run: string): Run {
  const message = "The first step begins within 20 seconds.";
  return {
    run, state: "starting", started_at: new Date().toISOString(), trigger: "manual", reason: null, outcome: null,
    message, live_version: null, progress: null, left_out: [],
  };
}

function StartRun({ remaining, started: after }: { remaining: number | null; started: () => void }) {
  const [busy, work] = useState(false);
  const ask = async () => {
    const { data } = await listRuns(); // another tab may have started one
    const active = data.find(isActive);
    return confirm({
      title: "Start a learning run?",
      body: (
        <>
          <p>The run pays for router, tier, judge and proposer calls, {remaining === null ? "within the month's cap" : `at most ${usd(remaining)}, the rest of the month's cap`}. The live prompt stays until a verdict.</p>
          {active !== undefined && <p class="notice warn">Run {active.run} has not ended. Only one run can be active, so the new one is refused until then.</p>}
        </>
      ),
      action: "Start the run",
    });
  };
  const start = async () => {
    work(true);
    try {
      if (await ask()) {
        const { run } = await startRun();
        started.set(startedRun(run));
        toast(`Run ${run} has started. It appears in the list.`);
      }
    } catch (error) {
      toast((error as Error).message, "bad");
    }
    work(false);
    after();
  };
  return <Button busy={busy} onClick={start}>Start a run…</Button>;
}
