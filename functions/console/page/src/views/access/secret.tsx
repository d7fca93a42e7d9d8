/** A new secret, which nobody can read again. It stays until the reader has copied it, whatever view is shown. */

import { useEffect, useState } from "preact/hooks";
import type { KeyWithSecret } from "../../api/owner.ts";
import { Button, Code } from "../../components/basic.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { hold } from "../../leaving.ts";

let show: ((made: KeyWithSecret) => void) | null = null;

export function tellSecret(made: KeyWithSecret): void {
  show?.(made);
}

/** Shows what `tellSecret` tells, one after the other. The app has one. */
export function Secrets() {
  const [made, tell] = useState<readonly KeyWithSecret[]>([]);
  useEffect(() => {
    show = (key) => tell((all) => [...all, key]);
    return () => void (show = null);
  }, []);
  useEffect(() => hold("secret", made.length > 0), [made]);
  const first = made[0];
  return first === undefined ? null : <Secret key={first.key} made={first} onClose={() => tell((all) => all.slice(1))} />;
}

function Secret({ made, onClose }: { made: KeyWithSecret; onClose: () => void }) {
  return (
    <Dialog title={`The secret of ${made.name}`} onClose={onClose} isKept>
      <div class="stack">
        <p>Copy it now. It is shown only once, because only its hash is stored.</p>
        <Code text={made.key} label="The new key" />
        {(made.warnings ?? []).map((each) => <p key={each} class="notice warn">{each}</p>)}
      </div>
      <footer><Button kind="primary" onClick={onClose}>I have copied it</Button></footer>
    </Dialog>
  );
}
