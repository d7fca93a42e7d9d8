/** How a version was made: provenance, verdict, promise, steering, and the run it came from. */

import { useMemo } from "preact/hooks";
import { runMessage } from "../../api/words.ts";
import { getRun, listRuns, type Evidence, type PromptDocument, type PromptVersion } from "../../api/owner.ts";
import { author } from "../../author.ts";
import { Badge, Facts, Time } from "../../components/basic.tsx";
import { Stat, Stats } from "../../components/stat.tsx";
import { Loads } from "../../components/states.tsx";
import { count, decimal, percent, plural } from "../../format.ts";
import { useLoaded } from "../../hooks.ts";
import { versionName, withVersionNames } from "../../prompt-version.ts";
import { href } from "../../router.ts";
import type { LivePrompt } from "../prompt.tsx";
import { Frontier } from "../learning/frontier.tsx";
import { scoreWords, worstWords } from "../../steering.ts";
import { provenanceOf, runOf } from "./provenance.ts";

export function LiveFacts({ live }: LivePrompt) {
  const { steering, evidence } = live;
  return (
    <>
      {!live.valid && (
        <p class="notice bad" role="alert">
          The live version cannot be served, so {withVersionNames(live.serving)} is: {live.reason}
        </p>
      )}
      <Stats>
        <Stat label="Live" value={versionName(live.version)} note={<>digest {live.digest ?? "unknown"}</>} />
        <Stat label="Written" value={<span class="stat-text"><Time at={live.written_at} /></span>} note={author(live.written_by)} />
        <Stat label="Origin" value={<span class="stat-text">{live.origin ?? "not stated"}</span>} note={evidence === null ? "no verdict on this text" : `verdict: ${evidence.verdict}`} />
        <Stat
          label="Promise" value={<span class="stat-text">{promised(evidence)}</span>}
          note={evidence?.promise ?? "no run has promised a quality for this text"}
        />
        <Stat
          label="Steered to a higher tier" value={percent(steering?.up?.mean, 1)}
          note={steering === null ? "not measured for this text" : worstWords(steering.up)}
          title="The steering score: the share of queries that a text around them moves to a larger model"
        />
      </Stats>
    </>
  );
}

function promised(evidence: Evidence | null): string {
  const limit = evidence?.promised_loss ?? null;
  return limit === null ? "none" : `at most ${Number((100 * limit).toFixed(2))}% worse`;
}

/** All that a version says about itself, and the run that made it. */
export function VersionFacts({ version, versions }: { version: PromptDocument; versions: readonly PromptVersion[] }) {
  const { evidence } = version;
  const from = useMemo(() => provenanceOf(version.document), [version.document]);
  const known = new Set(["schema_version", "steering", "content", "promise_for"]);
  const title = `How ${withVersionNames(version.version)} was made`;
  const others = Object.entries(from).filter(([name]) => !known.has(name));
  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      <div class="stack">
        <Facts
          entries={[
            ["Valid", version.valid ? <Badge tone="good">yes</Badge> : <Badge tone="bad">no</Badge>],
            version.reason === null ? null : ["Problem", version.reason],
            ["Written by", author(version.written_by)],
            ["Origin", version.origin ?? "not stated"],
            ["Size", `${count(version.bytes)} bytes of 8,192`],
            ["Strategy", version.strategy ?? "–"],
            version.local_model === null ? null : ["Local model", <code>{version.local_model}</code>],
            version.ask_below === null ? null : ["Router LLM", `also asked if the local model leads by less than ${decimal(version.ask_below, 3)}`],
            version.bypass_tokens === null ? null : ["Bypass", `queries below ${plural(version.bypass_tokens, "token")}`],
            ...profileEntries(version),
            ["Promise", evidence?.promise ?? "none"],
            ["Steering", scoreWords(version.steering)],
          ]}
        />
        {evidence?.gain != null && <Gain {...evidence} gain={evidence.gain} />}
        <details>
          <summary>Provenance as stored ({count(others.length)})</summary>
          {from.content !== undefined && from.content !== version.digest && <p class="hint">It is about the text before the edit, {from.content}.</p>}
          <Facts entries={others.map(([name, text]) => [name, text] as const)} />
        </details>
        {evidence !== null && <MadeBy digest={version.digest} versions={versions} />}
      </div>
    </section>
  );
}

/** Which tier a profile makes of each that the router LLM names. */
function profileEntries({ profiles }: PromptDocument): [name: string, value: string][] {
  return Object.entries(profiles ?? {}).map(([name, tiers]) => [
    `Profile ${name}`, tiers.map((tier, n) => `Tier ${n + 1} becomes ${tier}`).join(", "),
  ]);
}

function Gain({ gain, heldout_rows, quality, cost }: Evidence & { gain: NonNullable<Evidence["gain"]> }) {
  return (
    <p>
      On {count(heldout_rows)} held-out examples: gain {decimal(gain.mean, 3)} (95% interval {decimal(gain.low, 3)} to{" "}
      {decimal(gain.high, 3)}), quality {decimal(quality, 3)}, cost {decimal(cost, 3)} of all on Tier 3.
    </p>
  );
}

/** The frontier of the run that made this text live, under this number or, before a rollback, another. */
function MadeBy({ digest, versions }: { digest: string | null; versions: readonly PromptVersion[] }) {
  const loaded = useLoaded(
    async (signal) => {
      const runs = await listRuns(signal);
      const made = runOf(digest, versions, runs.data);
      return { run: made === null ? null : await getRun(made.run, signal) };
    },
    [digest, versions],
  );
  return (
    <Loads of={loaded} lines={2}>
      {({ run }) =>
        run === null ? <p class="hint">No run in the list made this text live.</p> : (
          <div class="stack">
            <p>
              This text was made live by run <a href={href("learning", { run: run.run })}>{run.run}</a>. {run.summary?.message && runMessage(run.summary.message)}
            </p>
            {run.frontier !== null && <Frontier points={run.frontier.points} title={`Cost and quality in run ${run.run}`} />}
          </div>
        )}
    </Loads>
  );
}
