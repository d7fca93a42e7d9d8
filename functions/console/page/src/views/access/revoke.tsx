/** Revoking ends a key for good, so its name has to be typed. */

import { useState } from "preact/hooks";
import { revokeKey, type Key } from "../../api/owner.ts";
import { Button, Input } from "../../components/basic.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { Failed } from "../../components/states.tsx";
import { toast } from "../../components/toast.tsx";

export function Revoke({ of, onClose, revoked }: { of: Key; onClose: () => void; revoked: () => void }) {
  const [typed, type] = useState("");
  const [busy, work] = useState(false);
  const [error, fail] = useState<Error | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy || typed !== of.name) return;
    work(true);
    try {
      await revokeKey(of.key_id);
      toast(`${of.name} is revoked.`);
      revoked();
    } catch (raised) {
      fail(raised as Error);
      work(false);
    }
  };
  return (
    <Dialog title={`Revoke ${of.name}?`} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <p>Requests with {of.key_id} are refused within a minute. This cannot be undone.</p>
        <Input label={`Type the key's name, ${of.name}, to confirm`} value={typed} onInput={type} input={{ autofocus: true }} />
        {error !== null && <Failed error={error} />}
        <footer>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="danger" type="submit" busy={busy} disabled={typed !== of.name}>Revoke {of.name}</Button>
        </footer>
      </form>
    </Dialog>
  );
}
