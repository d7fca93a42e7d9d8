/** The audit trail: who changed what, newest first. */

import { useEffect, useState } from "preact/hooks";
import { listChanges, type Change, type Key } from "../../api/owner.ts";
import { author } from "../../author.ts";
import { Badge, Button, Select, Time } from "../../components/basic.tsx";
import { Empty, Failed, Loading } from "../../components/states.tsx";

const AREAS = [["", "Everything"], ["keys", "Keys"], ["switches", "Switches"], ["prompt", "Prompt"], ["texts", "Deleted texts"]] as const;

interface Trail {
  changes: Change[];
  cursor: string | null;
}

/** `round` changes whenever something was done that the trail should show. */
export function AuditTrail({ round, keys }: { round: number; keys: readonly Key[] }) {
  const [what, choose] = useState<(typeof AREAS)[number][0]>("");
  const [trail, show] = useState<Trail | null>(null);
  const [error, fail] = useState<Error | null>(null);
  const load = async (before: Trail | null, signal?: AbortSignal) => {
    try {
      const page = await listChanges(before?.cursor ?? null, what, signal);
      if (signal?.aborted) return;
      fail(null);
      show({ changes: [...(before?.changes ?? []), ...page.data], cursor: page.cursor });
    } catch (raised) {
      if (!signal?.aborted) fail(raised as Error);
    }
  };
  useEffect(() => {
    const controller = new AbortController();
    void load(null, controller.signal);
    return () => controller.abort();
  }, [what, round]);
  return (
    <section class="card" aria-label="Audit trail">
      <header class="bar-row spread">
        <h2>Audit trail</h2>
        <Select label="Show" class="inline" value={what} options={AREAS} onChange={choose} />
      </header>
      {error !== null && <Failed error={error} retry={() => load(null)} />}
      {trail === null ? error === null && <Loading lines={4} /> : <Changes trail={trail} keys={keys} />}
      {trail !== null && trail.cursor !== null && <Button onClick={() => load(trail)}>Older changes</Button>}
    </section>
  );
}

/** A text with the names of the keys whose ids it has. */
function named(text: string, keys: readonly Key[]): string {
  return text.replace(/key_[0-9a-f]+/g, (id) => {
    const name = keys.find((each) => each.key_id === id)?.name;
    return name === undefined || text.includes(name) ? id : `${name} (${id})`;
  });
}

/** What was there and what replaced it; only the one of them that there is. */
function changeWords({ before, after }: Change): string {
  return before !== null && after !== null ? `${before} → ${after}` : before !== null ? `was ${before}` : (after ?? "");
}

function Changes({ trail, keys }: { trail: Trail; keys: readonly Key[] }) {
  if (trail.changes.length === 0) return <Empty title="No change of this kind" />;
  return (
    <ol class="trail">
      {trail.changes.map((each) => (
        <li key={`${each.at} ${each.subject} ${each.action}`}>
          <div>
            <strong>{each.what}: {each.action}</strong> {named(each.subject, keys)}{" "}
            {!each.confirmed && <Badge tone="warn" title="It is not known whether the change was made">unconfirmed</Badge>}
          </div>
          {(each.before !== null || each.after !== null) && <div>{changeWords(each)}</div>}
          <div class="hint"><Time at={each.at} /> · {named(author(each.by), keys)}</div>
        </li>
      ))}
    </ol>
  );
}
