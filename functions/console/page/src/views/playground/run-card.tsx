/** One run: the answer as it streams, who gave it, what it cost, and a thumb. */

import { useRef } from "preact/hooks";
import { ApiError, callJson } from "../../api/client.ts";
import { Badge, Button, Copy, TierBadge } from "../../components/basic.tsx";
import { Failed } from "../../components/states.tsx";
import { toast } from "../../components/toast.tsx";
import { duration, usd } from "../../format.ts";
import { REASONS } from "../../reasons.ts";
import { Kept, useShared } from "../../kept.ts";
import { href } from "../../router.ts";
import { useSession } from "../../session.ts";
import { Asked } from "./asked.tsx";
import type { Run } from "./runs.ts";

const STATES = { waiting: "Waiting…", streaming: "Streaming…", done: "Done", stopped: "Stopped", failed: "Failed" } as const;
const TONES = { waiting: "info", streaming: "info", done: "good", stopped: "warn", failed: "bad" } as const;

export function RunCard({ run, isEarlier, onContinue }: { run: Run; isEarlier: boolean; onContinue: (answer: string) => void }) {
  const card = useRef<HTMLElement>(null);
  const stop = () => {
    run.stop();
    card.current?.focus(); // the button goes
  };
  const open = run.state === "waiting" || run.state === "streaming";
  return (
    <article ref={card} tabIndex={-1} class="card stack run" aria-label={`Run: ${run.title}`}>
      <header class="record-head">
        <strong>{run.title}</strong>
        {run.tier !== null && run.title !== `Tier ${run.tier}` && <TierBadge tier={run.tier} />}
        {run.model !== null && <span>{run.model}</span>}
        {run.reason !== null && <Badge title={REASONS[run.reason]}>{run.reason}</Badge>}
        <span role="status"><Badge tone={TONES[run.state]}>{STATES[run.state]}</Badge></span>
        {open && <Button kind="danger" onClick={stop}>Stop</Button>}
      </header>
      <Asked body={run.body} isEarlier={isEarlier} />
      {run.error !== null && <Failed error={run.error} title={run.text === "" ? "No answer" : "Incomplete answer"} />}
      {run.text !== "" && <div class="text" tabIndex={0} role="region" aria-label={`Answer of run ${run.id}, ${run.title}`}>{run.text}</div>}
      {run.finish === "length" && <p class="hint">The answer ends here because it reached the limit of output tokens.</p>}
      {run.notes.map((each) => <p key={each} class="hint">{each}</p>)}
      {!open && <Figures run={run} />}
      {!open && run.text !== "" && (
        <footer class="bar-row">
          <Thumbs run={run} />
          <Copy text={run.text} label="Copy answer" />
          <Button kind="quiet" onClick={() => onContinue(run.text)}>Continue the conversation</Button>
        </footer>
      )}
    </article>
  );
}

function Figures({ run }: { run: Run }) {
  const session = useSession();
  return (
    <dl class="figures">
      <div><dt>Cost</dt><dd>{usd(run.costUsd)}</dd></div>
      <div><dt>Saved (est.)</dt><dd>{usd(run.savedUsd)}</dd></div>
      <div><dt>First token</dt><dd>{duration(run.firstTokenMs)}</dd></div>
      <div><dt>Total</dt><dd>{duration(run.totalMs)}</dd></div>
      {run.requestId !== null && session?.role === "admin" && (
        <div><dt>Record</dt><dd><a href={href("decisions", { id: run.requestId })}>open</a></dd></div>
      )}
    </dl>
  );
}

const RECORD_TRIES = 6;

/** A record is written seconds after its answer. Until then, the API does not know the request. */
async function rateOnceRecorded(requestId: string, thumb: "up" | "down"): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await callJson("POST", "v1/feedback", { request_id: requestId, thumb });
      return;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404 || tries === RECORD_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

/** The thumbs given here, by request. */
const thumbs = new Kept<Readonly<Record<string, "up" | "down" | null>>>(() => ({}));

function Thumbs({ run }: { run: Run }) {
  const given = useShared(thumbs)[run.requestId ?? ""] ?? null;
  if (run.requestId === null) return null;
  const give = (thumb: "up" | "down" | null) => thumbs.set({ ...thumbs.value, [run.requestId!]: thumb });
  const rate = async (thumb: "up" | "down") => {
    give(thumb);
    try {
      await rateOnceRecorded(run.requestId!, thumb);
    } catch (error) {
      give(null);
      toast((error as Error).message, "bad");
    }
  };
  return (
    <div class="bar-row" role="group" aria-label="Rate this answer">
      <Button kind="quiet" aria-pressed={given === "up"} onClick={() => rate("up")}>Good</Button>
      <Button kind="quiet" aria-pressed={given === "down"} onClick={() => rate("down")}>Bad</Button>
    </div>
  );
}
