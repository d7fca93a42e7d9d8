/** The list of learning runs. */

import type { Run, RunState } from "../../api/owner.ts";
import { runMessage } from "../../api/words.ts";
import { Badge, Time, type Tone } from "../../components/basic.tsx";
import { Empty } from "../../components/states.tsx";
import { Table } from "../../components/table.tsx";
import { href } from "../../router.ts";

/** What a run is doing, or how it ended. */
export const runWords = (run: Run): string => run.outcome ?? STATES[run.state]?.[0] ?? run.state;

/** Whether it has not ended: only one run can be active. */
export const isActive = (run: Run): boolean => run.state === "under_way" || run.state === "waits_for_approval";

const STATES: Record<RunState, [words: string, tone: Tone]> = {
  starting: ["starting", "info"],
  under_way: ["under way", "info"],
  waits_for_approval: ["waits for approval", "warn"],
  ended: ["ended", "neutral"],
  stopped: ["stopped", "bad"],
};

/** What started a run, as a word of a table and as a part of a sentence. */
const TRIGGERS: Readonly<Record<string, string>> = { schedule: "Schedule", manual: "Manual", drift: "Drift" };
const STARTED: Readonly<Record<string, string>> = { schedule: "on schedule", manual: "manually", drift: "because of drift" };

export const startedWords = (run: Run): string => STARTED[run.trigger] ?? run.trigger;

export function RunBadge({ run }: { run: Run }) {
  return <Badge tone={toneOf(run)}>{runWords(run)}</Badge>;
}

function toneOf({ outcome, state }: Run): Tone {
  if (outcome === null) return STATES[state]?.[1] ?? "neutral";
  return outcome === "promoted" ? "good" : outcome === "failed" ? "bad" : "neutral";
}

export function Runs({ runs }: { runs: Run[] }) {
  if (runs.length === 0) {
    return (
      <Empty title="No run yet">
        <p>
          A run starts once a week, or when you start one. It needs recorded requests with texts, or a file of examples:
          see docs/learning.md.
        </p>
      </Empty>
    );
  }
  return (
    <Table
      caption="Learning runs, newest first" rows={runs} rowKey={(each) => each.run}
      columns={[
        { name: "Run", cell: (each) => <a href={href("learning", { run: each.run })}>{each.run}</a> },
        { name: "Started", cell: (each) => <Time at={each.started_at} />, wide: true },
        { name: "Trigger", cell: (each) => TRIGGERS[each.trigger] ?? each.trigger, wide: true },
        { name: "State", cell: (each) => <RunBadge run={each} /> },
        { name: "Version", cell: (each) => each.live_version ?? "–", numeric: true },
        { name: "Message", cell: (each) => <span class="clamp">{each.message === null ? progress(each) : runMessage(each.message)}</span>, wide: true },
      ]}
    />
  );
}

/** What a run under way says about itself. */
export function progress(run: Run): string {
  const entries = Object.entries(run.progress ?? {}).filter(([, value]) => ["string", "number"].includes(typeof value));
  return entries.map(([name, value]) => `${name.replaceAll("_", " ")}: ${value}`).join(" · ");
}
