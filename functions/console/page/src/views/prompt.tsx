/** The routing prompt: what is live, how it differs from other versions, and changing it. */

import { getPrompt, listVersions, type PromptDocument, type PromptVersion } from "../api/owner.ts";
import { Segmented } from "../components/basic.tsx";
import { Loads } from "../components/states.tsx";
import { useLoaded } from "../hooks.ts";
import { versionNumber } from "../prompt-version.ts";
import { setParams, usePlace } from "../router.ts";
import { Compare } from "./prompt/compare.tsx";
import { Edit } from "./prompt/edit.tsx";
import { LiveFacts } from "./prompt/facts.tsx";
import { Versions } from "./prompt/versions.tsx";

const TABS = [["compare", "Compare"], ["edit", "Edit"], ["versions", "Versions"]] as const;

export interface LivePrompt {
  live: PromptDocument;
  /** The number of the live version; null while the stage serves a prompt that is not stored. */
  number: number | null;
  versions: PromptVersion[];
  reload: () => void;
}

async function load(signal: AbortSignal): Promise<Omit<LivePrompt, "reload">> {
  const [live, history] = await Promise.all([getPrompt(null, signal), listVersions(signal)]);
  return { live, number: versionNumber(live.version), versions: history.data };
}

export default function Prompt() {
  const loaded = useLoaded(load, []);
  const { params } = usePlace();
  const tab = TABS.find(([name]) => name === params.get("tab"))?.[0] ?? "compare";
  return (
    <Loads of={loaded}>
      {(found) => {
        const prompt = { ...found, reload: loaded.reload };
        return (
          <div class="stack-wide">
            <LiveFacts {...prompt} />
            <Segmented label="Part of the view" value={tab} options={TABS} onChange={(name) => setParams({ tab: name })} />
            {tab === "compare" && <Compare {...prompt} />}
            {tab === "edit" && <Edit {...prompt} />}
            {tab === "versions" && <Versions {...prompt} />}
          </div>
        );
      }}
    </Loads>
  );
}
