/** Switches, each with what it does. Those that change who answers ask first. */

import { useState } from "preact/hooks";
import { ApiError } from "../../api/client.ts";
import { getSwitches, listRuns, setSwitches, type Switches } from "../../api/owner.ts";
import { Button, Segmented } from "../../components/basic.tsx";
import { confirm } from "../../components/dialog.tsx";
import { Loads } from "../../components/states.tsx";
import { toast } from "../../components/toast.tsx";
import { useLoaded } from "../../hooks.ts";
import { isActive } from "../learning/runs.tsx";

const SWITCHES = {
  routing: { title: "Routing", options: [["on", "On"], ["shadow", "Shadow"], ["off", "Off"]] },
  pin_tier: { title: "Pin a tier", options: [["off", "Off"], ["1", "Tier 1"], ["2", "Tier 2"], ["3", "Tier 3"]] },
  learning: { title: "Learning", options: [["on", "On"], ["off", "Off"]] },
} as const;

type Name = keyof typeof SWITCHES;

/** What each switch does, with the words of its buttons. */
const EFFECTS: Record<Name, string> = {
  routing: "On: routing decides. Shadow: one tier answers, and the router's decisions are only recorded. Off: no router LLM is called, and longer queries go to the safe tier.",
  pin_tier: "A pinned tier answers every request that names no model, as far as the request and its key allow. Off: routing decides.",
  learning: "On: a run starts once a week. Off: no run starts, and an active run ends without promoting a prompt.",
};

/** Said before a change; what takes effect when stands beside it. */
const WHAT_HAPPENS: Record<string, string> = {
  "routing=on": "Routing decides which tier answers.",
  "routing=shadow": "One tier answers everything that routing would otherwise decide, and the router's decisions are only recorded.",
  "routing=off": "No router LLM is called. The safe tier answers what is not bypassed.",
  "pin_tier=off": "Routing decides again.",
  "pin_tier=1": "Tier 1 answers every request that names no model, within what the request and its key allow.",
  "pin_tier=2": "Tier 2 answers every request that names no model, within what the request and its key allow.",
  "pin_tier=3": "Tier 3 answers every request that names no model, within what the request and its key allow.",
};

/** What turning learning off would end, or undefined if no run is active. */
async function endedRun(): Promise<string | undefined> {
  const runs = await listRuns().catch(() => null);
  if (runs === null) return "The runs could not be read. If one is active, it ends without promoting a prompt, and what it has spent is not refunded.";
  const active = runs.data.find(isActive);
  return active && `Run ${active.run} is active. It ends without promoting a prompt, and what it has spent is not refunded.`;
}

const valueOf = (switches: Switches, name: Name) => String(switches[name] ?? "off");

export function SwitchPanel({ changed }: { changed: () => void }) {
  const loaded = useLoaded(getSwitches, []);
  const [said, say] = useState<string | null>(null);
  const send = async (changes: Partial<Switches>, done: string) => {
    await setSwitches(changes).then(
      ({ note }) => {
        say(note);
        toast(done);
      },
      (error: Error) => toast(error.message, "bad"),
    );
    changed();
  };
  const change = async (name: Name, from: string, to: string) => {
    const label = (value: string) => SWITCHES[name].options.find(([each]) => each === value)?.[1] ?? value;
    const title = SWITCHES[name].title;
    const told = name === "learning" && to === "off" ? await endedRun() : WHAT_HAPPENS[`${name}=${to}`];
    const sure = told === undefined || await confirm({
      title: `${title}: ${label(from)} to ${label(to)}?`,
      body: <p>{told} {loaded.data?.note}</p>,
      action: `Set ${title.toLowerCase()} to ${label(to)}`, danger: true,
    });
    if (sure) {
      const value = name === "pin_tier" ? (to === "off" ? null : Number(to)) : to;
      await send({ [name]: value } as Partial<Switches>, `${title}: ${label(to)}.`);
    }
    loaded.reload();
  };
  const rewrite = async () => {
    const body = <p>The stored switches cannot be read. This sets routing to on, pins no tier, and turns learning on.</p>;
    const sure = await confirm({ title: "Rewrite all switches?", body, action: "Rewrite all switches", danger: true });
    if (sure) await send({ routing: "on" }, "All switches are rewritten.");
    loaded.reload();
  };
  return (
    <section class="card" aria-label="Switches">
      <h2>Switches</h2>
      <Loads of={loaded} lines={6}>
        {(switches) => (
          <div class="stack-wide">
            {(Object.keys(SWITCHES) as Name[]).map((name) => (
              <div key={name} class="stack">
                <h3>{SWITCHES[name].title}</h3>
                <Segmented
                  label={SWITCHES[name].title} value={valueOf(switches, name)} options={SWITCHES[name].options}
                  isHeld onChange={(to: string) => change(name, valueOf(switches, name), to)}
                />
                <p class="hint">{EFFECTS[name]}</p>
              </div>
            ))}
            <Note now={switches.note} said={said} />
          </div>
        )}
      </Loads>
      {isUnreadable(loaded.error) && <Button onClick={rewrite}>Rewrite all switches…</Button>}
    </section>
  );
}

/** When a change takes effect. What the answer to a change says besides, such as that others were reset, is more than a hint. */
function Note({ now, said }: { now: string; said: string | null }) {
  const isMore = said !== null && said !== now;
  return <p class={isMore ? "notice warn" : "hint"} role="status">{said ?? now}</p>;
}

const isUnreadable = (error: Error | null) => error instanceof ApiError && error.code === "switches_unreadable";
