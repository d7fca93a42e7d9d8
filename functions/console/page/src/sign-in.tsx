/** The prompt for a key. Nobody is registered anywhere: a key of the stage is all there is. */

import { useState } from "preact/hooks";
import { ApiError } from "./api/client.ts";
import { ThemeChoice } from "./app.tsx";
import icon from "./icon.svg";
import { Button, Input } from "./components/basic.tsx";
import { announce } from "./components/toast.tsx";
import { refusal, signIn } from "./session.ts";

const LOCAL = ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);

export function SignIn() {
  const [key, type] = useState("");
  const [busy, work] = useState(false);
  const [error, fail] = useState<ApiError | null>(refusal);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    work(true);
    fail(null);
    await signIn(bare(key)).catch((raised: ApiError) => {
      fail(raised);
      announce(raised.message);
    });
    work(false);
  };
  return (
    <main id="main" class="sign-in" tabIndex={-1}>
      <form onSubmit={submit}>
        <h1><img src={icon} alt="" width="28" height="28" />route-switch console</h1>
        {error?.code === "signature_required" ? <SignedOnly /> : (
          <>
            <Input
              label="API key" value={key} onInput={type} error={error?.message ?? null}
              input={{ type: "password", name: "api-key", required: true, autofocus: true, placeholder: "rs-…" }}
              hint="An admin key shows everything; a client key shows the playground. It is kept in this tab until you close it or forget it, and sent to this stage only."
            />
            <Button kind="primary" type="submit" busy={busy}>{busy ? "Checking…" : "Open the console"}</Button>
            {LOCAL && <LocalHint />}
          </>
        )}
        <div class="bar-row">
          <ThemeChoice />
          <a class="hint" href="console/THIRD-PARTY.txt">Licenses</a>
        </div>
      </form>
    </main>
  );
}

/** A key as it is pasted: often as the value of a header, or in quotes. */
function bare(pasted: string): string {
  return pasted.trim().replace(/^authorization:\s*/i, "").replace(/^bearer\s+/i, "").replace(/^(["'])(.*)\1$/, "$2").trim();
}

function SignedOnly() {
  return (
    <p role="alert">
      This stage accepts only requests that are signed with AWS credentials. A page cannot sign requests, so
      the console cannot be used here.
    </p>
  );
}

function LocalHint() {
  return (
    <p class="hint">
      Local stack: <code>admin_key</code> and <code>api_key</code> are in <code>.local/stack.json</code>, or after{" "}
      <code>make demo</code> in <code>.local/demo/stack.json</code>.
    </p>
  );
}
