/** The settings of a key: to create one, or to change one. */

import { useState } from "preact/hooks";
import { mayBeDone } from "../../api/client.ts";
import { changeKey, makeKey, type Key, type KeyWithSecret } from "../../api/owner.ts";
import { Button, Input, Select } from "../../components/basic.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { Failed } from "../../components/states.tsx";
import { toast } from "../../components/toast.tsx";
import { TIERS } from "../../api/types.ts";
import { changesOf, fieldsOf, problemsOf, settingsOf, type Fields } from "./key-fields.ts";

interface KeyFormProps {
  /** The key to change; null creates one. */
  before: Key | null;
  onClose: () => void;
  made: (key: KeyWithSecret) => void;
  changed: () => void;
}

export function KeyForm({ before, onClose, made, changed }: KeyFormProps) {
  const [fields, setFields] = useState<Fields>(() => fieldsOf(before));
  const [busy, work] = useState(false);
  const [tried, tryIt] = useState(false);
  const [error, fail] = useState<Error | null>(null);
  const [warnings, warn] = useState<readonly string[]>([]);
  const problems = problemsOf(fields, before);
  const set = (change: Partial<Fields>) => setFields((all) => ({ ...all, ...change }));
  const submit = async (event: Event) => {
    event.preventDefault();
    tryIt(true);
    if (busy) return;
    if (Object.keys(problems).length > 0) return showFirst(event.currentTarget as HTMLFormElement);
    const changes = before === null ? {} : changesOf(fields, before);
    if (before !== null && Object.keys(changes).length === 0) return onClose();
    work(true);
    try {
      if (before === null) made(await makeKey({ ...settingsOf(fields), role: fields.role }));
      else {
        const done = await changeKey(before.key_id, changes);
        toast(`${fields.name} is changed. The change takes effect within a minute.`);
        if ((done.warnings ?? []).length === 0) changed();
        else warn(done.warnings);
      }
    } catch (raised) {
      fail(raised as Error);
      if (before === null && mayBeDone(raised)) changed(); // the list tells whether it is there
      work(false);
    }
  };
  const shown = tried ? problems : {};
  if (warnings.length > 0) return <Warned name={fields.name} warnings={warnings} onClose={changed} />;
  return (
    <Dialog title={before === null ? "Create a key" : `Change ${before.name}`} onClose={onClose}>
      <form class="stack" onSubmit={submit} noValidate>
        <Input label="Name" value={fields.name} onInput={(name) => set({ name })} error={shown.name} input={{ autofocus: true, required: true, maxLength: 100 }} />
        {before === null && (
          <Select
            label="Role" value={fields.role} options={[["client", "Client: sends requests"], ["admin", "Admin: may also change everything here"]]}
            onChange={(role) => set({ role })}
          />
        )}
        <Tiers fields={fields} set={set} problem={shown.tiers} />
        <Limits fields={fields} set={set} problems={shown} />
        <Input
          label="Tags" value={fields.tags} onInput={(tags) => set({ tags })} error={shown.tags}
          hint="Costs are also summed by tag. Example: team=search, stage=beta" input={{ placeholder: "team=search" }}
        />
        {error !== null && (before === null && mayBeDone(error) ? <Lost error={error} name={fields.name.trim()} /> : <Failed error={error} />)}
        <footer>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={busy}>{before === null ? "Create key" : "Save changes"}</Button>
        </footer>
      </form>
    </Dialog>
  );
}

/** Nobody can read the secret of a key that was made while its answer was lost. */
function Lost({ error, name }: { error: Error; name: string }) {
  return (
    <Failed error={error} title="It is not known whether the key was created">
      <p>Look at the list first: if it has a new key named {name}, revoke that one, because its secret cannot be shown again. Then create the key again.</p>
    </Failed>
  );
}

/** Move the focus to the first field that is wrong, once it is marked. */
function showFirst(form: HTMLFormElement): void {
  setTimeout(() => form.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
}

/** The change is made; what it leaves without effect stays on the screen until it is read. */
function Warned({ name, warnings, onClose }: { name: string; warnings: readonly string[]; onClose: () => void }) {
  return (
    <Dialog title={`${name} is changed, with warnings`} onClose={onClose}>
      <ul class="bullets">{warnings.map((each) => <li key={each}>{each}</li>)}</ul>
      <footer><Button kind="primary" onClick={onClose}>Close</Button></footer>
    </Dialog>
  );
}

type Set = (change: Partial<Fields>) => void;

function Tiers({ fields, set, problem }: { fields: Fields; set: Set; problem?: string }) {
  return (
    <fieldset class="checks">
      <legend>Tiers that may answer</legend>
      {TIERS.map((tier) => (
        <label key={tier}>
          <input
            type="checkbox" checked={fields.tiers.includes(tier)} aria-invalid={problem !== undefined || undefined}
            aria-describedby={problem ? "tiers-problem" : undefined}
            onChange={(event) => set({ tiers: TIERS.filter((each) => (each === tier ? event.currentTarget.checked : fields.tiers.includes(each))) })}
          />
          Tier {tier}
        </label>
      ))}
      {problem && <p id="tiers-problem" class="field-error" role="alert">{problem}</p>}
    </fieldset>
  );
}

function Limits({ fields, set, problems }: { fields: Fields; set: Set; problems: Partial<Record<keyof Fields, string>> }) {
  return (
    <div class="grid-fields">
      <Input label="Monthly budget, USD" value={fields.budget} onInput={(budget) => set({ budget })} error={problems.budget} hint="Empty: no budget" input={{ inputMode: "decimal" }} />
      <Select
        label="When the budget is spent" value={fields.whenSpent} onChange={(whenSpent) => set({ whenSpent })}
        options={[["refuse", "Refuse requests"], ["downgrade", "Answer with Tier 1"]]}
      />
      <Input label="Requests per minute" value={fields.rate} onInput={(rate) => set({ rate })} error={problems.rate} hint="Empty: no limit" input={{ inputMode: "numeric" }} />
      <Input label="Max share on Tier 3, %" value={fields.share} onInput={(share) => set({ share })} error={problems.share} hint="Empty: stage default" input={{ inputMode: "decimal" }} />
      <Select
        label="Profile" value={fields.profile} onChange={(profile) => set({ profile })}
        options={[["", "Stage default (balanced)"], ["quality", "Quality"], ["balanced", "Balanced"], ["cost", "Cost"]]}
      />
    </div>
  );
}
