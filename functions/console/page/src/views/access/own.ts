/** Which of the keys this page is signed in with. */

import { useEffect, useState } from "preact/hooks";
import { apiKey } from "../../session.ts";
import { idOf } from "./key-id.ts";

/** Return the id of the key of this tab, or null while it is unknown. */
export function useOwnId(): string | null {
  const [id, tell] = useState<string | null>(null);
  useEffect(() => {
    // There is no `crypto.subtle` on a page that is served by plain HTTP from another machine.
    idOf(apiKey()).then(tell, () => undefined);
  }, []);
  return id;
}
