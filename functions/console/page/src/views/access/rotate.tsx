/** A new secret for a key, which keeps its id, limits and records. */

import { useState } from "preact/hooks";
import { mayBeDone } from "../../api/client.ts";
import { rotateKey, type Key, type KeyWithSecret } from "../../api/owner.ts";
import { Button, Input } from "../../components/basic.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { Failed } from "../../components/states.tsx";

const LONGEST_H = 720;

interface RotateProps {
  of: Key;
  onClose: () => void;
  rotated: (key: KeyWithSecret) => void;
  /** Called when it is not known whether the secret was replaced. */
  lost: () => void;
}

export function Rotate({ of, onClose, rotated, lost }: RotateProps) {
  const [hours, setHours] = useState("24");
  const [busy, work] = useState(false);
  const [error, fail] = useState<Error | null>(null);
  const grace = Number(hours);
  const valid = hours.trim() !== "" && grace >= 0 && grace <= LONGEST_H;
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy || !valid) return;
    work(true);
    await rotateKey(of.key_id, grace).then(rotated, (raised: Error) => {
      fail(raised);
      work(false);
      if (mayBeDone(raised)) lost();
    });
  };
  return (
    <Dialog title={`Rotate ${of.name}?`} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <p>{of.name} ({of.key_id}) gets a new secret, which is shown once. The old one stops working after the time below.</p>
        <Input
          label="Hours until the old secret stops working" value={hours} onInput={setHours}
          hint="Enter 0 for a leaked secret: it stops working within a minute." error={valid ? null : `Enter 0 to ${LONGEST_H} hours.`}
          input={{ type: "number", min: 0, max: LONGEST_H, autofocus: true }}
        />
        {error !== null && (mayBeDone(error) ? <Lost error={error} /> : <Failed error={error} />)}
        <footer>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={busy} disabled={!valid}>Rotate {of.name}</Button>
        </footer>
      </form>
    </Dialog>
  );
}

/** Nobody can read a new secret whose answer was lost. Another rotation makes one that can be read. */
function Lost({ error }: { error: Error }) {
  return (
    <Failed error={error} title="It is not known whether the secret was replaced">
      <p>Rotate the key again to get a secret that you can copy. If the first rotation took effect, the old secret ends after the time that you entered for it.</p>
    </Failed>
  );
}
