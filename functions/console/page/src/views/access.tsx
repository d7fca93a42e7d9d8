/** Keys and switches, and who changed them. */

import { useState } from "preact/hooks";
import { listKeys, type KeyWithSecret } from "../api/owner.ts";
import { Button } from "../components/basic.tsx";
import { Loads } from "../components/states.tsx";
import { useLoaded } from "../hooks.ts";
import { AuditTrail } from "./access/audit.tsx";
import { KeyForm } from "./access/key-form.tsx";
import { Keys } from "./access/keys.tsx";
import { tellSecret } from "./access/secret.tsx";
import { SwitchPanel } from "./access/switches.tsx";

export default function Access() {
  const keys = useLoaded(listKeys, []);
  const [making, make] = useState(false);
  const [changes, count] = useState(0);
  const changed = () => {
    keys.reload();
    count((n) => n + 1);
  };
  const made = (key: KeyWithSecret) => {
    make(false);
    tellSecret(key);
    changed();
  };
  return (
    <div class="stack-wide">
      <section class="stack" aria-label="Keys">
        <header class="bar-row spread">
          <h2>Keys</h2>
          <Button kind="primary" onClick={() => make(true)}>Create a key…</Button>
        </header>
        <Loads of={keys}>{(found) => <Keys keys={found.data} changed={changed} rotated={made} />}</Loads>
      </section>
      <div class="grid-2">
        <SwitchPanel changed={() => count((n) => n + 1)} />
        <AuditTrail round={changes} keys={keys.data?.data ?? []} />
      </div>
      {making && <KeyForm before={null} onClose={() => make(false)} made={made} changed={changed} />}
    </div>
  );
}
