import { Badge } from "../../components/basic.tsx";
import { queryOf, type Body } from "./conversation.ts";

/** Which query a result belongs to, and whether the editor has another one by now. */
export function Asked({ body, isEarlier }: { body: Body; isEarlier: boolean }) {
  return (
    <div class="asked">
      <span class="hint clamp">Query: {queryOf(body)}</span>
      {isEarlier && <Badge tone="warn" title="The conversation or its options have changed since.">of an earlier text</Badge>}
    </div>
  );
}
