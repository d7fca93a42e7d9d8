/** What became of the requests and examples that a run read. */

import type { LeftOut, RunDetail } from "../../api/owner.ts";
import { Table } from "../../components/table.tsx";
import { count } from "../../format.ts";

const TITLE = "Examples used";

interface Step {
  name: string;
  examples: number;
}

/** The steps add up: what was read is the sum of what was merged, left out and used. */
function stepsOf({ examples, left_out }: RunDetail): Step[] {
  const out = (each: LeftOut): Step => ({ name: `Left out: ${each.reason}`, examples: each.examples });
  if (examples == null) return left_out.map(out);
  return [
    { name: "Read", examples: examples.read },
    ...(examples.merged > 0 ? [{ name: "Merged into an identical example, which counts for them", examples: examples.merged }] : []),
    ...examples.left_out.map(out),
    { name: "Used for training, validation and the held-out check", examples: examples.used },
  ];
}

export function ExamplesUsed({ run }: { run: RunDetail }) {
  const steps = stepsOf(run);
  if (steps.length === 0) return null;
  return (
    <section class="stack" aria-label={TITLE}>
      <h3>{TITLE}</h3>
      <Table
        caption={TITLE} rows={steps} rowKey={(each) => each.name}
        columns={[
          { name: "Step", cell: (each) => each.name },
          { name: "Examples", cell: (each) => count(each.examples), numeric: true },
        ]}
      />
    </section>
  );
}
