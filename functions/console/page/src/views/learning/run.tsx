/** One run: its verdict and figures, its report, and the answer that it may wait for. */

import { useRef, useState } from "preact/hooks";
import { call } from "../../api/client.ts";
import { runMessage } from "../../api/words.ts";
import { answerRun, getPrompt, getRun, type Interval, type PolicyFigures, type Run, type RunDetail, type SteeringReport } from "../../api/owner.ts";
import { TIERS } from "../../api/types.ts";
import { Button, Facts, Time } from "../../components/basic.tsx";
import { confirm, Dialog } from "../../components/dialog.tsx";
import { Loads } from "../../components/states.tsx";
import { Table } from "../../components/table.tsx";
import { toast } from "../../components/toast.tsx";
import { count, decimal, percent, usd } from "../../format.ts";
import { useLoaded } from "../../hooks.ts";
import { versionName } from "../../prompt-version.ts";
import { setParams } from "../../router.ts";
import { DiffTable } from "../prompt/diff-table.tsx";
import { withoutProvenance } from "../prompt/provenance.ts";
import { Frontier } from "./frontier.tsx";
import { ExamplesUsed } from "./examples-used.tsx";
import { progress, RunBadge, startedWords } from "./runs.tsx";
import { judgeWords, promiseWords, steeringWords } from "./summary.ts";

/** How long the browser may take to begin a download. */
const DOWNLOAD_MS = 60_000;

/** The files of a run that the API returns as its report. */
const REPORTS = ["report.html", "report.md"];

type Answered = (isAccepted: boolean) => void;

interface RunPanelProps {
  run: string;
  /** The run as the list shows it. The list is read again and again; the details only if it changes. */
  listed: Run | undefined;
  /** Called when the reader has approved or rejected it, with whether that was accepted. */
  answered: Answered;
}

export function RunPanel({ run, listed, answered }: RunPanelProps) {
  const loaded = useLoaded((signal) => getRun(run, signal), [run, JSON.stringify(listed)]);
  const last = loaded.data;
  const after = (isAccepted: boolean) => {
    loaded.reload();
    answered(isAccepted);
  };
  return (
    <Dialog title={`Run ${run}`} shape="side" onClose={() => setParams({ run: "" })}>
      <Loads of={last === null ? loaded : { ...loaded, state: loaded.state === "failed" ? "failed" : "ready" } as typeof loaded}>
        {(found) => <Details run={found} answered={after} />}
      </Loads>
    </Dialog>
  );
}

function Details({ run, answered }: { run: RunDetail; answered: Answered }) {
  const summary = run.summary;
  const message = run.message ?? summary?.message;
  return (
    <div class="stack-wide">
      <Facts
        entries={[
          ["State", <RunBadge run={run} />],
          ["Started", <><Time at={run.started_at} />, {startedWords(run)}</>],
          run.reason === null ? null : ["Reason", run.reason],
          run.progress === null ? null : ["Progress", progress(run)],
          summary?.verdict ? ["Verdict", summary.verdict] : null,
          summary?.gain ? ["Gain", interval(summary.gain, (value) => decimal(value, 3))] : null,
          summary?.smallest_visible_gain == null ? null : ["Smallest detectable gain", decimal(summary.smallest_visible_gain, 3)],
          summary?.rows ? ["Examples", `${count(summary.rows.train)} for training, ${count(summary.rows.validation)} for validation, ${count(summary.rows.heldout)} held out`] : null,
          run.live_version === null ? null : ["Live version", String(run.live_version)],
          summary === null ? null : ["Promise", promiseWords(summary.promise)],
          summary === null ? null : ["Steering", <Steering of={summary.steering} />],
          judgeWords(summary?.judge) === null ? null : ["Judge", judgeWords(summary?.judge)],
          summary?.needs_approval ? ["Needs approval", summary.needs_approval] : null,
          summary?.spent_usd == null ? null : ["Spent", usd(summary.spent_usd)],
          summary?.simulated?.length ? ["Simulated", summary.simulated.join(", ")] : null,
        ]}
      />
      {message && <p class="lines">{runMessage(message)}</p>}
      {run.state === "waits_for_approval" && <Answer run={run} answered={answered} />}
      <ExamplesUsed run={run} />
      {summary?.policies && summary.policies.length > 0 && <Policies policies={summary.policies} />}
      {run.frontier !== null && run.frontier.points.length > 0 && <Frontier points={run.frontier.points} title="Cost and quality on held-out examples" />}
      {run.candidate_document !== null && <Candidate document={run.candidate_document} />}
      {run.artifacts.some((each) => REPORTS.includes(each)) && <Report run={run} />}
    </div>
  );
}

/** The prompt's own score is of other texts and queries, so the two differ. */
function Steering({ of }: { of: SteeringReport | null | undefined }) {
  return (
    <>
      {steeringWords(of)}
      {of && <div class="hint">Measured on this run's own texts and queries, so it differs from the score of the prompt.</div>}
    </>
  );
}

function interval(figures: Interval, format: (value: number) => string): string {
  const n = figures.n === null || figures.n === undefined ? "" : `, n = ${count(figures.n)}`;
  return `${format(figures.mean)} (${format(figures.low)} to ${format(figures.high)}${n})`;
}

function Policies({ policies }: { policies: PolicyFigures[] }) {
  return (
    <section class="stack" aria-label="Policies">
      <h3>Policies, with 95% intervals</h3>
      <Table
        caption="Policies on held-out examples" rows={policies} rowKey={(each) => each.policy}
        columns={[
          { name: "Policy", cell: (each) => each.policy },
          { name: "Quality", cell: (each) => each.quality ? interval(each.quality, (value) => percent(value, 1)) : "–", numeric: true },
          { name: "Cost, all Tier 3 = 1", cell: (each) => each.cost ? interval({ ...each.cost, n: null }, (value) => decimal(value)) : "–", numeric: true },
          { name: "Cost per query", cell: (each) => usd(each.cost_usd_per_query), numeric: true },
          { name: "Tiers 1 · 2 · 3", cell: (each) => mixWords(each.mix), wide: true },
        ]}
      />
    </section>
  );
}

const mixWords = (mix: PolicyFigures["mix"]) => (mix ? TIERS.map((tier) => percent(mix[tier] ?? 0)).join(" · ") : "–");

function Answer({ run, answered }: { run: RunDetail; answered: Answered }) {
  const box = useRef<HTMLDivElement>(null);
  const [busy, work] = useState(false);
  const answer = async (choice: "approve" | "reject") => {
    const approve = choice === "approve";
    const sure = await confirm({
      title: approve ? `Approve run ${run.run}?` : `Reject run ${run.run}?`,
      body: approve
        ? <p>The candidate of run {run.run} becomes the live prompt, unless the prompt has changed since the run began.</p>
        : <p>The candidate of run {run.run} is discarded, and the live prompt stays.</p>,
      action: approve ? "Approve the candidate" : "Reject the candidate", danger: !approve,
    });
    if (!sure) return;
    work(true);
    try {
      await answerRun(run.run, choice);
      toast(approve ? `Run ${run.run} is approved.` : `Run ${run.run} is rejected.`);
      box.current?.closest("dialog")?.querySelector("button")?.focus(); // the buttons below go
      answered(true);
    } catch (error) {
      toast((error as Error).message, "bad");
      answered(false);
    }
    work(false);
  };
  return (
    <div ref={box} class="notice warn" role="group" aria-label="Approval">
      <p>This run waits for your decision. Read its figures and its candidate first.</p>
      <div class="toolbar">
        <Button kind="primary" busy={busy} onClick={() => answer("approve")}>Approve…</Button>
        <Button busy={busy} onClick={() => answer("reject")}>Reject…</Button>
      </div>
    </div>
  );
}

function Candidate({ document }: { document: string }) {
  const live = useLoaded((signal) => getPrompt(null, signal), []);
  return (
    <section class="stack" aria-label="Candidate">
      <h3>The candidate beside the live prompt</h3>
      <Loads of={live}>
        {(found) => <DiffTable before={withoutProvenance(found.document)} after={withoutProvenance(document)} beforeName={`${versionName(found.version)} (live)`} afterName="Candidate" />}
      </Loads>
    </section>
  );
}

/** Saves the report to a file: the page's policy does not let it show HTML with styles. */
function Report({ run }: { run: RunDetail }) {
  const [busy, work] = useState(false);
  const save = async () => {
    work(true);
    try {
      const answer = await call("GET", `v1/runs/${encodeURIComponent(run.run)}/report`);
      const type = answer.headers.get("content-type") ?? "";
      const url = URL.createObjectURL(await answer.blob());
      const link = document.createElement("a");
      link.href = url;
      link.download = `${run.run}.${type.includes("html") ? "html" : "md"}`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), DOWNLOAD_MS);
    } catch (error) {
      toast((error as Error).message, "bad");
    }
    work(false);
  };
  return <div><Button busy={busy} onClick={save}>Download the report</Button></div>;
}
