/** What to do if there is nothing to show. */

import { getJson } from "../../api/client.ts";
import type { CostsPage } from "../../api/types.ts";
import { Code } from "../../components/basic.tsx";
import { Empty, Loads } from "../../components/states.tsx";
import { utcDay } from "../../format.ts";
import { useLoaded } from "../../hooks.ts";
import { base } from "../../base.ts";
import { href } from "../../router.ts";

export function FirstDay() {
  const year = useLoaded((signal) => getJson<CostsPage>("v1/costs", { from: utcDay(364), group_by: "model" }, { signal }), []);
  return (
    <Loads of={year}>
      {({ total }) => (total.requests ?? 0) > 0 ? (
        <Empty title="No requests in this range">
          <p>Choose a longer range above.</p>
        </Empty>
      ) : <Steps />}
    </Loads>
  );
}

function Steps() {
  const curl = `curl ${base()}/v1/chat/completions \\
  -H "Authorization: Bearer $ROUTE_SWITCH_API_KEY" -H "Content-Type: application/json" \\
  -d '{"model": "auto", "messages": [{"role": "user", "content": "What is 15% of 80?"}]}'`;
  return (
    <Empty title="No requests yet">
      <p>This page shows costs, savings, quality and speed as soon as there are some.</p>
      <ol class="steps">
        <li>Try a query in the <a href={href("playground")}>playground</a>: it shows which tier answers, and why.</li>
        <li>Create a key for your application in <a href={href("access")}>Keys and switches</a>.</li>
        <li>
          Send its requests here, with any OpenAI or Anthropic client. Only the address and the key change:
          <Code label="Example request" text={curl} />
        </li>
        <li>Rate answers with <code>POST /v1/feedback</code>. Ratings are the quality on this page, and what learning trusts most.</li>
      </ol>
    </Empty>
  );
}
