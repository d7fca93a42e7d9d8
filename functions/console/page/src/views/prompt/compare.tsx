/** The live version beside any other. */

import { getPrompt, type PromptVersion } from "../../api/owner.ts";
import { Select } from "../../components/basic.tsx";
import { Empty, Loads } from "../../components/states.tsx";
import { localDay } from "../../format.ts";
import { useLoaded } from "../../hooks.ts";
import { versionName, versionNumber } from "../../prompt-version.ts";
import { setParams, usePlace } from "../../router.ts";
import type { LivePrompt } from "../prompt.tsx";
import { DiffTable } from "./diff-table.tsx";
import { VersionFacts } from "./facts.tsx";
import { withoutProvenance } from "./provenance.ts";

export function versionLabel(version: PromptVersion): string {
  const when = version.written_at === null ? "" : ` · ${localDay(version.written_at)}`;
  return `${versionName(version.version)}${when}${version.valid ? "" : " · broken"}`;
}

export function Compare({ live, number, versions }: LivePrompt) {
  const { params } = usePlace();
  const others = versions.filter((each) => each.version !== live.version);
  const chosen = others.find((each) => each.version === `live@${params.get("with")}`) ?? others[0];
  const name = number === null ? live.version : `${versionName(live.version)} (live)`;
  return (
    <div class="stack-wide">
      {chosen === undefined ? (
        <>
          <Empty title="Only one version so far">
            <p>Edit the prompt, or wait for a learning run to promote one. Then this shows what changed, word by word.</p>
          </Empty>
          <pre class="document" tabIndex={0} role="region" aria-label="The live prompt">{live.document}</pre>
        </>
      ) : (
        <>
          <div class="toolbar">
            <Select
              label="Compare the live version with" value={chosen.version}
              options={others.map((each) => [each.version, versionLabel(each)] as const)}
              onChange={(version) => setParams({ with: String(versionNumber(version)) })}
            />
          </div>
          <Other live={live} name={name} version={chosen} versions={versions} />
        </>
      )}
      <VersionFacts version={live} versions={versions} />
    </div>
  );
}

interface OtherProps extends Pick<LivePrompt, "live" | "versions"> {
  name: string;
  version: PromptVersion;
}

function Other({ live, name, version, versions }: OtherProps) {
  const number = versionNumber(version.version);
  const loaded = useLoaded((signal) => getPrompt(number, signal), [number]);
  return (
    <Loads of={loaded}>
      {(other) => (
        <div class="stack-wide">
          <DiffTable
            before={withoutProvenance(other.document)} after={withoutProvenance(live.document)}
            beforeName={versionName(version.version)} afterName={name}
          />
          <p class="hint">The front matter is not compared. It says how a version was made, as shown below.</p>
          <VersionFacts version={other} versions={versions} />
        </div>
      )}
    </Loads>
  );
}
