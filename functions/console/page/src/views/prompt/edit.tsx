/** Edit the prompt: check, preview, publish. The draft stays while the page is open. */

import { useEffect, useState } from "preact/hooks";
import { ApiError, mayBeDone } from "../../api/client.ts";
import { getPrompt, publishPrompt, type Published } from "../../api/owner.ts";
import { Button, Field } from "../../components/basic.tsx";
import { confirm } from "../../components/dialog.tsx";
import { Failed } from "../../components/states.tsx";
import { announce, toast } from "../../components/toast.tsx";
import { count, plural } from "../../format.ts";
import { Kept } from "../../kept.ts";
import { hold } from "../../leaving.ts";
import { versionNumber } from "../../prompt-version.ts";
import { setParams, usePlace } from "../../router.ts";
import { scoreWords } from "../../steering.ts";
import type { LivePrompt } from "../prompt.tsx";
import { DiffTable } from "./diff-table.tsx";
import { failureTitle } from "./outcome.ts";
import { Preview } from "./preview.tsx";

/** Bytes that Parameter Store holds. */
const LIMIT = 8192;

/** An answer that cannot be read is as good as none. */
const UNANSWERED = { status: 0, code: null };

interface Draft {
  text: string;
  /** The version that the draft replaces. */
  base: number;
}

const kept = new Kept<Draft | null>(() => null);

/** A text with what a check found, or with the error of a check or of publishing it. */
type Checked = { text: string; found: Published } | { text: string; error: Error; isPublishing: boolean } | null;

export function Edit({ live, number, reload }: LivePrompt) {
  const [draft, keep] = useState<Draft>(() => kept.value ?? { text: live.document, base: number ?? 0 });
  const [checked, check] = useState<Checked>(null);
  const [busy, work] = useState(false);
  kept.value = draft;
  const change = (text: string) => keep((before) => ({ ...before, text }));
  const startOver = () => keep({ text: live.document, base: number ?? 0 });
  useStart(startOver, (text) => keep({ text, base: number ?? 0 }));

  /** Return whether the text can be published. */
  const runCheck = async (): Promise<boolean> => {
    work(true);
    const text = draft.text;
    const found = await publishPrompt(text, draft.base, true).then(
      (found) => ({ text, found }),
      (error: Error) => ({ text, error, isPublishing: false }),
    );
    check(found);
    if ("found" in found) announce(`Checked: ${plural(found.found.warnings.length, "warning")}.`);
    if ("error" in found && found.error instanceof ApiError && found.error.code === "prompt_changed") reload();
    work(false);
    return "found" in found;
  };
  const publish = async () => {
    const passed = checked !== null && "found" in checked && checked.text === draft.text;
    if (!passed && !(await runCheck())) return;
    const next = draft.base + 1;
    const sure = await confirm({
      title: `Publish version ${next}?`,
      body: (
        <p>
          Your edit replaces version {draft.base} and becomes version {next}. New requests are routed by it within a
          minute. Version {draft.base} stays in the list, and you can roll back to it.
        </p>
      ),
      action: `Publish version ${next}`,
    });
    if (!sure) return;
    work(true);
    try {
      const done = await publishPrompt(draft.text, draft.base);
      toast(`Version ${versionNumber(done.version)} is live.`);
      for (const warning of done.warnings) toast(warning, "warn");
      keep({ text: draft.text, base: versionNumber(done.version) ?? next });
      check(null);
      reload();
    } catch (error) {
      check({ text: draft.text, error: error as Error, isPublishing: true });
      if (!isAboutText(error)) reload(); // the text, or another one, may be live now
    }
    work(false);
  };

  const same = draft.text === live.document;
  const isRefused = checked !== null && "error" in checked && checked.text === draft.text && isAboutText(checked.error);
  useEffect(() => {
    // The draft is live: it was published here, and the answer was lost.
    if (same && number !== null && draft.base !== number) keep({ ...draft, base: number });
  }, [same, number]);
  useEffect(() => hold("prompt", !same && number !== null), [same, number]);
  const bytes = new TextEncoder().encode(draft.text).length;
  if (number === null) {
    return <p class="notice">The stage serves {live.serving}, which is not stored as a version, so there is nothing to edit here. Deploy the stage to store it.</p>;
  }
  return (
    <div class="stack-wide">
      {draft.base !== number && !same && (
        <p class="notice warn" role="alert">
          Version {number} went live after you started from version {draft.base}. Your text is kept and is not live.
          Compare it with version {number} below. <Button onClick={() => { keep({ ...draft, base: number }); check(null); }}>Keep my text, replace version {number}</Button>
        </p>
      )}
      <Field
        label="Routing prompt" hint={`${count(bytes)} of ${count(LIMIT)} bytes${bytes > LIMIT ? ", which is too long" : ""}`}
        error={bytes > LIMIT ? "The prompt is too long for Parameter Store. Shorten it." : null}
      >
        {(ties) => (
          <textarea {...ties} class="mono editor" rows={22} spellcheck={false} value={draft.text} onInput={(event) => change(event.currentTarget.value)} />
        )}
      </Field>
      <div class="toolbar">
        <Button busy={busy} onClick={runCheck}>Check</Button>
        <Button kind="primary" busy={busy} disabled={same || bytes > LIMIT || isRefused} onClick={publish}>Publish…</Button>
        <Button kind="quiet" disabled={same && draft.base === number} onClick={startOver}>Discard edit</Button>
      </div>
      {checked !== null && <Outcome checked={checked} current={draft.text} number={number} same={same} />}
      {!same && <DiffTable before={live.document} after={draft.text} beforeName={`Version ${number} (live)`} afterName="Your edit" />}
      <Preview document={draft.text} same={same} base={number} />
    </div>
  );
}

/** Whether the text itself was refused, so that it is refused again. */
function isAboutText(error: unknown): boolean {
  return error instanceof ApiError && error.status === 400;
}

/** Start from the version in the address, once. */
function useStart(startOver: () => void, take: (text: string) => void) {
  const { params } = usePlace();
  const from = params.get("from");
  useEffect(() => {
    if (from === null) return;
    setParams({ from: "" });
    getPrompt(Number(from)).then(({ document }) => take(document), (error: Error) => {
      toast(error.message, "bad");
      startOver();
    });
  }, [from]);
}

interface OutcomeProps {
  checked: NonNullable<Checked>;
  current: string;
  /** Of the live version. */
  number: number;
  /** Whether the current text is live. */
  same: boolean;
}

function Outcome({ checked, current, number, same }: OutcomeProps) {
  if ("error" in checked) {
    const api = checked.error instanceof ApiError ? checked.error : null;
    if (api?.code === "prompt_changed") return null; // the notice above says what to do
    const isCurrent = checked.text === current;
    const isUnknown = checked.isPublishing && mayBeDone(checked.error);
    if (isUnknown && isCurrent && same) return <p class="notice good">Version {number} is live, with this text.</p>;
    return (
      <Failed title={failureTitle(api ?? UNANSWERED, checked.isPublishing, isCurrent)} error={checked.error}>
        {isUnknown && <p>If the page does not show it as live, publish it again: a text that went live is not published twice.</p>}
      </Failed>
    );
  }
  const { warnings, steering } = checked.found;
  const old = checked.text === current ? "" : " You have changed the text since.";
  return (
    <div class={`notice ${warnings.length === 0 ? "good" : "warn"}`}>
      <p>{warnings.length === 0 ? "The prompt can be published." : "The prompt can be published, with warnings:"}{old}</p>
      <ul class="bullets">{warnings.map((each) => <li key={each}>{each}</li>)}</ul>
      <p class="hint">Steering: {scoreWords(steering)}.</p>
    </div>
  );
}
